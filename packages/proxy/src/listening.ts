import type { Server } from 'node:net'
import { type Address, formatAddress } from '@braid/routing-model'
import { ListenError } from './listen-error.ts'

export interface ListeningFor {
  /** For messages: `bootstrap`, the cluster that it leads to, or `metrics`. */
  readonly purpose: string
  /** The flag that chooses the address. */
  readonly option: string
}

/**
 * Resolves when the server listens.
 *
 * @throws ListenError when it cannot listen there
 */
export function listening(
  server: Server,
  address: Address,
  { purpose, option }: ListeningFor,
): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(ListenError.of(error, purpose, formatAddress(address), option))
    })
    server.listen({ host: address.host, port: address.port }, () => resolve())
  })
}
