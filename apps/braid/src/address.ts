import { type Address, formatAddress } from '@braid/routing-model'
import { usage } from './failure.ts'

/** `host:port`, `[v6]:port`. `port` 0 is allowed where we listen: the system chooses. */
export function parseAddress(text: string, what: string): Address {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^\s:/[\]]+)):(\d{1,5})$/.exec(text)
  const port = Number(match?.[3])
  if (match === null || port > 65_535) {
    throw usage(
      `${what}: ${JSON.stringify(text)} is not an address`,
      'write host:port, for example 127.0.0.1:9092',
    )
  }
  return { host: match[1] ?? match[2] ?? '', port }
}

/** A comma separated list of broker addresses, as Kafka's `bootstrap.servers`. */
export function parseBootstrap(text: string, what: string): string[] {
  const addresses = text.split(',').map((part) => parseAddress(part.trim(), what))
  for (const address of addresses) {
    if (address.port === 0) throw usage(`${what}: "${text}" has port 0`, 'name the port that the broker has')
  }
  return addresses.map(formatAddress)
}

export const defaultApi = '127.0.0.1:7070'

/** A control plane's address as a URL. `host:port` is accepted too, and means http. */
export function controlPlaneUrl(text: string, what: string): string {
  if (!text.includes('://')) return `http://${formatAddress(parseAddress(text, what))}`
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (
    url === undefined ||
    !['http:', 'https:'].includes(url.protocol) ||
    url.search !== '' ||
    url.hash !== ''
  ) {
    throw usage(
      `${what}: ${JSON.stringify(text)} is not a URL of a control plane`,
      'write host:port or http://host:port, for example 127.0.0.1:7070',
    )
  }
  if (url.username !== '' || url.password !== '') {
    throw usage(`${what}: a URL with a user or password in it`, 'give a token instead: --token env:NAME')
  }
  return url.href.replace(/\/+$/, '')
}
