import net from 'node:net'
import tls from 'node:tls'
import type { TlsMaterial } from './security/tls.ts'

export interface SocketRequest {
  readonly host: string
  readonly port: number
  /** with TLS when given */
  readonly tls?: TlsMaterial | undefined
  /** where the next bytes are to be read to, asked before every read */
  readonly buffer: () => Buffer
  /** so many bytes were read to that buffer */
  readonly onBytes: (bytes: number, buffer: Buffer) => void
}

/**
 * Starts to connect; the socket emits 'connect' (with TLS 'secureConnect', when bytes may be sent), 'error', 'drain' and
 * 'close' as `net.Socket` does.
 */
export type Connect = (request: SocketRequest) => net.Socket

/** The one place where a socket towards a broker is made. */
export const connectSocket: Connect = ({ host, port, tls: material, buffer, onBytes }) => {
  const options = {
    host,
    port,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: 30_000,
    onread: {
      buffer,
      callback: (bytes: number, slice: Uint8Array) => {
        onBytes(bytes, slice as Buffer)
        return true
      },
    },
  }
  if (material === undefined) return net.connect(options)
  const socket = tls.connect({ ...options, ...material, minVersion: 'TLSv1.2' })
  // tls.connect does not pass these on.
  socket.setNoDelay(true)
  socket.setKeepAlive(true, options.keepAliveInitialDelay)
  return socket
}
