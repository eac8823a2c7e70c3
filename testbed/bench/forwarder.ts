/**
 * The floor: what any process in the middle of Kafka connections must do, and nothing more. Frames are parsed as far
 * as their size, requests are matched with answers by correlation id, and slices are forwarded. One child process,
 * started by in-the-middle.ts with {"to":"host:port"}.
 */
import { connect, createServer, type Socket } from 'node:net'
import { argument, closeWithParent, onMessage, sayLine } from '../components/child-side.ts'

const { to } = argument<{ to: string }>()
const colon = to.lastIndexOf(':')
const upstream = { host: to.slice(0, colon), port: Number(to.slice(colon + 1)) }
const socketOptions = { noDelay: true, highWaterMark: 1 << 20 }

const server = createServer(socketOptions, (client) => {
  const broker = connect({ ...upstream, ...socketOptions })
  client.on('error', () => broker.destroy())
  broker.on('error', () => client.destroy())
  const versions = new Map<number, number>()
  forwardFrames(client, broker, (first) => {
    if (first.length >= 12) versions.set(first.readInt32BE(8), first.readInt16BE(4))
  })
  forwardFrames(broker, client, (first) => {
    if (first.length >= 8) versions.delete(first.readInt32BE(4))
  })
})

/** `onFrame` sees the first slice of each frame, size and header included. */
function forwardFrames(from: Socket, to: Socket, onFrame: (first: Buffer) => void): void {
  let chunks: Buffer[] = []
  let have = 0
  let need = -1
  from.on('data', (chunk: Buffer) => {
    chunks.push(chunk)
    have += chunk.length
    for (;;) {
      if (need < 0) {
        if (have < 4) return
        if (chunks[0]!.length < 12 && chunks.length > 1) chunks = [Buffer.concat(chunks)]
        need = 4 + chunks[0]!.readInt32BE(0)
      }
      if (have < need) return
      const frame = takeFrame(chunks, need)
      have -= need
      need = -1
      onFrame(frame[0]!)
      to.cork()
      for (const slice of frame) to.write(slice)
      process.nextTick(() => to.uncork())
    }
  })
  from.on('end', () => to.end())
  from.on('close', () => to.destroy())
}

function takeFrame(chunks: Buffer[], bytes: number): Buffer[] {
  const frame: Buffer[] = []
  let left = bytes
  while (left > 0) {
    const chunk = chunks[0]!
    if (chunk.length <= left) {
      frame.push(chunk)
      left -= chunk.length
      chunks.shift()
    } else {
      frame.push(chunk.subarray(0, left))
      chunks[0] = chunk.subarray(left)
      left = 0
    }
  }
  return frame
}

server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no address to listen at')
  sayLine({ event: 'ready', address: `127.0.0.1:${address.port}` })
})
onMessage((message) => {
  if (message.do === 'cpu') sayLine({ event: 'cpu', ask: message.ask, ...process.cpuUsage() })
})
closeWithParent(async () => {
  server.close()
})
