import { once } from 'node:events'
import net, { type Socket } from 'node:net'
import {
  type Api,
  FrameReader,
  Reader,
  readResponseHeader,
  Writer,
  writeRequestHeader,
} from '@braid/kafka-protocol'

const FRAME_MAX_BYTES = 64 << 20
const ANSWER_TIMEOUT_MS = 30_000

/** One request at a time over one socket: all that the tour needs. */
export class Caller {
  private readonly socket: Socket
  private readonly frames = new FrameReader({ maxFrameBytes: FRAME_MAX_BYTES })
  private answered: ((frame: Buffer) => void) | undefined
  private correlationId = 0

  private constructor(socket: Socket) {
    this.socket = socket
    socket.on('data', (chunk) => this.frames.push(chunk, (frame) => this.answered?.(frame)))
  }

  static async connect(address: string): Promise<Caller> {
    const [host, port] = address.split(':')
    const socket = net.connect(Number(port), host)
    await once(socket, 'connect')
    return new Caller(socket)
  }

  async call<Q, A>(api: Api<Q, A>, version: number, request: Q): Promise<A> {
    const w = new Writer()
    const size = w.reserveInt32()
    writeRequestHeader(w, api.key, version, ++this.correlationId, 'braid')
    api.encodeRequest(w, version, request)
    w.fillInt32(size, w.length - 4)
    const what = `${api.name} v${version}`
    const frame = await new Promise<Buffer>((resolve, reject) => {
      const deadline = setTimeout(() => reject(new Error(`${what}: no answer`)), ANSWER_TIMEOUT_MS)
      const closed = (): void => reject(new Error(`${what}: the broker closed the connection`))
      this.socket.once('close', closed)
      this.answered = (answer) => {
        clearTimeout(deadline)
        this.socket.off('close', closed)
        resolve(answer)
      }
      this.socket.write(w.finish())
    })
    const { bodyAt } = readResponseHeader(frame, api.key, version)
    return api.decodeResponse(new Reader(frame, bodyAt), version)
  }

  close(): void {
    this.socket.destroy()
  }
}
