import type { BrokerConnection } from '@braid/kafka-connection'
import { fetch as fetchApi, NO_ERROR } from '@braid/kafka-protocol'
import type { Engine } from './engine.ts'
import type { FetchPart } from './fetch-call.ts'

/** What one broker answered for one partition: numbers and offsets are physical. */
export interface PhysicalAnswer {
  readonly physicalTopic: string
  readonly partition: number
  readonly error: number
  readonly highWatermark: bigint
  readonly lastStableOffset: bigint
  readonly logStartOffset: bigint
  readonly aborted: readonly { readonly producerId: bigint; readonly firstOffset: bigint }[] | null
  /** A slice of the broker's answer; the taker may write to it. */
  readonly records: Buffer
}

export interface FetchTerms {
  readonly version: number
  readonly maxWaitMs: number
  readonly minBytes: number
  readonly maxBytes: number
  readonly isolationLevel: number
}

export type FetchAnswered = (error: Error | null, answers: readonly PhysicalAnswer[], frame: Buffer) => void

const NO_FRAME = Buffer.alloc(0)

type State =
  | { readonly kind: 'idle' }
  | { readonly kind: 'asked'; readonly question: Question; taker: FetchAnswered | undefined }
  | {
      readonly kind: 'answered'
      readonly question: Question
      readonly answers: readonly PhysicalAnswer[]
      readonly frame: Buffer
    }

interface Question {
  readonly parts: readonly FetchPart[]
  readonly isolationLevel: number
}

/** Fetch from version 10 on carries zstd; an older client must be refused it by the broker itself. */
const ZSTD_VERSION = 10
const OLD_VERSION = 9

/**
 * A session's way to fetch from one broker, on a connection of its own: a broker serves one request of a
 * connection at a time, and a fetch may wait there.
 *
 *     idle --ask--> asked --answer, client waits--> idle
 *                     |----answer, client was answered by another broker----> answered --ask again--> idle
 *
 * A client whose fetch spans brokers is answered by the first that has something. The others' answers are
 * not thrown away: the next fetch that asks for the same offsets takes them. At most one answer is kept.
 */
export class FetchLane {
  readonly #engine: Engine
  readonly #cluster: string
  readonly #brokerId: number
  #state: State = { kind: 'idle' }
  #connection: BrokerConnection | undefined
  #opening: Promise<BrokerConnection> | undefined
  #closed = false

  constructor(engine: Engine, cluster: string, brokerId: number) {
    this.#engine = engine
    this.#cluster = cluster
    this.#brokerId = brokerId
  }

  /** `answered` is called once, unless `leave` comes first. */
  ask(parts: readonly FetchPart[], terms: FetchTerms, answered: FetchAnswered): void {
    const state = this.#state
    const question = { parts, isolationLevel: terms.isolationLevel }
    if (state.kind !== 'idle' && sameQuestion(state.question, question)) {
      if (state.kind === 'asked') {
        const before = state.taker
        state.taker = answered
        // A client that asks again before it has its answer gets the earlier one empty.
        before?.(null, [], NO_FRAME)
        return
      }
      this.#state = { kind: 'idle' }
      if (state.answers.some((answer) => answer.records.length > 0 || answer.error !== 0)) {
        answered(null, state.answers, state.frame)
        return
      }
    } else if (state.kind === 'asked') {
      this.#drop('the client asks for something else')
      state.taker?.(null, [], NO_FRAME)
    }
    const asked: State = { kind: 'asked', question, taker: answered }
    this.#state = asked
    this.#send(asked, parts, terms)
  }

  /** The client has its answer; what this broker still sends is for its next fetch. */
  leave(answered: FetchAnswered): void {
    if (this.#state.kind === 'asked' && this.#state.taker === answered) this.#state.taker = undefined
  }

  #send(asked: State & { kind: 'asked' }, parts: readonly FetchPart[], terms: FetchTerms): void {
    const connection = this.#connection
    if (connection !== undefined && !connection.closed) {
      this.#sendOn(connection, asked, parts, terms)
      return
    }
    const connections = this.#engine.cluster(this.#cluster)
    if (connections === undefined) {
      this.#settle(asked, new Error(`cluster ${this.#cluster} is not in the route table`), [])
      return
    }
    this.#opening ??= connections.open(this.#brokerId).finally(() => {
      this.#opening = undefined
    })
    this.#opening.then(
      (opened) => {
        if (this.#closed || this.#state !== asked) {
          if (this.#connection === undefined && !this.#closed) this.#connection = opened
          else if (this.#connection !== opened) opened.destroy('not needed any more')
          return
        }
        this.#connection = opened
        this.#sendOn(opened, asked, parts, terms)
      },
      (error: unknown) => this.#settle(asked, error as Error, []),
    )
  }

  #sendOn(
    connection: BrokerConnection,
    asked: State & { kind: 'asked' },
    parts: readonly FetchPart[],
    terms: FetchTerms,
  ): void {
    const version = terms.version < ZSTD_VERSION ? OLD_VERSION : ZSTD_VERSION
    connection.send(
      fetchApi.key,
      version,
      [fetchRequestBody(parts, terms)],
      (error, frame, bodyAt) => {
        if (error !== null) {
          this.#settle(asked, error, [])
          return
        }
        let answers: readonly PhysicalAnswer[]
        try {
          answers = readFetchAnswer(frame, bodyAt, this.#engine)
        } catch (problem) {
          const message = `the answer of ${connection.address} to Fetch v${version} does not parse: ${problem}`
          connection.destroy(message)
          this.#settle(asked, new Error(message), [])
          return
        }
        this.#settle(asked, null, answers, frame)
      },
      terms.maxWaitMs + this.#engine.limits.brokerTimeoutMs,
    )
  }

  #settle(
    asked: State & { kind: 'asked' },
    error: Error | null,
    answers: readonly PhysicalAnswer[],
    frame: Buffer = NO_FRAME,
  ): void {
    if (this.#state !== asked) return
    const { taker } = asked
    if (taker === undefined) {
      this.#state =
        error === null ? { kind: 'answered', question: asked.question, answers, frame } : { kind: 'idle' }
      return
    }
    this.#state = { kind: 'idle' }
    taker(error, answers, frame)
  }

  #drop(why: string): void {
    this.#state = { kind: 'idle' }
    this.#connection?.destroy(why)
    this.#connection = undefined
  }

  close(): void {
    this.#closed = true
    const state = this.#state
    this.#drop('the client has gone')
    if (state.kind === 'asked') state.taker?.(new Error('the client has gone'), [], NO_FRAME)
  }
}

