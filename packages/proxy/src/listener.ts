import { createServer, type Socket } from 'node:net'
import type { Address } from '@braid/routing-model'
import type { Engine, Session } from '@braid/virtual-cluster'
import { listening } from './listening.ts'
import { readInto } from './read-into.ts'
import { socketSink } from './socket-sink.ts'

export interface Listener {
  readonly host: string
  readonly port: number
  close(): Promise<void>
}

/** Bytes that a socket takes in before it says that it is full, and that it reads at most at once. */
const SOCKET_OPTIONS = { noDelay: true, highWaterMark: 1024 * 1024 }

/** Small requests of every client are read to here; a session takes what it keeps. */
const scratch = Buffer.allocUnsafeSlow(128 * 1024)

/**
 * Accepts clients at one address; each is a session of the engine.
 *
 * @param purpose for messages: `bootstrap`, or the cluster that it leads to
 * @throws ListenError when the address cannot be listened at
 */
export async function listen(
  engine: Engine,
  purpose: string,
  address: Address,
  connectionsMax: number,
): Promise<Listener> {
  const sockets = new Set<Socket>()
  const server = createServer({ ...SOCKET_OPTIONS, pauseOnConnect: true }, (accepted) => {
    let session: Session | undefined
    let buffer: Buffer = scratch
    const socket = readInto(accepted, {
      nextBuffer: () => {
        buffer = session?.readBuffer(scratch) ?? scratch
        return buffer
      },
      onBytes: (bytes) => session?.received(bytes, buffer, scratch),
    })
    const opened = engine.openSession(socketSink(socket))
    session = opened
    socket.resume()
    sockets.add(socket)
    socket.on('drain', () => opened.drained())
    // A reset by the client is the client's business; `close` follows.
    socket.on('error', () => {})
    socket.on('close', () => {
      sockets.delete(socket)
      opened.close()
    })
  })
  server.maxConnections = connectionsMax
  server.on('drop', (dropped) => {
    engine.log('warn', 'connection-refused', {
      listener: purpose,
      peer: `${dropped?.remoteAddress}:${dropped?.remotePort}`,
      why: `connectionsMax ${connectionsMax} is reached`,
    })
  })
  await listening(server, address, { purpose, option: '--listen' })
  const bound = server.address()
  const port = typeof bound === 'object' && bound !== null ? bound.port : address.port
  return {
    host: address.host,
    port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        for (const socket of sockets) socket.destroy()
      }),
  }
}
