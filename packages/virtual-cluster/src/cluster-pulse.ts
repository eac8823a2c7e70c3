import type { ClusterSighting } from '@braid/control-api'
import { type BrokerConnection, type ClusterConnections, isMisconfiguration } from '@braid/kafka-connection'
import { metadata } from '@braid/kafka-protocol'

/** What a pulse needs of a cluster. Connections of its own: a paused cluster must not stand before traffic. */
export type PulseConnections = Pick<ClusterConnections, 'brokers' | 'refreshBrokers' | 'shared' | 'close'>

export interface PulseOptions {
  readonly connections: PulseConnections
  /** ms of a clock that never goes back */
  readonly now: () => number
  /** After the state has changed; `before` is what it was. */
  readonly onChange?: (sighting: ClusterSighting, before: ClusterSighting) => void
}

/** Options for those connections: a try that failed must not keep the next from being made. */
export const pulseConnectionOptions = {
  connectTimeoutMs: 1_000,
  requestTimeoutMs: 2_000,
  lookupTimeoutMs: 1_000,
  backoffFirstMs: 10,
  backoffMaxMs: 100,
  closeTimeoutMs: 100,
  maxInflight: 16,
}

const PULSE_EVERY_MS = 500
const PULSE_TIMEOUT_MS = 1_000
/** When the broker that is asked first takes longer, all others are asked too: one broker is not the cluster. */
const ASK_OTHERS_MS = 250
/** A broker that hangs up on every request is not asked in a loop. */
const APART_MS = 100
/** Brokers that are asked in one pulse. */
const BROKERS_MAX = 9
/** Our own process stood still when a timer comes so late: then silence says nothing of the cluster. */
const STALLED_MS = 300
/** Brokers come and go: how often their list is asked for. */
const RELEARN_EVERY_MS = 30_000
const DETAIL_MAX = 300

const NOTHING_ASKED: ClusterSighting = { state: 'unknown', forMs: 0, detail: null }

type State =
  | { readonly kind: 'unknown'; readonly sinceMs: number; detail: string | null }
  | { readonly kind: 'up'; readonly sinceMs: number; readonly detail: null }
  /** `sinceMs`: when the first request was sent that was not answered. */
  | { readonly kind: 'down'; readonly sinceMs: number; detail: string }

type Outcome =
  | { readonly kind: 'answered' }
  | { readonly kind: 'silent'; readonly why: string }
  /** It is us who cannot ask: a secret, a certificate or a user is wrong. That says nothing of the cluster. */
  | { readonly kind: 'unable'; readonly why: string }
  /** This process stood still. */
  | { readonly kind: 'stalled' }

/**
 * Whether a cluster answers, seen from here: every half second a tiny request to any of its brokers.
 *
 *     unknown --answer--> up --a request without answer--> down
 *        |                 ^------------answer-------------'  ^
 *        '-------------a request without answer---------------'
 */
export class ClusterPulse {
  readonly #options: PulseOptions
  readonly #timer: NodeJS.Timeout
  #state: State
  #asking = false
  #sentMs = Number.NEGATIVE_INFINITY
  #closed = false
  /** The broker that answered last is asked first. */
  #first: number | undefined
  /** Connections whose end is heard of, and is a reason to look at once. */
  readonly #watched = new WeakSet<BrokerConnection>()
  #learntMs: number

  constructor(options: PulseOptions) {
    this.#options = options
    const now = options.now()
    this.#state = { kind: 'unknown', sinceMs: now, detail: null }
    this.#learntMs = now
    this.#timer = setInterval(() => this.#beat(), PULSE_EVERY_MS)
    this.#timer.unref()
    this.#beat()
  }

