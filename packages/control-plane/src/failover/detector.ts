// The failure detector: hears how everyone sees the clusters, looks itself, and begins the failover of one that is lost.
//
//     up ──somebody does not reach it──> suspected ──enough do not, for long enough──> down ──failover──> given up
//        <────────────── everyone reaches it ──────────────┘
//
// It decides nothing else: what a cluster that is given up goes through stands in the store.
import type { ClusterHealth, FailoverStatus } from '@braid/control-api'
import { reasonOf } from '../log.ts'
import type { Plane } from '../plane.ts'
import type { FailoverRow } from '../store/failover-queries.ts'
import type { ClusterRow } from '../store/rows.ts'
import { activeOn } from './failover-context.ts'
import type { Failovers } from './failovers.ts'
import type { Judgement } from './judgement.ts'
import type { HeldLease } from './leases.ts'
import { Pulses } from './pulses.ts'
import { shownFailover } from './shown.ts'
import type { Sighting, Voter } from './votes.ts'

/** What became of the wish to give up a cluster that is down. */
interface Wish {
  /** Not asked again before, of the monotonic clock, ms. */
  readonly againAt: number
  readonly said: string
  /** How many failovers were begun for it, and did not come about. */
  readonly begun: number
}

/** Between two looks at whether a failover may begin that may not. */
const askAgainMs = 500
const retryMaxMs = 300_000
const tidyEveryMs = 10_000

export class Detector {
  private readonly plane: Plane
  private readonly failovers: Failovers
  private readonly pulses: Pulses
  /** As it was judged last. */
  private readonly states = new Map<string, Judgement['state']>()
  private readonly wishes = new Map<string, Wish>()
  private readonly asking = new Map<string, Promise<void>>()
  private readonly ends: (() => void)[] = []
  private timer: NodeJS.Timeout | undefined
  private tidiedAt = performance.now()

  constructor(plane: Plane, failovers: Failovers) {
    this.plane = plane
    this.failovers = failovers
    this.pulses = new Pulses({ ...plane, hear: (cluster, sighting) => this.hearPulse(cluster, sighting) })
  }

  async start(): Promise<void> {
    const { plane } = this
    plane.sight.downForMs = (await plane.store.failovers.settings()).downForMs
    this.ends.push(plane.leases.onRenewal((lease, before) => this.hearLease(lease, before)))
    this.pulses.start()
    this.timer = setInterval(() => this.lookAtAll(), plane.timings.detectEveryMs).unref()
  }

  /** After `closing` was aborted. */
  async close(): Promise<void> {
    clearInterval(this.timer)
    for (const end of this.ends) end()
    await Promise.all([this.pulses.close(), ...this.asking.values()])
  }

  /** How it sees every cluster. */
  async status(): Promise<FailoverStatus> {
    const { store } = this.plane
    const settings = await store.failovers.settings()
    const underway = await store.failovers.underway()
    const quietUntil = await this.failovers.quietUntil(settings)
    const clusters: ClusterHealth[] = []
    for (const row of await store.clusters()) clusters.push(await this.health(row, underway))
    return {
      settings,
      clusters,
      quietUntil: quietUntil === null ? null : new Date(quietUntil).toISOString(),
      underway: await Promise.all(underway.map((row) => shownFailover(store, row))),
    }
  }

  /** By cluster, without asking the store. */
  healths(): Map<string, ClusterHealth['state']> {
    const { board, sight } = this.plane
    return new Map(
      Array.from(board.table.clusters.values(), ({ name, fenced }) => [
        name,
        fenced ? 'given-up' : sight.judge(name).state,
      ]),
    )
  }

  private async health(
    { name: cluster, state }: ClusterRow,
    underway: readonly FailoverRow[],
  ): Promise<ClusterHealth> {
    const { sight, store } = this.plane
    const votes = sight.shown(cluster)
    const topics = activeOn(this.plane, cluster).filter(({ failover }) => failover !== 'none').length
    const seen = sight.judge(cluster)
    const now = underway.find((row) => row.cluster === cluster)
    const about = { cluster, votes, topics }
    if (now?.kind === 'return') {
      return { ...about, state: 'returning', verdict: `return ${now.id} is in step ${now.step}` }
    }
    if (state === 'unavailable') {
      const last = await store.failovers.lastSwitched(cluster)
      const by = last === undefined ? '' : ` by failover ${last.id}`
      const next = seen.state === 'up' ? 'it answers again: take it back with a return' : seen.why
      return { ...about, state: 'given-up', verdict: `it was given up${by}; ${next}` }
    }
    if (now !== undefined) {
      return { ...about, state: 'down', verdict: `failover ${now.id} is in step ${now.step}` }
    }
    const said = seen.state === 'down' ? this.wishes.get(cluster)?.said : undefined
    return { ...about, state: seen.state, verdict: said === undefined ? seen.why : `${seen.why}; ${said}` }
  }

