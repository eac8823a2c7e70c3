export interface Address {
  /** As a socket takes it: an IPv6 address without brackets. */
  readonly host: string
  readonly port: number
}

/**
 * Of `host:port`, an IPv6 address in brackets. Port 0 is one that the system chooses.
 *
 * @throws TypeError when it is something else
 */
export function parseAddress(address: string): Address {
  const colon = address.lastIndexOf(':')
  const host = withoutBrackets(address.slice(0, colon))
  const port = Number(address.slice(colon + 1))
  if (colon <= 0 || !Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new TypeError(`address ${address} is not host:port, like 127.0.0.1:9092`)
  }
  return { host, port }
}

export function formatAddress({ host, port }: Address): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

export function withoutBrackets(host: string): string {
  return host.replace(/^\[(.*)\]$/, '$1')
}
