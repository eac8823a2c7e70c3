import type { RouteTable } from '@braid/routing-model'
import type { Find } from '../findings.ts'
import type { OnCheck } from './checks.ts'
import { probeListener } from './listener-probe.ts'

/** One listener of an access point: named by the cluster that it leads to, or `bootstrap`. */
export interface ListenerState {
  readonly accessPoint: string
  readonly listener: string
  readonly address: string
  /** Undefined until it was tried. */
  readonly up: boolean | undefined
  readonly failures: number
}

export interface ListenerCanariesParts {
  readonly onCheck: OnCheck
  readonly find: Find
  readonly topic: string | undefined
  readonly timeoutMs: number
  /** Monotonic, ms. */
  readonly now: () => number
}

/** Tried in one round, so that thousands of listeners take their turns over some seconds. */
const PROBES_MAX = 200
/** In a row, before anybody is told: a proxy that is started anew takes a moment. */
const FAILURES_TOLD = 3

export class ListenerCanaries {
  readonly #parts: ListenerCanariesParts
  /** In the order in which they take their turns. */
  #states = new Map<string, ListenerState>()
  #next = 0

  constructor(parts: ListenerCanariesParts) {
    this.#parts = parts
  }

  get states(): Iterable<ListenerState> {
    return this.#states.values()
  }

  follow({ accessPoints }: RouteTable): void {
    const states = new Map<string, ListenerState>()
    for (const { id, bootstrap, listeners } of accessPoints.values()) {
      for (const [listener, address] of Object.entries({ bootstrap, ...listeners })) {
        const state = { accessPoint: id, listener, address, up: undefined, failures: 0 }
        const key = keyOf(state)
        states.set(key, this.#states.get(key) ?? state)
      }
    }
    this.#states = states
  }

  async round(): Promise<void> {
    const { topic, timeoutMs, now, onCheck } = this.#parts
    const all = [...this.#states.values()]
    const count = Math.min(PROBES_MAX, all.length)
    const due = Array.from({ length: count }, (_, i) => all[(this.#next + i) % all.length]!)
    this.#next = all.length === 0 ? 0 : (this.#next + count) % all.length
    await Promise.all(
      due.map(async (state) => {
        const { ok, why, latenciesMs } = await probeListener({
          address: state.address,
          topic,
          timeoutMs,
          now,
        })
        this.#took(state, ok, why)
        const { accessPoint, listener } = state
        onCheck({ source: { kind: 'listener', accessPoint, listener }, ok, latenciesMs })
      }),
    )
  }

  #took(before: ListenerState, ok: boolean, why: string | undefined): void {
    const key = keyOf(before)
    if (!this.#states.has(key)) return
    const failures = ok ? 0 : before.failures + 1
    this.#states.set(key, { ...before, up: ok, failures })
    const { accessPoint, listener, address } = before
    const evidence = { listener, address, failures }
    if (failures === FAILURES_TOLD) {
      const detail = `listener ${listener} of ${accessPoint} at ${address} fails: ${why}`
      this.#parts.find({ kind: 'CANARY_FAILING', severity: 'error', accessPoint, detail, evidence })
    } else if (ok && before.failures >= FAILURES_TOLD) {
      const detail = `listener ${listener} of ${accessPoint} at ${address} works again`
      this.#parts.find({ kind: 'CANARY_WORKS', severity: 'info', accessPoint, detail, evidence })
    }
  }
}

const keyOf = ({
  accessPoint,
  listener,
  address,
}: Pick<ListenerState, 'accessPoint' | 'listener' | 'address'>) => `${accessPoint}/${listener}/${address}`
