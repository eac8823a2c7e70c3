import {
  type Api,
  FrameReader,
  Reader,
  readResponseHeader,
  Writer,
  writeRequestHeader,
} from '@braid/kafka-protocol'
import type { Engine } from '../engine.ts'
import type { ByteSink, Session } from '../session.ts'

interface Asked {
  readonly apiKey: number
  readonly version: number
  readonly take: (r: Reader) => void
  readonly lost: () => void
}

/** A Kafka client at the other end of a session: encodes requests, decodes answers, sees their order. */
export class TestClient {
  readonly session: Session
  /** Correlation ids in the order in which answers came. */
  readonly answered: number[] = []
  /** Calls to the sink's write. */
  writes = 0
  reading = true
  destroyed = false
  /** What the sink says to a write: false is a full socket. */
  room = true
  #correlationId = 0
  readonly #asked = new Map<number, Asked>()
  readonly #frames = new FrameReader({ maxFrameBytes: 1 << 28 })

  constructor(engine: Engine, peer = 'test:1') {
    const sink: ByteSink = {
      peer,
      write: (parts) => {
        this.writes++
        this.#frames.push(Buffer.concat(parts as Buffer[]), (frame) => this.#answer(frame))
        return this.room
      },
      pauseReading: () => {
        this.reading = false
      },
      resumeReading: () => {
        this.reading = true
      },
      destroy: () => {
        this.destroyed = true
        this.#lose()
      },
    }
    this.session = engine.openSession(sink)
  }

  /** Rejects when the session ends first. */
  ask<QI, A, Q, AI>(api: Api<QI, A, Q, AI>, version: number, request: QI): Promise<A> {
    return new Promise((resolve, reject) => {
      const id = this.#correlationId++
      this.#asked.set(id, {
        apiKey: api.key,
        version,
        take: (r) => resolve(api.decodeResponse(r, version)),
        lost: () => reject(new Error('the session ended')),
      })
      this.session.receive(frameOf(api, version, id, request))
    })
  }

  /** For acks=0: no answer is expected. */
  tell<QI, A, Q, AI>(api: Api<QI, A, Q, AI>, version: number, request: QI): void {
    this.session.receive(frameOf(api, version, this.#correlationId++, request))
  }

  get unanswered(): number {
    return this.#asked.size
  }

  close(): void {
    this.session.close()
    this.#lose()
  }

  #lose(): void {
    for (const { lost } of this.#asked.values()) lost()
    this.#asked.clear()
  }

  #answer(frame: Buffer): void {
    const id = frame.readInt32BE(0)
    const asked = this.#asked.get(id)
    if (asked === undefined) throw new Error(`answer ${id} to nothing that was asked`)
    this.#asked.delete(id)
    this.answered.push(id)
    const { bodyAt } = readResponseHeader(frame, asked.apiKey, asked.version)
    const r = new Reader(frame, bodyAt)
    asked.take(r)
    if (r.remaining !== 0) throw new Error(`answer ${id} has ${r.remaining} bytes too many`)
  }
}

/** A whole request as it stands on the wire, its size in front. */
export function frameOf<QI, A, Q, AI>(
  api: Api<QI, A, Q, AI>,
  version: number,
  id: number,
  request: QI,
): Buffer {
  const w = new Writer()
  w.int32(0)
  writeRequestHeader(w, api.key, version, id, 'test')
  api.encodeRequest(w, version, request)
  const frame = w.finish()
  frame.writeInt32BE(frame.length - 4, 0)
  return frame
}
