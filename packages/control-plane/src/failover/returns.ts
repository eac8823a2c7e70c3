import type { FailoverPlan } from '@braid/control-api'
import type { Plane } from '../plane.ts'
import { randomName } from '../random-name.ts'
import { Refusal } from '../refusal.ts'
import type { SagaRunner } from '../sagas/saga-runner.ts'
import type { FailoverRow } from '../store/failover-queries.ts'
import { planReturn } from './return-plan.ts'
import { returnSagaName } from './return-saga.ts'
import type { ReturnOptions } from './returning.ts'

export interface ReturnBegun {
  readonly row: FailoverRow
  readonly plan: FailoverPlan
}

/** Called in the transaction that begins it. */
export type ReturnRecorder = (begun: ReturnBegun) => Promise<void>

/** Begins returns; the saga does the work. */
export class Returns {
  private readonly plane: Plane
  private readonly sagas: SagaRunner

  constructor(plane: Plane, sagas: SagaRunner) {
    this.plane = plane
    this.sagas = sagas
  }

  /** What it would do. Refuses as `start` does. */
  async plan(cluster: string): Promise<FailoverPlan> {
    await this.refuseUnlessBack(cluster)
    return this.plane.store.transaction(async () => {
      await this.refuseUnlessGivenUp(cluster)
      return (await planReturn(this.plane, cluster)).shown
    })
  }

  async start(
    cluster: string,
    options: ReturnOptions,
    by: string,
    record: ReturnRecorder = async () => {},
  ): Promise<ReturnBegun> {
    const { store, now, random } = this.plane
    await this.refuseUnlessBack(cluster)
    return store.transaction(async () => {
      await this.refuseUnlessGivenUp(cluster)
      const id = randomName(12, random)
      const { topics, shown } = await planReturn(this.plane, cluster)
      await store.failovers.add({
        id,
        kind: 'return',
        cluster,
        by,
        reason: `${cluster} is back`,
        votes: this.plane.sight.shown(cluster),
        options,
        createdAt: now(),
      })
      await store.failovers.setHomes(id, shown.homes)
      await store.failovers.addTopics(id, topics)
      await this.sagas.start(returnSagaName, id)
      const row = await store.failovers.get(id)
      const begun = { row: row!, plan: shown }
      await record(begun)
      return begun
    })
  }

  /** Asks the cluster, so not in a transaction. */
  private async refuseUnlessBack(cluster: string): Promise<void> {
    await this.refuseUnlessGivenUp(cluster)
    const { state, why } = this.plane.sight.judge(cluster)
    if (state !== 'up') {
      throw new Refusal(
        'CLUSTER_STILL_FAILING',
        `${cluster} is not up for everyone (${why}): who serves clients has to reach it before it can be taken back`,
      )
    }
    await this.plane.clusters.reach(cluster)
  }

  private async refuseUnlessGivenUp(name: string): Promise<void> {
    const { clusters, store } = this.plane
    const cluster = await clusters.get(name)
    const underway = await store.failovers.underwayOf(name)
    if (underway !== undefined) {
      throw new Refusal(
        'FAILOVER_IN_PROGRESS',
        `a ${underway.kind} of ${name} is under way (${underway.step}): follow ${underway.id}`,
      )
    }
    if (cluster.state === 'unavailable' || cluster.fenced) return
    throw new Refusal(
      'CLUSTER_NOT_GIVEN_UP',
      `${name} is ${cluster.state} and was not given up: there is nothing to take back`,
    )
  }
}