  private hearLease(lease: HeldLease | undefined, before: HeldLease | undefined): void {
    const { sight, board, timings } = this.plane
    if (lease === undefined) {
      if (before !== undefined) sight.votes.forget(voterOf(before).key)
      return
    }
    const { renewal, receivedAt: at } = lease
    const seen = new Map<string, Sighting>()
    for (const [cluster, sighting] of Object.entries(renewal.clusters)) {
      if (board.table.clusters.has(cluster)) seen.set(cluster, sighting)
    }
    sight.votes.hear(voterOf(lease), seen, { at, validUntil: at + timings.writeLeaseMs })
    for (const cluster of seen.keys()) {
      if (renewal.clusters[cluster]?.state !== before?.renewal.clusters[cluster]?.state) this.lookAt(cluster)
    }
  }

  private hearPulse(cluster: string, sighting: Sighting): void {
    const { sight, timings } = this.plane
    const at = performance.now()
    const validUntil = at + 2 * (timings.pulseEveryMs + timings.pulseTimeoutMs)
    sight.votes.put(cluster, ourselves, sighting, { at, validUntil })
    this.lookAt(cluster)
  }

  private lookAtAll(): void {
    const { board, sight, closing } = this.plane
    if (closing.aborted) return
    const at = performance.now()
    if (at >= this.tidiedAt + tidyEveryMs) {
      this.tidiedAt = at
      sight.votes.tidy(board.table.clusters, at)
      for (const known of [this.states, this.wishes])
        for (const name of known.keys()) if (!board.table.clusters.has(name)) known.delete(name)
    }
    for (const name of board.table.clusters.keys()) {
      if (sight.votes.isDoubted(name) || this.states.get(name) !== 'up') this.lookAt(name)
    }
  }

  private lookAt(cluster: string): void {
    const { board, sight, log, closing } = this.plane
    if (closing.aborted || board.table.clusters.get(cluster)?.fenced) return
    const { state, why } = sight.judge(cluster)
    const before = this.states.get(cluster)
    this.states.set(cluster, state)
    if (state !== before && !(before === undefined && state === 'up')) {
      const votes = sight.shown(cluster).map(({ by, state, forMs }) => `${by}: ${state} for ${forMs} ms`)
      log(state === 'up' ? 'info' : 'warn', `cluster.${state}`, { cluster, why, votes })
    }
    if (state === 'down') this.giveUp(cluster, why)
    else if (state === 'up') this.wishes.delete(cluster)
  }

  private giveUp(cluster: string, why: string): void {
    if (this.asking.has(cluster)) return
    const wish = this.wishes.get(cluster)
    if (wish !== undefined && performance.now() < wish.againAt) return
    const asking = this.ask(cluster, why, wish).finally(() => this.asking.delete(cluster))
    this.asking.set(cluster, asking)
  }

  /** Never rejects. */
  private async ask(cluster: string, why: string, before: Wish | undefined): Promise<void> {
    const { log, closing, timings } = this.plane
    try {
      const answer = await this.failovers.startAutomatically(cluster, why)
      // One that fails is not begun anew at once, and ever less often.
      const begun = (before?.begun ?? 0) + ('begun' in answer ? 1 : 0)
      const retryMs = Math.min(retryMaxMs, timings.failoverRetryMs * 2 ** Math.min(begun - 1, 20))
      const againMs = 'begun' in answer ? retryMs : askAgainMs
      const said =
        'begun' in answer ? `failover ${answer.begun} was begun` : `it is not given up: ${answer.not}`
      this.wishes.set(cluster, { againAt: performance.now() + againMs, said, begun })
      if ('not' in answer && said !== before?.said) {
        const votes = this.plane.sight.shown(cluster).map(({ by, state }) => `${by}: ${state}`)
        log('warn', 'failover.not-begun', { cluster, reason: answer.not, votes })
      }
    } catch (error) {
      if (closing.aborted) return
      const reason = reasonOf(error)
      this.wishes.set(cluster, {
        againAt: performance.now() + askAgainMs,
        said: `it could not be given up: ${reason}`,
        begun: before?.begun ?? 0,
      })
      log('error', 'failover.not-begun', { cluster, reason })
    }
  }
}

const ourselves: Voter = { key: 'control plane', by: 'control plane', vantage: 'control plane' }

const voterOf = ({ id, renewal }: HeldLease): Voter => ({
  key: `lease ${id}`,
  by: `${renewal.kind} ${renewal.accessPoint ?? id}`,
  vantage: 'server',
})
