import type { Socket } from 'node:net'
import { type Api, Reader, saslAuthenticate, saslHandshake, Writer } from '@braid/kafka-protocol'
import {
  type ApiVersionRange,
  answerBodyAt,
  type BrokerVersions,
  hasFlexibleAnswer,
  hasFlexibleRequest,
  isKnownApi,
} from './api-versions.ts'
import { Deadline } from './deadline.ts'
import { ConnectionError, type ConnectionErrorCode } from './errors.ts'
import { InFlight, type OnAnswer } from './in-flight.ts'
import type { ConnectionOptions } from './options.ts'
import { Outbox } from './outbox.ts'

const NOTHING = Buffer.alloc(0)
/** size, API key, version, correlation id, length of the client id */
const FIXED_HEADER_BYTES = 4 + 2 + 2 + 4 + 2
/** What the header of a held request will take, about. */
const HELD_HEADER_BYTES = 64

/**
 *     interrupted ── close() ─┐
 *       ^ │ interrupt(): requests are held
 *       │ v                   v
 *     open ── close() ──> closing ── last answer, or closeTimeoutMs ──> closed
 *       └── destroy(), error, end, deadline, bad answer ────────────────^
 */
type State =
  | { readonly kind: 'open' }
  | Interrupted
  | { readonly kind: 'closing'; readonly closed: Promise<void>; readonly done: () => void }
  | { readonly kind: 'closed'; readonly error: ConnectionError; readonly here: boolean }

const OPEN: State = { kind: 'open' }

interface Interrupted {
  readonly kind: 'interrupted'
  /** sent meanwhile, oldest first */
  readonly held: Held[]
  heldBytes: number
}

interface Held {
  readonly apiKey: number
  readonly apiVersion: number
  readonly parts: readonly Buffer[]
  readonly onAnswer: OnAnswer
  readonly timeoutMs: number
}

export interface ConnectionEnd {
  readonly cluster: string
  /** -1 for a bootstrap address, of which we do not know whose it is */
  readonly brokerId: number
  /** host:port */
  readonly address: string
}

/**
 * One socket to one broker. Requests are pipelined; answers come in order, as Kafka guarantees for a connection.
 *
 * A time limit counts from when it is the broker's turn: from `send`, or from the answer to the request before. When one
 * is over, the connection is closed and everything under way fails, since no later answer can come before that one.
 */
export class BrokerConnection {
  readonly cluster: string
  readonly brokerId: number
  /** host:port */
  readonly address: string
  /** Called when `writable` is true again after it was false. */
  onDrain: (() => void) | undefined

  #state: State = OPEN
  #versions: BrokerVersions | undefined
  readonly #socket: Socket
  readonly #options: ConnectionOptions
  readonly #inflight = new InFlight()
  readonly #outbox = new Outbox()
  readonly #deadline: Deadline
  readonly #clientId: Buffer
  readonly #flush = () => this.#flushNow()
  readonly #closeListeners: ((error: ConnectionError) => void)[] = []
  #flushing = false
  #full = false

