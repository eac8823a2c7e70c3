import { type MetadataResponse, metadata } from '@braid/kafka-protocol'
import { backoffMs } from './backoff.ts'
import type { BrokerConnection } from './broker-connection.ts'
import type { Timer } from './clock.ts'
import { ConnectionError } from './errors.ts'
import type { MetadataCache, TopicOutcome } from './metadata-cache.ts'
import type { ConnectionOptions } from './options.ts'
import { brokerError, topicRight } from './rights.ts'

/** Topics asked for in one request. */
const ASK_MAX_TOPICS = 1_000
/** Calls of `refresh` that wait at one time. */
const WAITERS_MAX = 10_000

/** One call of `refresh` that is not settled. */
interface Waiter {
  readonly missing: Map<string, TopicOutcome | undefined>
  readonly startedMs: number
  tries: number
  dueMs: number
  failure: unknown
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

/** Where questions go and answers are kept. */
export interface MetadataSource {
  readonly cluster: string
  /** a connection to any live broker */
  any(): Promise<BrokerConnection>
  /** every answer also lists the brokers */
  learn(answer: MetadataResponse): void
}

export function askMetadata(
  connection: BrokerConnection,
  topics: readonly string[],
  timeoutMs: number,
): Promise<MetadataResponse> {
  const request = { topics: topics.map((name) => ({ name })), allowAutoTopicCreation: false }
  return connection.call(metadata, request, { timeoutMs })
}

/**
 * Keeps the metadata cache fresh. One request is under way at a time; calls that come meanwhile share the next one.
 *
 *     resting ── refresh ──> scheduled ── due ──> asking ── answer ──> resting, or scheduled while somebody waits
 */
export class MetadataRefresher {
  readonly #source: MetadataSource
  readonly #cache: MetadataCache
  readonly #options: ConnectionOptions
  readonly #waiters = new Set<Waiter>()
  #state:
    | { readonly kind: 'resting' }
    | { readonly kind: 'scheduled'; readonly dueMs: number; readonly timer: Timer }
    | { readonly kind: 'asking' }
    | { readonly kind: 'closed' } = { kind: 'resting' }
  #ageTimer: Timer | undefined

  constructor(source: MetadataSource, cache: MetadataCache, options: ConnectionOptions) {
    this.#source = source
    this.#cache = cache
    this.#options = options
  }

