import { once } from 'node:events'
import { type Socket, connect as tcpConnect } from 'node:net'
import { type Api, FrameReader, Reader, Writer, writeRequestHeader } from '@braid/kafka-protocol'

const FRAME_MAX_BYTES = 16 * 1024 * 1024
const API_VERSIONS_KEY = 18

/** A connection to one listener that does what it is told and nothing by itself; requests are pipelined. */
export class RawConnection {
  readonly address: string
  readonly #socket: Socket
  readonly #waiting = new Map<number, { take(frame: Buffer): void; fail(error: Error): void }>()
  #correlationId = 0

  static async open(address: string): Promise<RawConnection> {
    const [host, port] = address.split(':')
    const socket = tcpConnect({ host: host!, port: Number(port), noDelay: true })
    await once(socket, 'connect')
    return new RawConnection(address, socket)
  }

  private constructor(address: string, socket: Socket) {
    this.address = address
    this.#socket = socket
    const frames = new FrameReader({ maxFrameBytes: FRAME_MAX_BYTES })
    socket.on('data', (chunk: Buffer) => frames.push(chunk, (frame) => this.#answered(frame)))
    socket.on('error', () => {}) // `close` follows
    socket.on('close', () => {
      for (const { fail } of this.#waiting.values()) fail(new Error(`${address} closed the connection`))
      this.#waiting.clear()
    })
  }

  /** How the other side knows this one. */
  get peer(): string {
    return `${this.#socket.localAddress}:${this.#socket.localPort}`
  }

  call<Q, A>(api: Api<Q, A>, version: number, request: Q): Promise<A> {
    const w = new Writer()
    writeRequestHeader(w, api.key, version, ++this.#correlationId, 'raw')
    api.encodeRequest(w, version, request)
    const flexible = version >= api.flexibleVersion && api.key !== API_VERSIONS_KEY
    const answer = this.#expect(this.#correlationId).then((frame) => {
      const r = new Reader(frame, 4)
      if (flexible) r.skipTags()
      return api.decodeResponse(r, version)
    })
    this.sendFrame(w.finish())
    return answer
  }

  /** Its size and these bytes, whatever they mean. */
  sendFrame(frame: Buffer): void {
    const size = Buffer.alloc(4)
    size.writeInt32BE(frame.length)
    this.sendBytes(Buffer.concat([size, frame]))
  }

  sendBytes(bytes: Buffer): void {
    this.#socket.write(bytes)
  }

  /** Resolves when the other side has closed it; rejects if it does not. */
  async closed(timeoutMs: number): Promise<void> {
    if (this.#socket.closed) return
    await once(this.#socket, 'close', { signal: AbortSignal.timeout(timeoutMs) })
  }

  close(): void {
    this.#socket.destroy()
  }

  #expect(correlationId: number): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      if (this.#socket.destroyed) reject(new Error(`${this.address} has closed the connection`))
      else this.#waiting.set(correlationId, { take: resolve, fail: reject })
    })
  }

  #answered(frame: Buffer): void {
    const correlationId = frame.readInt32BE(0)
    const waiting = this.#waiting.get(correlationId)
    this.#waiting.delete(correlationId)
    waiting?.take(frame)
  }
}
