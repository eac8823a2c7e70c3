// Begins and steers failovers; the saga does the work. Returns are kept beside them, and shown by the same functions.
import type { ClusterVote, Failover, FailoverPlan, FailoverSettings } from '@braid/control-api'
import type { Plane } from '../plane.ts'
import { randomName } from '../random-name.ts'
import { Refusal } from '../refusal.ts'
import type { SagaRunner } from '../sagas/saga-runner.ts'
import type { FailoverRow, FailoverTopicRow } from '../store/failover-queries.ts'
import { looksFor, questionOf } from './failover-context.ts'
import { failoverSagaName } from './failover-saga.ts'
import { failsOver, movesSomething, type PlannedFailovers, planFailover, shownPlan } from './plan.ts'
import { nothingFailsOver, nothingMoves } from './refusals.ts'
import { shownFailover } from './shown.ts'
import { knownLook, type StandbyLook } from './standby-looks.ts'

export interface FailoverWish {
  readonly reason?: string | undefined
  readonly force: boolean
}

export interface FailoverBegun {
  readonly failover: Failover
  readonly plan: FailoverPlan
}

/** Called in the transaction that begins it. */
export type FailoverRecorder = (begun: FailoverBegun) => Promise<void>

/** Who asks when nobody does. */
export const automatically = 'automatic'

export class Failovers {
  private readonly plane: Plane
  private readonly sagas: SagaRunner

  constructor(plane: Plane, sagas: SagaRunner) {
    this.plane = plane
    this.sagas = sagas
  }

  async get(id: string): Promise<FailoverRow> {
    const row = await this.plane.store.failovers.get(id)
    if (row !== undefined) return row
    throw new Refusal('UNKNOWN_FAILOVER', `there is no failover or return ${id}; list those that are there`)
  }

  async shown(id: string): Promise<Failover> {
    return shownFailover(this.plane.store, await this.get(id))
  }

  /** The latest first, those with a number below `before`. */
  list(limit: number, before?: number): Promise<FailoverRow[]> {
    return this.plane.store.failovers.list(limit, before)
  }

  async topics(id: string, limit: number, after?: number): Promise<FailoverTopicRow[]> {
    await this.get(id)
    return this.plane.store.failovers.topics(id, limit, after)
  }

  /** The record once its revision is above `revision`, or as it is after `waitMs`. */
  async after(id: string, revision: number, waitMs: number): Promise<Failover> {
    const failover = await this.sagas.changes.until(
      [id],
      () => this.shown(id),
      (now) => now.revision > revision,
      waitMs,
    )
    if (failover !== undefined) return failover
    throw new Refusal(
      'SHUTTING_DOWN',
      'the control plane is stopping; it goes on with the failover when it is started again',
    )
  }

  /** What giving the cluster up would do. */
  async plan(cluster: string, wish: Pick<FailoverWish, 'force'>): Promise<FailoverPlan> {
    await this.plane.clusters.get(cluster)
    const { planned } = await this.planned(cluster, wish)
    const plan = this.inWords(cluster, planned)
    if (!this.plane.sight.answers(cluster)) return plan
    return { ...plan, summary: `${plan.summary}; ${cluster} answers, so it is only given up by force` }
  }

  async start(
    cluster: string,
    wish: FailoverWish,
    by: string,
    record: FailoverRecorder,
  ): Promise<FailoverBegun> {
    await this.plane.clusters.get(cluster)
    // Before the clusters are asked, and again in the transaction.
    await this.refuse(cluster, wish)
    const { planned, fails } = await this.planned(cluster, wish)
    if (!fails) throw nothingFailsOver(cluster)
    if (!movesSomething(planned)) throw nothingMoves(cluster, planned)
    const votes = this.plane.sight.shown(cluster)
    const { store } = this.plane
    return store.transaction(async () => {
      await this.refuse(cluster, wish)
      const id = await this.begin(cluster, by, wish.reason ?? `${by} asked for it`, votes, wish)
      const begun = { failover: await this.shown(id), plan: this.inWords(cluster, planned) }
      await record(begun)
      return begun
    })
  }

  /**
   * What the failure detector does when a cluster is down: begins, or says why not. Asks no cluster, so that nothing is
   * lost by it; the saga does.
   */
  async startAutomatically(
    cluster: string,
    why: string,
  ): Promise<{ readonly begun: string } | { readonly not: string }> {
    const { store } = this.plane
    return store.transaction(async () => {
      const settings = await store.failovers.settings()
      if (!settings.automatic) return { not: 'automatic failover is switched off' }
      const underway = await store.failovers.underway()
      if (underway.length > 0) {
        const [{ kind, cluster: other }] = underway as [FailoverRow]
        return { not: `the ${kind} of ${other} is under way` }
      }
      if ((await store.cluster(cluster))?.state === 'unavailable') return { not: 'it was given up already' }
      const last = await this.quietFor(cluster, settings)
      if (last !== undefined) {
        return {
          not: `${last.cluster} was given up a short while ago: until ${last.until} it takes a person`,
        }
      }
      const cancelled = await this.cancelledLately(cluster, settings)
      if (cancelled) return { not: 'its failover was cancelled by a person a short while ago' }
      const question = await questionOf(this.plane, cluster, { force: false })
      if (!failsOver(question)) return { not: 'nothing there fails over' }
      const looks = new Map<string, StandbyLook>()
      for (const name of this.plane.board.table.clusters.keys()) looks.set(name, knownLook(this.plane, name))
      const planned = planFailover({ ...question, looks })
      if (!movesSomething(planned)) return { not: nothingMoves(cluster, planned).message }
      const votes = this.plane.sight.shown(cluster)
      const begun = await this.begin(cluster, automatically, why, votes, { force: false })
      store.afterCommit(() =>
        this.plane.log('warn', 'failover.begun', {
          failover: begun,
          cluster,
          by: automatically,
          reason: why,
          votes: votes.map(({ by, state, forMs }) => `${by}: ${state} for ${forMs} ms`),
          topics: planned.topics.filter(({ to }) => to !== null).length,
        }),
      )
      return { begun }
    })
  }