  /** The socket is connected. Made by `openConnection` alone. */
  constructor(end: ConnectionEnd, socket: Socket, options: ConnectionOptions) {
    this.cluster = end.cluster
    this.brokerId = end.brokerId
    this.address = end.address
    this.#socket = socket
    this.#options = options
    this.#clientId = Buffer.from(options.clientId, 'utf8')
    this.#deadline = new Deadline(options.clock, () => {
      const waiting = this.#inflight.count
      this.#end(
        'TIMED_OUT',
        `did not answer in ${this.#inflight.headTimeoutMs} ms; ${waiting} requests were waiting`,
      )
    })
    socket.on('drain', () => this.#checkDrain())
    socket.on('error', (cause) => this.#end('CLOSED', `broke: ${cause.message}`, cause))
    socket.on('close', () => this.#end('CLOSED', 'was closed by the broker'))
  }

  /** @internal the broker's versions, from negotiation or from an earlier connection to the same broker */
  agreeOn(versions: BrokerVersions): void {
    this.#versions = versions
  }

  /** @internal for the intake: false stops it */
  readonly receive = (frame: Buffer): boolean => {
    const inflight = this.#inflight
    if (this.#state.kind === 'closed') return false
    if (inflight.count === 0) return this.#refuse('sent an answer that nobody asked for')
    const expected = inflight.headCorrelationId
    const correlationId = frame.readInt32BE(0)
    if (correlationId !== expected) {
      return this.#refuse(`answered request ${correlationId} where ${expected} was due`)
    }
    const bodyAt = answerBodyAt(frame, inflight.headFlexible)
    if (bodyAt < 0) return this.#refuse('sent an answer whose header does not parse')
    const onAnswer = inflight.shift()
    if (inflight.count === 0) this.#deadline.rest()
    else this.#deadline.startFor(inflight.headCorrelationId, inflight.headTimeoutMs)
    if (this.#full) this.#checkDrain()
    onAnswer(null, frame, bodyAt)
    if (inflight.count === 0) this.#finishClosing()
    return !this.closed
  }

  #finishClosing(): void {
    if (this.#state.kind === 'closing') this.#endHere('was closed here')
  }

  #refuse(why: string): false {
    this.#end('BAD_ANSWER', why)
    return false
  }

  /** @internal */
  badFrame(why: string): void {
    this.#end('BAD_ANSWER', `sent ${why}`)
  }

  /** The highest version that both sides speak, at most `cap`; throws UNSUPPORTED_VERSION. */
  versionOf(api: ApiVersionRange, cap = 32767): number {
    const version = this.#versions === undefined ? -1 : this.#versions.highestCommon(api, cap)
    if (version >= 0) return version
    const theirs =
      this.#versions === undefined ? 'has not said what it speaks' : this.#versions.describe(api.key)
    const ours = `${api.minVersion} to ${Math.min(api.maxVersion, cap)}`
    throw this.error(
      'UNSUPPORTED_VERSION',
      `${theirs} of ${api.name}, we speak ${ours}: use another broker version`,
    )
  }

  /**
   * The hot path. `parts` are the body of the request, one behind the other; those above 4 KiB are passed to the kernel
   * as they are, so nothing may write to them before the answer. Everything sent in one tick goes out in one write.
   *
   * `onAnswer` is called exactly once, never before `send` has returned. At a bound (see `writable`) it gets OVERLOADED.
   * It must not throw.
   */
  send(
    apiKey: number,
    apiVersion: number,
    parts: readonly Buffer[],
    onAnswer: OnAnswer,
    timeoutMs: number,
  ): void {
    if (this.#state !== OPEN || this.#full || !isKnownApi(apiKey)) {
      if (!this.#admit({ apiKey, apiVersion, parts, onAnswer, timeoutMs })) return
    }
    const inflight = this.#inflight
    const correlationId = inflight.push(onAnswer, timeoutMs, hasFlexibleAnswer(apiKey, apiVersion))
    if (inflight.count === 1) this.#deadline.startFor(correlationId, timeoutMs)

    const clientId = this.#clientId
    const flexible = hasFlexibleRequest(apiKey, apiVersion)
    const headerBytes = FIXED_HEADER_BYTES + clientId.length + (flexible ? 1 : 0)
    let size = headerBytes - 4
    for (let i = 0; i < parts.length; i++) size += parts[i]!.length

    const outbox = this.#outbox
    const page = outbox.reserve(headerBytes)
    let at = outbox.reservedEnd - headerBytes
    page[at++] = size >>> 24
    page[at++] = size >>> 16
    page[at++] = size >>> 8
    page[at++] = size
    page[at++] = apiKey >>> 8
    page[at++] = apiKey
    page[at++] = apiVersion >>> 8
    page[at++] = apiVersion
    page[at++] = correlationId >>> 24
    page[at++] = correlationId >>> 16
    page[at++] = correlationId >>> 8
    page[at++] = correlationId
    page[at++] = clientId.length >>> 8
    page[at++] = clientId.length
    page.set(clientId, at)
    if (flexible) page[at + clientId.length] = 0
    for (let i = 0; i < parts.length; i++) outbox.add(parts[i]!)

    if (!this.#flushing) {
      this.#flushing = true
      process.nextTick(this.#flush)
    }
    if (inflight.count >= this.#options.maxInflight || outbox.bytes >= this.#options.maxWritableBytes)
      this.#full = true
  }

  /** A request with a promise, for what is not hot. Rejects with ConnectionError. */
  call<Q, A>(
    api: CallableApi<Q, A>,
    request: Q,
    options: { version?: number; timeoutMs?: number } = {},
  ): Promise<A> {
    return new Promise((resolve, reject) => {
      const version = options.version ?? this.versionOf(api)
      const writer = new Writer()
      api.encodeRequest(writer, version, request)
      const onAnswer: OnAnswer = (error, frame, bodyAt) => {
        if (error !== null) return reject(error)
        try {
          resolve(api.decodeResponse(new Reader(frame, bodyAt), version))
        } catch (cause) {
          reject(
            this.error('BAD_ANSWER', `sent a ${api.name} v${version} answer that does not parse`, { cause }),
          )
        }
      }
      this.send(
        api.key,
        version,
        [writer.finish()],
        onAnswer,
        options.timeoutMs ?? this.#options.requestTimeoutMs,
      )
    })
  }

  /** Requests under way. */
  get inflight(): number {
    return this.#inflight.count
  }

  /** Bytes that the kernel has not taken yet. */
  get writableBytes(): number {
    return this.#outbox.bytes + this.#socket.writableLength
  }

  /** false at a bound: stop reading your client until `onDrain`. What is sent regardless fails with OVERLOADED. */
  get writable(): boolean {
    return this.#state === OPEN && !this.#full
  }

  get closed(): boolean {
    return this.#state.kind === 'closed'
  }

  /** Whether it was closed by `close` or `destroy`; false when the broker or the network did. */
  get closedHere(): boolean {
    return this.#state.kind === 'closed' && this.#state.here
  }

  /** Stops reading from the broker, and the clock of the time limits with it. Frames already read still arrive. */
  pause(): void {
    this.#deadline.pause()
    this.#socket.pause()
  }

  resume(): void {
    this.#deadline.resume()
    this.#socket.resume()
  }

  /**
   * @internal Sets the connection apart for `work`, whose SASL requests go out behind what was sent before. All others are
   * held until it is done, as Kafka takes none in the middle of an authentication. When it fails, the connection ends.
   */
  async interrupt<T>(work: () => Promise<T>): Promise<T> {
    if (this.#state !== OPEN) throw this.error('CLOSED', 'is not open any more')
    const interrupted: Interrupted = { kind: 'interrupted', held: [], heldBytes: 0 }
    this.#state = interrupted
    try {
      const result = await work()
      if (this.#isNow(interrupted)) this.#goOn(interrupted)
      return result
    } catch (cause) {
      const error =
        cause instanceof ConnectionError ? cause : this.error('CLOSED', `broke: ${cause}`, { cause })
      if (this.#isNow(interrupted)) this.#endWith(error, false)
      throw error
    }
  }

  #isNow(state: State): boolean {
    return this.#state === state
  }

  #goOn({ held }: Interrupted): void {
    this.#state = OPEN
    for (const { apiKey, apiVersion, parts, onAnswer, timeoutMs } of held)
      this.send(apiKey, apiVersion, parts, onAnswer, timeoutMs)
    if (!this.#full) this.onDrain?.()
  }

  /** Waits for the answers that are under way, at most `closeTimeoutMs`, then closes. Never rejects. */
  close(): Promise<void> {
    if (this.#state.kind === 'closed') return Promise.resolve()
    if (this.#state.kind === 'closing') return this.#state.closed
    if (this.#state.kind === 'interrupted') {
      const error = this.error('CLOSED', 'was closed here before this was sent')
      for (const { onAnswer } of this.#state.held) process.nextTick(onAnswer, error, NOTHING, 0)
    }
    if (this.#inflight.count === 0) {
      this.#endHere('was closed here')
      return Promise.resolve()
    }
    let done = () => {}
    const closed = new Promise<void>((resolve) => {
      done = resolve
    })
    const timer = this.#options.clock.after(this.#options.closeTimeoutMs, () =>
      this.#endHere(`was closed here; ${this.#inflight.count} requests had no answer yet`),
    )
    this.#state = {
      kind: 'closing',
      closed,
      done: () => {
        timer.cancel()
        done()
      },
    }
    return closed
  }

  /** Closes now; everything under way fails with CLOSED and this reason. */
  destroy(reason: string): void {
    this.#endHere(`was closed here: ${reason}`)
  }

  /** The listener is called once, after everything under way has failed; in the next tick when already closed. */
  onClose(listener: (error: ConnectionError) => void): void {
    if (this.#state.kind === 'closed') process.nextTick(listener, this.#state.error)
    else this.#closeListeners.push(listener)
  }

  #flushNow(): void {
    this.#flushing = false
    if (this.#state.kind === 'closed') return
    this.#outbox.flush(this.#socket)
    if (this.#full) this.#checkDrain()
    else if (this.#socket.writableLength >= this.#options.maxWritableBytes) this.#full = true
  }

  /** At half of the bounds, so that a caller does not stop and go for every request. */
  #checkDrain(): void {
    if (!this.#full || this.#state !== OPEN) return
    if (this.#inflight.count > this.#options.maxInflight / 2) return
    if (this.writableBytes > this.#options.maxWritableBytes / 2) return
    this.#full = false
    this.onDrain?.()
  }

  /** Whether it may go out now. Otherwise it is held, or its caller has the error. */
  #admit(request: Held): boolean {
    const state = this.#state
    if (state.kind === 'interrupted' && isKnownApi(request.apiKey)) {
      if (request.apiKey === saslHandshake.key || request.apiKey === saslAuthenticate.key) return true
      const { maxInflight, maxWritableBytes } = this.#options
      const roomLeft = state.held.length + this.#inflight.count < maxInflight
      if (roomLeft && state.heldBytes + this.#outbox.bytes < maxWritableBytes) {
        state.held.push(request)
        state.heldBytes += HELD_HEADER_BYTES
        for (const part of request.parts) state.heldBytes += part.length
        return false
      }
    }
    const error = this.#whyNot(request.apiKey)
    if (error === undefined) return true
    process.nextTick(request.onAnswer, error, NOTHING, 0)
    return false
  }

  #whyNot(apiKey: number): ConnectionError | undefined {
    const state = this.#state
    if (state.kind === 'closed') return state.error
    if (state.kind === 'closing') return this.error('CLOSED', 'is being closed here: open another')
    if (this.#full || state.kind === 'interrupted') {
      const { maxInflight, maxWritableBytes } = this.#options
      return this.error(
        'OVERLOADED',
        `has ${this.inflight} requests (of ${maxInflight}) and ${this.writableBytes} bytes (of ${maxWritableBytes}) ` +
          'under way: wait for onDrain',
      )
    }
    if (!isKnownApi(apiKey))
      return this.error('UNSUPPORTED_VERSION', `cannot be sent API ${apiKey}: not defined here`)
    return undefined
  }

  #endHere(what: string): void {
    this.#end('CLOSED', what, undefined, true)
  }

  /** `here`: we wanted it. */
  #end(code: ConnectionErrorCode, what: string, cause?: unknown, here = false): void {
    if (this.#state.kind !== 'closed') this.#endWith(this.error(code, what, { cause }), here)
  }

  #endWith(error: ConnectionError, here: boolean): void {
    const before = this.#state
    this.#state = { kind: 'closed', error, here }
    this.#deadline.cancel()
    this.#outbox.clear()
    this.#socket.destroy()
    // Not from within: the caller of `destroy` need not expect its own callbacks.
    process.nextTick(() => {
      while (this.#inflight.count > 0) this.#inflight.shift()(error, NOTHING, 0)
      if (before.kind === 'interrupted') for (const { onAnswer } of before.held) onAnswer(error, NOTHING, 0)
      if (before.kind === 'closing') before.done()
      for (const listener of this.#closeListeners.splice(0)) listener(error)
    })
  }

  /** @internal An error about this broker; `what` follows its name. */
  error(
    code: ConnectionErrorCode,
    what: string,
    facts: { readonly kafkaError?: number | undefined; readonly cause?: unknown } = {},
  ): ConnectionError {
    const who =
      this.brokerId < 0
        ? `${this.cluster} at ${this.address}`
        : `${this.cluster} broker ${this.brokerId} (${this.address})`
    return new ConnectionError(code, `${who} ${what}`, {
      cluster: this.cluster,
      broker: this.address,
      ...facts,
    })
  }
}

/** What `call` needs of an API definition. */
export type CallableApi<Q, A> = Pick<
  Api<Q, A>,
  'key' | 'name' | 'minVersion' | 'maxVersion' | 'encodeRequest' | 'decodeResponse'
>
