import {
  apiVersions,
  FrameReader,
  ProtocolError,
  type RequestHeader,
  readRequestHeader,
} from '@braid/kafka-protocol'
import { apiVersionsFallback } from './api-table.ts'
import type { Engine } from './engine.ts'
import { FetchLanes } from './fetch-lanes.ts'
import { Upstreams } from './upstreams.ts'

/** Where a session's bytes go: a socket, or KafkaJS in the same process. */
export interface ByteSink {
  /** The client's address, for log lines. */
  readonly peer: string
  /**
   * Writes the parts as one run of bytes. False: full; the owner calls `session.drained()` later. `onTaken` is
   * called when nobody refers to the parts any more; never, by a sink that hands them on.
   */
  write(parts: readonly Buffer[], onTaken?: () => void): boolean
  pauseReading(): void
  resumeReading(): void
  /** Closes the client's connection. */
  destroy(): void
}

/** A request that was read and not answered yet. Answers leave in the order in which requests came. */
export interface PendingAnswer {
  /** Size of the request, counted against the session's bound until it is answered. */
  readonly requestBytes: number
  /** The whole response frame, set once; an empty list when no answer is sent (acks=0). */
  answer: readonly Buffer[] | undefined
  /** Gives back the memory of the answer, once it is sent. */
  readonly release?: () => void
}

/**
 * One client connection: frames in, frames out, in order.
 *
 *     reading --(bound reached)--> paused --(answers left)--> reading
 *        |                            |
 *        +------- close() / bad frame-+--> closed
 */
export class Session {
  readonly engine: Engine
  readonly sink: ByteSink
  readonly upstreams: Upstreams
  readonly fetchLanes: FetchLanes
  closed = false

  readonly #frames: FrameReader
  #pending: PendingAnswer[] = []
  #head = 0
  #inflightBytes = 0
  #flushScheduled = false
  #sinkFull = false
  #paused = false
  #blocks = 0
  readonly #closeListeners = new Set<() => void>()

  constructor(engine: Engine, sink: ByteSink) {
    this.engine = engine
    this.sink = sink
    this.upstreams = new Upstreams(engine)
    this.fetchLanes = new FetchLanes(engine)
    this.#frames = new FrameReader({
      maxFrameBytes: engine.limits.requestMaxBytes,
      memory: engine.frames,
      chunksAreReused: true,
    })
  }

  /** Bytes from the client, not kept. A frame that does not parse ends this session and no other. */
  receive(chunk: Buffer): void {
    if (this.closed) return
    try {
      this.#frames.push(chunk, this.#onFrame)
    } catch (error) {
      this.fail(error)
    }
  }

  /** Where a socket may read the next bytes to: straight into a large request, else to `scratch`. */
  readBuffer(scratch: Buffer): Buffer {
    return this.#frames.direct() ?? scratch
  }

  /** So many bytes were read to what `readBuffer` answered last. */
  received(bytes: number, buffer: Buffer, scratch: Buffer): void {
    if (buffer === scratch) {
      this.receive(scratch.subarray(0, bytes))
      return
    }
    if (this.closed) return
    try {
      this.#frames.readDirectly(bytes, this.#onFrame)
    } catch (error) {
      this.fail(error)
    }
  }

  readonly #onFrame = (frame: Buffer): void => {
    if (this.closed) return
    let header: RequestHeader
    try {
      header = readRequestHeader(frame)
    } catch (error) {
      const request = error instanceof ProtocolError ? error.request : undefined
      if (request?.apiKey !== apiVersions.key) throw error
      // A client newer than this: it asks again in a version that it reads in the answer.
      const pending: PendingAnswer = { requestBytes: frame.length, answer: undefined }
      this.expect(pending)
      this.complete(pending, apiVersionsFallback(request.correlationId))
      return
    }
    this.engine.dispatch(this, header, frame)
    this.#gate()
  }

  /** Takes a place in the order of answers. */
  expect(pending: PendingAnswer): void {
    this.#pending.push(pending)
    this.#inflightBytes += pending.requestBytes
  }

  /** Answers a request; what is ready at the front of the order leaves with one write in this tick. */
  complete(pending: PendingAnswer, answer: readonly Buffer[]): void {
    pending.answer = answer
    if (this.#flushScheduled || this.closed || this.#pending[this.#head] !== pending) return
    this.#flushScheduled = true
    process.nextTick(this.#flush)
  }

  readonly #flush = (): void => {
    this.#flushScheduled = false
    if (this.closed) return
    let out: readonly Buffer[] | undefined
    let joined: Buffer[] | undefined
    let sent: PendingAnswer[] | undefined
    while (this.#head < this.#pending.length) {
      const next = this.#pending[this.#head]!
      if (next.answer === undefined) break
      this.#head++
      this.#inflightBytes -= next.requestBytes
      if (next.answer.length === 0) continue
      if (next.release !== undefined) {
        if (sent === undefined) sent = [next]
        else sent.push(next)
      }
      if (out === undefined) out = next.answer
      else {
        if (joined === undefined) out = joined = [...out]
        for (const part of next.answer) joined.push(part)
      }
    }
    if (this.#head === this.#pending.length) {
      this.#pending = []
      this.#head = 0
    } else if (this.#head > 64) {
      this.#pending = this.#pending.slice(this.#head)
      this.#head = 0
    }
    if (out !== undefined) {
      const released = sent
      const onTaken = released && (() => released.forEach((answer) => void answer.release?.()))
      this.#sinkFull = !this.sink.write(out, onTaken) || this.#sinkFull
    }
    this.#gate()
  }

  /** The sink has room again. */
  drained(): void {
    this.#sinkFull = false
    this.#gate()
  }

  /** Stops reading the client until `unblock` was called as often: a queue that it feeds is full. */
  block(): void {
    this.#blocks++
    this.#gate()
  }

  unblock(): void {
    this.#blocks--
    this.#gate()
  }

  #gate(): void {
    const { inflightMaxBytes, inflightMaxRequests } = this.engine.limits
    const full =
      this.#sinkFull ||
      this.#blocks > 0 ||
      this.#inflightBytes >= inflightMaxBytes ||
      this.#pending.length - this.#head >= inflightMaxRequests
    if (full === this.#paused || this.closed) return
    this.#paused = full
    if (full) this.sink.pauseReading()
    else this.sink.resumeReading()
  }

  /** Ends the session because of what the client sent; says what was wrong and where. */
  fail(error: unknown): void {
    if (this.closed) return
    const at = error instanceof ProtocolError ? { code: error.code, at: error.at } : {}
    this.engine.log('warn', 'session-closed', {
      peer: this.sink.peer,
      why: error instanceof Error ? error.message : String(error),
      ...at,
    })
    this.close()
    this.sink.destroy()
  }

  /** Calls the listener when the session ends, unless the function that it answers was called before. */
  onClose(listener: () => void): () => void {
    this.#closeListeners.add(listener)
    return () => this.#closeListeners.delete(listener)
  }

  /** The client has gone, or is made to go. What it had in flight stays unanswered. */
  close(): void {
    if (this.closed) return
    this.closed = true
    this.#pending = []
    this.upstreams.close()
    this.fetchLanes.close()
    for (const listener of this.#closeListeners) listener()
    this.#closeListeners.clear()
    this.engine.forgetSession(this)
  }
}
