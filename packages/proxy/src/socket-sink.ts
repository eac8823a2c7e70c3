import type { Socket } from 'node:net'
import type { ByteSink } from '@braid/virtual-cluster'

/** Up to this size the parts of one write are joined: a copy is cheaper than a vector of small buffers. */
const JOIN_BELOW_BYTES = 16 * 1024

export function socketSink(socket: Socket): ByteSink {
  return {
    peer: `${socket.remoteAddress}:${socket.remotePort}`,
    write(parts, onTaken) {
      if (socket.destroyed) return true
      if (parts.length === 1) return socket.write(parts[0]!, onTaken)
      let bytes = 0
      for (const part of parts) bytes += part.length
      if (bytes < JOIN_BELOW_BYTES) {
        const joined = Buffer.concat(parts as Buffer[], bytes)
        onTaken?.()
        return socket.write(joined)
      }
      socket.cork()
      let room = true
      const last = parts.length - 1
      for (let i = 0; i < last; i++) socket.write(parts[i]!)
      room = socket.write(parts[last]!, onTaken)
      socket.uncork()
      return room
    },
    pauseReading: () => socket.pause(),
    resumeReading: () => socket.resume(),
    destroy: () => socket.destroy(),
  }
}