  get sighting(): ClusterSighting {
    const { kind, sinceMs, detail } = this.#state
    return { state: kind, forMs: Math.max(0, Math.round(this.#options.now() - sinceMs)), detail }
  }

  async close(): Promise<void> {
    this.#closed = true
    clearInterval(this.#timer)
    await this.#options.connections.close()
  }

  #beat(): void {
    if (this.#asking || this.#closed) return
    this.#asking = true
    const sentMs = this.#options.now()
    this.#sentMs = sentMs
    this.#ask(sentMs).then((outcome) => {
      this.#asking = false
      if (!this.#closed) this.#seen(outcome, sentMs)
    })
  }

  #seen(outcome: Outcome, sentMs: number): void {
    const state = this.#state
    if (outcome.kind === 'stalled') return
    if (outcome.kind === 'answered') {
      if (state.kind !== 'up') this.#become({ kind: 'up', sinceMs: this.#options.now(), detail: null })
      this.#relearn()
      return
    }
    const kind = outcome.kind === 'silent' ? 'down' : 'unknown'
    const detail = outcome.why.slice(0, DETAIL_MAX)
    if (state.kind === kind) state.detail = detail
    else this.#become({ kind, sinceMs: sentMs, detail })
  }

  /** A connection that breaks is the first that is heard of a cluster that is gone. */
  #watch(connection: BrokerConnection): void {
    if (this.#watched.has(connection)) return
    this.#watched.add(connection)
    connection.onClose(() => {
      const soon = this.#options.now() - this.#sentMs < APART_MS
      if (this.#state.kind === 'up' && !soon) setImmediate(() => this.#beat())
    })
  }

  #become(state: State): void {
    const before = this.sighting
    this.#state = state
    this.#options.onChange?.(this.sighting, before)
  }

  #relearn(): void {
    const now = this.#options.now()
    if (now - this.#learntMs < RELEARN_EVERY_MS) return
    this.#learntMs = now
    // The brokers that are known go on being asked.
    this.#options.connections.refreshBrokers().catch(() => {})
  }

  /** Settles within the timeout, also when nothing below ever does. */
  #ask(sentMs: number): Promise<Outcome> {
    return new Promise((resolve) => {
      const asked = new Set<BrokerConnection>()
      let why = 'no broker has let us in'
      let others: NodeJS.Timeout | undefined
      let settled = false
      const settle = (outcome: Outcome) => {
        if (settled) return
        settled = true
        clearTimeout(deadline)
        clearTimeout(others)
        // The next request must not wait in line behind one that nobody answers.
        for (const connection of asked) connection.destroy('did not answer a pulse')
        resolve(outcome)
      }
      const deadline = setTimeout(() => {
        const lateMs = this.#options.now() - sentMs - PULSE_TIMEOUT_MS
        const outcome: Outcome =
          lateMs > STALLED_MS ? { kind: 'stalled' } : { kind: 'silent', why: `no answer in 1 s: ${why}` }
        // Timers come before sockets: an answer that is here already is read first.
        setImmediate(() => settle(outcome))
      }, PULSE_TIMEOUT_MS)
      deadline.unref()

      const ask = async (brokerId: number) => {
        const connection = await this.#options.connections.shared(brokerId)
        if (settled) return
        asked.add(connection)
        this.#watch(connection)
        why = `broker ${brokerId} (${connection.address}) is silent`
        try {
          await connection.call(metadata, NO_TOPICS, { timeoutMs: 2 * PULSE_TIMEOUT_MS })
        } finally {
          asked.delete(connection)
        }
        this.#first = brokerId
        settle({ kind: 'answered' })
      }

      const askAll = async () => {
        const known = (await this.#options.connections.brokers()).map(({ id }) => id)
        const first = known.includes(this.#first ?? -1) ? this.#first! : known[0]
        if (settled || first === undefined) return
        const rest = known.filter((id) => id !== first).slice(0, BROKERS_MAX - 1)
        const failures: unknown[] = []
        let asksOthers = false
        const failed = (error: unknown) => {
          failures.push(error)
          why = message(error)
          if (failures.length === 1 + rest.length) settle(failureOf(failures))
          else askOthers()
        }
        const askOthers = () => {
          if (asksOthers || settled) return
          asksOthers = true
          for (const id of rest) ask(id).catch(failed)
        }
        others = setTimeout(askOthers, ASK_OTHERS_MS)
        others.unref()
        await ask(first).catch(failed)
      }
      askAll().catch((error: unknown) => settle(failureOf([error])))
    })
  }
}

/** For a cluster that nobody looks at. */
export const notLookedAt = (): ClusterSighting => NOTHING_ASKED

const NO_TOPICS = { topics: [], allowAutoTopicCreation: false }

/** One broker that lets us in would have answered: when all are wrong about us, so are our settings. */
function failureOf(failures: readonly unknown[]): Outcome {
  const unable = failures.every(isMisconfiguration)
  return { kind: unable ? 'unable' : 'silent', why: message(failures.at(-1)) }
}

const message = (error: unknown): string => (error instanceof Error ? error.message : String(error))