/** The same partitions at the same places, in whatever order. */
function sameQuestion(a: Question, b: Question): boolean {
  if (a.parts.length !== b.parts.length || a.isolationLevel !== b.isolationLevel) return false
  return b.parts.every(
    (part, index) => samePlace(part, a.parts[index]!) || a.parts.some((o) => samePlace(part, o)),
  )
}

const samePlace = (a: FetchPart, b: FetchPart): boolean =>
  a.partition === b.partition && a.physicalTopic === b.physicalTopic && a.physicalOffset === b.physicalOffset

/** A fetch request's body, versions 9 and 10. */
export function fetchRequestBody(parts: readonly FetchPart[], terms: FetchTerms): Buffer {
  let bytes = 25 + 4 + 4
  let topics = 0
  let topicAt = ''
  for (const part of parts) {
    if (part.physicalTopic !== topicAt) {
      topicAt = part.physicalTopic
      topics++
      bytes += 6 + Buffer.byteLength(topicAt)
    }
    bytes += 28
  }
  const body = Buffer.allocUnsafe(bytes)
  body.writeInt32BE(-1, 0)
  body.writeInt32BE(terms.maxWaitMs, 4)
  body.writeInt32BE(terms.minBytes, 8)
  body.writeInt32BE(terms.maxBytes, 12)
  body.writeInt8(terms.isolationLevel, 16)
  body.writeInt32BE(0, 17)
  body.writeInt32BE(-1, 21)
  body.writeInt32BE(topics, 25)
  let at = 29
  let countAt = -1
  topicAt = ''
  for (const part of parts) {
    if (part.physicalTopic !== topicAt) {
      topicAt = part.physicalTopic
      const nameBytes = body.write(topicAt, at + 2)
      body.writeInt16BE(nameBytes, at)
      countAt = at + 2 + nameBytes
      body.writeInt32BE(0, countAt)
      at = countAt + 4
    }
    body.writeInt32BE(body.readInt32BE(countAt) + 1, countAt)
    body.writeInt32BE(part.partition, at)
    body.writeInt32BE(-1, at + 4)
    body.writeBigInt64BE(part.physicalOffset, at + 8)
    body.writeBigInt64BE(-1n, at + 16)
    body.writeInt32BE(part.maxBytes, at + 24)
    at += 28
  }
  body.writeInt32BE(0, at)
  return body
}

/** Reads a fetch answer, versions 9 and 10. Records stay slices of the frame. */
export function readFetchAnswer(frame: Buffer, bodyAt: number, engine: Engine): readonly PhysicalAnswer[] {
  const topError = frame.readInt16BE(bodyAt + 4)
  if (topError !== NO_ERROR) throw new Error(`error ${topError} for the whole request`)
  let at = bodyAt + 10
  const answers: PhysicalAnswer[] = []
  const topics = frame.readInt32BE(at)
  at += 4
  for (let t = 0; t < topics; t++) {
    const nameBytes = frame.readInt16BE(at)
    const physicalTopic = frame.toString('utf8', at + 2, at + 2 + nameBytes)
    at += 2 + nameBytes
    const partitions = frame.readInt32BE(at)
    at += 4
    for (let p = 0; p < partitions; p++) {
      const partition = frame.readInt32BE(at)
      const error = frame.readInt16BE(at + 4)
      const highWatermark = frame.readBigInt64BE(at + 6)
      const lastStableOffset = frame.readBigInt64BE(at + 14)
      const logStartOffset = frame.readBigInt64BE(at + 22)
      const abortedCount = frame.readInt32BE(at + 30)
      at += 34
      let aborted: { producerId: bigint; firstOffset: bigint }[] | null = null
      if (abortedCount >= 0) {
        aborted = []
        for (let a = 0; a < abortedCount; a++) {
          aborted.push({ producerId: frame.readBigInt64BE(at), firstOffset: frame.readBigInt64BE(at + 8) })
          at += 16
        }
      }
      const recordBytes = frame.readInt32BE(at)
      at += 4
      if (at + Math.max(0, recordBytes) > frame.length) throw new Error(`records end beyond the frame`)
      const records = frame.subarray(at, at + Math.max(0, recordBytes))
      at += records.length
      answers.push({
        physicalTopic,
        partition,
        error,
        highWatermark,
        lastStableOffset,
        logStartOffset,
        aborted,
        records,
      })
    }
  }
  if (at > frame.length) engine.log('warn', 'short-answer', { api: 'Fetch', at, length: frame.length })
  return answers
}
