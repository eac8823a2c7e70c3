import type { ClusterHealth, FailoverPlan } from '@braid/control-api'
import type { Plane } from '../plane.ts'
import { list } from '../planner/words.ts'
import { randomName } from '../random-name.ts'
import { Refusal } from '../refusal.ts'
import type { SagaRunner } from '../sagas/saga-runner.ts'
import type { FailoverRow } from '../store/failover-queries.ts'
import { planReturn } from './return-plan.ts'
import { returnSagaName } from './return-saga.ts'
import type { ReturnOptions } from './returning.ts'

/** Who sees a cluster as what. */
export interface ClusterSights {
  healthOf(cluster: string): Pick<ClusterHealth, 'votes'> | undefined
}

export interface ReturnBegun {
  readonly row: FailoverRow
  readonly plan: FailoverPlan
}

/** Called in the transaction that begins it. */
export type ReturnRecorder = (begun: ReturnBegun) => Promise<void>

const namedMax = 5

/** Begins returns; the saga does the work. */
export class Returns {
  private readonly plane: Plane
  private readonly sagas: SagaRunner
  private readonly sights: ClusterSights

  constructor(plane: Plane, sagas: SagaRunner, sights: ClusterSights) {
    this.plane = plane
    this.sagas = sagas
    this.sights = sights
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
        votes: this.votes(cluster),
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

  private votes(cluster: string): ClusterHealth['votes'] {
    return this.sights.healthOf(cluster)?.votes ?? []
  }

  /** Asks the cluster, so not in a transaction. */
  private async refuseUnlessBack(cluster: string): Promise<void> {
    await this.refuseUnlessGivenUp(cluster)
    const down = this.votes(cluster).filter(({ state }) => state === 'down')
    if (down.length > 0) {
      const who = list(
        down.map(({ by, detail }) => (detail === null ? by : `${by}: ${detail}`)),
        namedMax,
      )
      throw new Refusal(
        'CLUSTER_STILL_FAILING',
        `${cluster} is still seen as down (${who}): who serves clients has to reach it before it can be taken back`,
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
