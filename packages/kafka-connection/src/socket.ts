import net from 'node:net'
import type { Security } from './options.ts'

export interface SocketRequest {
  readonly host: string
  readonly port: number
  readonly security: Security
  /** where the next bytes are to be read to, asked before every read */
  readonly buffer: () => Buffer
  /** so many bytes were read to that buffer */
  readonly onBytes: (bytes: number, buffer: Buffer) => void
}

/** Starts to connect; the socket emits 'connect', 'error', 'drain' and 'close' as `net.Socket` does. */
export type Connect = (request: SocketRequest) => net.Socket

/** The one place where a socket towards a broker is made. TLS is another branch here. */
export const connectTcp: Connect = ({ host, port, buffer, onBytes }) =>
  net.connect({
    host,
    port,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: 30_000,
    onread: {
      buffer,
      callback: (bytes, slice) => {
        onBytes(bytes, slice as Buffer)
        return true
      },
    },
  })
