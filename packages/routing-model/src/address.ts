/** Where somebody listens. In routes and options it is `host:port`, an IPv6 address in brackets. */
export interface Address {
  /** As a socket takes it: an IPv6 address without brackets. */
  readonly host: string
  readonly port: number
}

/** Of `host:port`; undefined when it is something else. Port 0 is one that the system chooses. */
export function parseAddress(text: string): Address | undefined {
  const colon = text.lastIndexOf(':')
  const host = withoutBrackets(text.slice(0, colon))
  const port = Number(text.slice(colon + 1))
  const isOne = colon > 0 && host !== '' && Number.isInteger(port) && port >= 0 && port <= 65_535
  return isOne ? { host, port } : undefined
}

export function formatAddress({ host, port }: Address): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

export function withoutBrackets(host: string): string {
  return host.replace(/^\[(.*)\]$/, '$1')
}
