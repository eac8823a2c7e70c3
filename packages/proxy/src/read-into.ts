import { Socket } from 'node:net'

/** How a socket is read without a buffer of its own for every read. */
export interface ReadInto {
  /** Asked before every read. */
  nextBuffer(): Buffer
  /** So many bytes were read to the buffer that was asked for last. */
  onBytes(bytes: number): void
}

interface Handle {
  readonly readStart: unknown
}

/**
 * An accepted socket that reads to memory of ours. `net.connect` offers that as `onread`; accepted sockets
 * are not offered it, so the accepted connection is handed over to a socket that was made with it. What Node
 * allocates for every read otherwise costs more than all that the proxy does with the bytes, because memory
 * outside of V8's heap makes it collect the heap again and again (docs/decisions/0004).
 *
 * Where a later Node keeps its handles elsewhere, the socket is read the ordinary way.
 *
 * @param accepted a paused socket (`pauseOnConnect`). The answer stands in for it, paused too.
 */
export function readInto(accepted: Socket, reading: ReadInto): Socket {
  const owner = accepted as unknown as { _handle?: Handle | null }
  const handle = owner._handle
  if (typeof handle?.readStart !== 'function') return readOrdinarily(accepted, reading)
  owner._handle = null
  const socket = new Socket({
    handle,
    onread: {
      buffer: () => reading.nextBuffer(),
      callback: (bytes: number) => {
        reading.onBytes(bytes)
        return true
      },
    },
  } as unknown as ConstructorParameters<typeof Socket>[0])
  // The server counts the accepted socket until it is destroyed.
  socket.on('close', () => accepted.destroy())
  return socket
}

export function readOrdinarily(accepted: Socket, reading: ReadInto): Socket {
  accepted.on('data', (chunk: Buffer) => {
    for (let at = 0; at < chunk.length; ) {
      const to = reading.nextBuffer()
      const bytes = chunk.copy(to, 0, at)
      at += bytes
      reading.onBytes(bytes)
    }
  })
  return accepted
}
