import type { Server } from 'node:net'
import { ListenError } from './listen-error.ts'

export interface ListeningFor {
  /** For messages: `bootstrap`, the cluster that it leads to, or `metrics`. */
  readonly purpose: string
  /** The flag that chooses the address. */
  readonly option: string
}

/**
 * Resolves when the server listens. An IPv6 address comes as it stands in a URL, in brackets.
 *
 * @throws ListenError when it cannot listen there
 */
export function listening(
  server: Server,
  { host, port }: { readonly host: string; readonly port: number },
  { purpose, option }: ListeningFor,
): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(ListenError.of(error, purpose, `${host}:${port}`, option))
    })
    server.listen({ host: host.replace(/^\[(.*)\]$/, '$1'), port }, () => resolve())
  })
}