  refresh(topics: readonly string[]): Promise<void> {
    if (this.#state.kind === 'closed') return Promise.reject(this.#closedError())
    if (topics.length === 0) return Promise.resolve()
    if (this.#waiters.size >= WAITERS_MAX) {
      return Promise.reject(
        this.#error(
          'OVERLOADED',
          `has ${WAITERS_MAX} metadata refreshes waiting: no broker answers, try again later`,
        ),
      )
    }
    return new Promise((resolve, reject) => {
      const startedMs = this.#options.clock.now()
      this.#waiters.add({
        missing: new Map(topics.map((topic) => [topic, undefined])),
        startedMs,
        tries: 0,
        dueMs: startedMs,
        failure: undefined,
        resolve,
        reject,
      })
      this.#schedule()
    })
  }

  close(): void {
    if (this.#state.kind === 'scheduled') this.#state.timer.cancel()
    this.#state = { kind: 'closed' }
    this.#ageTimer?.cancel()
    for (const waiter of this.#waiters) waiter.reject(this.#closedError())
    this.#waiters.clear()
  }

  #schedule(): void {
    const state = this.#state
    if (state.kind === 'asking' || state.kind === 'closed' || this.#waiters.size === 0) return
    let dueMs = Number.POSITIVE_INFINITY
    for (const waiter of this.#waiters) dueMs = Math.min(dueMs, waiter.dueMs)
    if (state.kind === 'scheduled') {
      if (state.dueMs <= dueMs) return
      state.timer.cancel()
    }
    const leftMs = dueMs - this.#options.clock.now()
    const run = () => void this.#ask()
    this.#state = {
      kind: 'scheduled',
      dueMs,
      timer: leftMs > 0 ? this.#options.clock.after(leftMs, run) : soon(run),
    }
  }

  /** Never rejects. */
  async #ask(): Promise<void> {
    const nowMs = this.#options.clock.now()
    const asking: Waiter[] = []
    const topics = new Set<string>()
    for (const waiter of this.#waiters) {
      // Half a millisecond early is on time: timers are no more exact than that.
      if (waiter.dueMs > nowMs + 0.5) continue
      if (topics.size + waiter.missing.size > ASK_MAX_TOPICS && asking.length > 0) continue
      asking.push(waiter)
      for (const topic of waiter.missing.keys()) topics.add(topic)
    }
    this.#state = { kind: 'asking' }
    const outcomes = new Map<string, TopicOutcome>()
    let failure: unknown
    try {
      const names = [...topics]
      for (let at = 0; at < names.length; at += ASK_MAX_TOPICS) {
        const connection = await this.#source.any()
        const some = names.slice(at, at + ASK_MAX_TOPICS)
        const answer = await askMetadata(connection, some, this.#options.lookupTimeoutMs)
        this.#source.learn(answer)
        for (const topic of answer.topics) {
          if (topic.name !== null) outcomes.set(topic.name, this.#cache.apply(topic))
        }
      }
    } catch (error) {
      failure = error
    }
    if (this.#isClosed()) return
    this.#state = { kind: 'resting' }
    for (const waiter of asking) this.#settle(waiter, outcomes, failure)
    this.#schedule()
    this.#watchAge()
  }

  #settle(waiter: Waiter, outcomes: ReadonlyMap<string, TopicOutcome>, failure: unknown): void {
    waiter.tries++
    waiter.failure = failure
    for (const topic of waiter.missing.keys()) {
      const outcome = outcomes.get(topic)
      if (outcome === undefined) continue
      if (outcome.kind === 'complete') waiter.missing.delete(topic)
      else waiter.missing.set(topic, outcome)
    }
    if (waiter.missing.size === 0) {
      this.#waiters.delete(waiter)
      waiter.resolve()
      return
    }
    const error = this.#givenUp(waiter)
    if (error !== undefined) {
      this.#waiters.delete(waiter)
      waiter.reject(error)
      return
    }
    waiter.dueMs = this.#options.clock.now() + backoffMs(waiter.tries, this.#options)
  }

  #givenUp(waiter: Waiter): ConnectionError | undefined {
    const waitedMs = this.#options.clock.now() - waiter.startedMs
    const { metadataTimeoutMs, unknownTopicTimeoutMs } = this.#options
    let unknown: string | undefined
    let leaderless: string | undefined
    for (const [topic, outcome] of waiter.missing) {
      if (outcome?.kind === 'refused') {
        const { cluster } = this.#source
        const what = `${cluster} refused to describe topic ${topic}`
        return brokerError(cluster, what, outcome.kafkaError, topicRight('Describe', topic))
      }
      if (outcome?.kind === 'unknown') unknown ??= topic
      else leaderless ??= topic
    }
    if (waiter.failure !== undefined) {
      if (waitedMs < metadataTimeoutMs) return undefined
      const cause = waiter.failure
      return cause instanceof ConnectionError
        ? cause
        : this.#error('CONNECT_FAILED', `could not be asked: ${cause}`)
    }
    if (unknown !== undefined && waitedMs >= unknownTopicTimeoutMs) {
      this.#cache.forget(unknown)
      return this.#error(
        'UNKNOWN_TOPIC',
        `has no topic ${unknown} (asked ${waiter.tries} times): create it there, or correct the route`,
      )
    }
    if (leaderless !== undefined && waitedMs >= metadataTimeoutMs) {
      return this.#error(
        'NO_LEADER',
        `has no leader for every partition of ${leaderless} after ${Math.round(waitedMs)} ms: are all its brokers up?`,
      )
    }
    return undefined
  }

  /** Asks again for what is cached, now and then. Nobody waits for it, so its failures are nobody's. */
  #watchAge(): void {
    if (this.#ageTimer !== undefined) return
    this.#ageTimer = this.#options.clock.after(this.#options.metadataMaxAgeMs, () => {
      this.#ageTimer = undefined
      if (this.#cache.size === 0) return
      this.refresh([...this.#cache.topics]).catch(() => this.#isClosed() || this.#watchAge())
    })
  }

  #isClosed(): boolean {
    return this.#state.kind === 'closed'
  }

  #closedError(): ConnectionError {
    return this.#error('CLOSED', 'connections were closed here')
  }

  #error(
    code: 'OVERLOADED' | 'CLOSED' | 'CONNECT_FAILED' | 'UNKNOWN_TOPIC' | 'NO_LEADER',
    what: string,
  ): ConnectionError {
    const { cluster } = this.#source
    return new ConnectionError(code, `${cluster} ${what}`, { cluster })
  }
}

/** In this tick's end, so that all calls of the tick share one request. */
function soon(run: () => void): Timer {
  let cancelled = false
  process.nextTick(() => {
    if (!cancelled) run()
  })
  return {
    cancel: () => {
      cancelled = true
    },
  }
}