  /** Asks for it; it is undone in the background. */
  cancel(id: string): Promise<Failover> {
    const { store } = this.plane
    return store.transaction(async () => {
      const { kind, cluster, state, switchedAt } = await this.get(id)
      if (kind === 'return') {
        throw new Refusal(
          'FAILOVER_ENDED',
          `the return of ${cluster} only goes forward: it cannot be cancelled`,
        )
      }
      if (switchedAt !== null) {
        throw new Refusal(
          'FAILOVER_ENDED',
          `${cluster} was given up already, and clients write elsewhere: take it back with a return`,
        )
      }
      if (state !== 'running' && state !== 'undoing') {
        throw new Refusal('FAILOVER_ENDED', `the failover of ${cluster} was undone already: it is ${state}`)
      }
      await this.sagas.cancel(id)
      return this.shown(id)
    })
  }

  /** Until when nothing is given up automatically; null: it may be now. ms since 1970. */
  async quietUntil(settings: FailoverSettings): Promise<number | null> {
    return (await this.quiet(settings))?.until ?? null
  }

  private async refuse(cluster: string, { force }: FailoverWish): Promise<void> {
    const { store, sight } = this.plane
    const underway = await store.failovers.underwayOf(cluster)
    if (underway !== undefined) {
      throw new Refusal(
        'FAILOVER_IN_PROGRESS',
        `${underway.kind} ${underway.id} of ${cluster} is under way, in step ${underway.step}: follow it, or cancel it`,
      )
    }
    const { state } = await this.plane.clusters.get(cluster)
    if (state === 'unavailable') {
      throw new Refusal(
        'CLUSTER_GIVEN_UP',
        `${cluster} was given up already: its topics are elsewhere; take it back with a return when it answers`,
      )
    }
    if (force) return
    if (sight.answers(cluster)) {
      throw new Refusal(
        'CLUSTER_ANSWERS',
        `${cluster} answers (${sight.judge(cluster).why}): to move its topics away drain it; to give it up all the same use force`,
      )
    }
    const last = await this.quietFor(cluster, await store.failovers.settings())
    if (last === undefined) return
    throw new Refusal(
      'FAILOVER_LIMIT',
      `${last.cluster} was given up a short while ago; until ${last.until} another cluster is only given up by force`,
    )
  }

  /** The other cluster that was given up lately, and until when that counts. */
  private async quietFor(
    cluster: string,
    settings: FailoverSettings,
  ): Promise<{ readonly cluster: string; readonly until: string } | undefined> {
    const last = await this.quiet(settings)
    if (last === undefined || last.cluster === cluster) return undefined
    return { cluster: last.cluster, until: new Date(last.until).toISOString() }
  }

  /** The cluster that was given up lately, and until when that counts, ms since 1970. */
  private async quiet({
    quietMs,
  }: FailoverSettings): Promise<{ readonly cluster: string; readonly until: number } | undefined> {
    const { store, now } = this.plane
    const last = await store.failovers.lastSwitched()
    if (last === undefined) return undefined
    const until = last.switchedAt! + quietMs
    return until > now() ? { cluster: last.cluster, until } : undefined
  }

  private async cancelledLately(cluster: string, { quietMs }: FailoverSettings): Promise<boolean> {
    const { store, now } = this.plane
    const last = await store.failovers.lastOf(cluster)
    return last?.state === 'cancelled' && (last.endedAt ?? 0) + quietMs > now()
  }

  /** In the transaction that we are in. */
  private async begin(
    cluster: string,
    by: string,
    reason: string,
    votes: readonly ClusterVote[],
    { force }: Pick<FailoverWish, 'force'>,
  ): Promise<string> {
    const { store, now, random } = this.plane
    const id = randomName(12, random)
    const createdAt = now()
    await store.failovers.add({
      id,
      kind: 'failover',
      cluster,
      by,
      reason,
      votes,
      options: { force },
      createdAt,
    })
    await this.sagas.start(failoverSagaName, id)
    return id
  }

  private async planned(
    cluster: string,
    { force }: Pick<FailoverWish, 'force'>,
  ): Promise<{ planned: PlannedFailovers; fails: boolean }> {
    const question = await questionOf(this.plane, cluster, { force })
    const looks = await looksFor(this.plane, question)
    return { planned: planFailover({ ...question, looks }), fails: failsOver(question) }
  }

  private inWords(cluster: string, planned: PlannedFailovers): FailoverPlan {
    return shownPlan(cluster, planned, this.plane.leases.count)
  }
}
