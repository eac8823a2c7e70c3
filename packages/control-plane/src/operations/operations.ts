// Begins and steers operations; their sagas do the work.
import type { MovePlan, Operation } from '@braid/control-api'
import { fleetSnapshot } from '../placement/fleet-snapshot.ts'
import type { Plane } from '../plane.ts'
import {
  type DrainPlan,
  type FleetSnapshot,
  type Obstacle,
  planDrain,
  planRebalance,
  proposeReadReplicas,
} from '../planner/index.ts'
import { count } from '../planner/words.ts'
import { randomName } from '../random-name.ts'
import { givenUp, Refusal, unknownCluster } from '../refusal.ts'
import type { SagaRunner } from '../sagas/saga-runner.ts'
import type { MoveRow, OperationRow } from '../store/operation-queries.ts'
import { sagaOf } from './context.ts'
import { movesOf } from './drain.ts'
import type { RebalanceOptions } from './rebalance.ts'
import { shownOperation } from './shown.ts'

export interface Begun {
  readonly operation: Operation
  readonly plan: MovePlan
}

/** Called in the transaction that begins it. */
export type Recorder = (begun: Begun) => Promise<void>
const unrecorded: Recorder = async () => {}

export class Operations {
  private readonly plane: Plane
  private readonly sagas: SagaRunner

  constructor(plane: Plane, sagas: SagaRunner) {
    this.plane = plane
    this.sagas = sagas
  }

  async get(id: string): Promise<OperationRow> {
    const row = await this.plane.store.operations.get(id)
    if (row === undefined)
      throw new Refusal('UNKNOWN_OPERATION', `there is no operation ${id}; list those that are there`)
    return row
  }

  async shown(id: string): Promise<Operation> {
    return shownOperation(this.plane.store, await this.get(id))
  }

  /** The latest first, those with a number below `before`. */
  list(limit: number, before?: number): Promise<OperationRow[]> {
    return this.plane.store.operations.list(limit, before)
  }

  async moves(id: string, limit: number, after?: number): Promise<MoveRow[]> {
    await this.get(id)
    return this.plane.store.operations.moves(id, { limit, ...(after !== undefined && { after }) })
  }

  /** The record once its revision is above `revision`, or as it is after `waitMs`. */
  async after(id: string, revision: number, waitMs: number): Promise<Operation> {
    const { saga } = await this.get(id)
    const operation = await this.sagas.changes.until(
      [id, saga],
      () => this.shown(id),
      (now) => now.revision > revision,
      waitMs,
    )
    if (operation !== undefined) return operation
    throw new Refusal(
      'SHUTTING_DOWN',
      'the control plane is stopping; it goes on with the operation when it is started again',
    )
  }

  /** What a drain would do. */
  async planDrain(cluster: string): Promise<MovePlan> {
    await this.askClusters()
    return drainInWords(await this.snapshotWith(cluster), cluster)
  }

  async planRebalance(options: RebalanceOptions): Promise<MovePlan> {
    await this.askClusters()
    return rebalanceInWords(await fleetSnapshot(this.plane), options)
  }

  async drain(
    cluster: string,
    { concurrency }: { readonly concurrency: number },
    by: string,
    record = unrecorded,
  ): Promise<Begun> {
    const { store } = this.plane
    await this.askClusters()
    return store.transaction(async () => {
      const plan = drainInWords(await this.snapshotWith(cluster), cluster)
      await this.refuseDrained(cluster)
      if ((await store.cluster(cluster))?.state === 'unavailable') throw givenUp(cluster)
      const [obstacle] = plan.obstacles
      if (plan.moves.length === 0 && obstacle?.what.startsWith('topic ')) {
        throw new Refusal(
          'NO_PLACE',
          `nothing of ${cluster} can be moved: ${obstacle.what}: ${obstacle.reason}`,
        )
      }
      const title = `drain of ${cluster}`
      return this.begin({ kind: 'drain', title, cluster, concurrency, options: {}, by }, plan, record)
    })
  }

  async rebalance(
    { concurrency, ...options }: RebalanceOptions & { readonly concurrency: number },
    by: string,
    record = unrecorded,
  ): Promise<Begun> {
    const { store } = this.plane
    await this.askClusters()
    return store.transaction(async () => {
      const [underway] = await store.operations.underway('rebalance')
      if (underway !== undefined) {
        throw new Refusal(
          'OPERATION_IN_PROGRESS',
          `operation ${underway.id}, a rebalance, is under way: wait for it, or cancel it`,
        )
      }
      const plan = rebalanceInWords(await fleetSnapshot(this.plane), options)
      const begun = {
        kind: 'rebalance',
        title: 'rebalance',
        cluster: null,
        concurrency,
        options,
        by,
      } as const
      return this.begin(begun, plan, record)
    })
  }

  /** Begins no further move. */
  pause(id: string): Promise<Operation> {
    return this.steer(id, (row) => this.sagas.pause(row.saga))
  }

  goOn(id: string): Promise<Operation> {
    return this.steer(id, (row) => this.sagas.goOn(row.saga))
  }

  /** What is under way ends; the rest is not begun. */
  cancel(id: string): Promise<Operation> {
    return this.steer(id, async (row) => {
      const { store } = this.plane
      if (row.kind === 'apply' && (await isInForce(store, row.saga))) {
        throw new Refusal(
          'OPERATION_ENDED',
          `${row.title} is in force already and goes on to its end: apply another file to go back`,
        )
      }
      // One that is paused is cancelled all the same.
      await this.sagas.cancel(row.saga)
    })
  }

  /** What failed is tried again, in a saga of its own. */
  retry(id: string): Promise<Operation> {
    const { store } = this.plane
    return store.transaction(async () => {
      const row = await this.get(id)
      if (row.state !== 'failed') {
        throw new Refusal(
          'OPERATION_NOT_FAILED',
          `${row.title} is ${row.state}: only what failed is tried again`,
        )
      }
      if (row.kind === 'drain') await this.refuseDrained(row.cluster!)
      else await this.refuseSecond(row)
      const saga = sagaOf(id, row.round + 1)
      const left = (await this.sagas.get(row.saga))?.revision ?? 0
      await store.operations.beginAgain(id, saga, left)
      const rest = row.kind === 'apply' && (await isInForce(store, row.saga))
      await this.sagas.start(rest ? applyRest : row.kind, saga)
      store.afterCommit(() => this.sagas.changes.note(id))
      return this.shown(id)
    })
  }

  private async refuseSecond({ kind }: OperationRow): Promise<void> {
    const [underway] = await this.plane.store.operations.underway(kind)
    if (underway === undefined) return
    throw new Refusal(
      'OPERATION_IN_PROGRESS',
      `operation ${underway.id} is under way: wait for it, or cancel it`,
    )
  }

  private async refuseDrained(cluster: string): Promise<void> {
    const { operations } = this.plane.store
    const underway = (await operations.underway('drain')).find((row) => row.cluster === cluster)
    if (underway === undefined) return
    const { moved, moving, waiting } = await operations.counts(underway.id)
    throw new Refusal(
      'CLUSTER_BUSY',
      `${cluster} is being drained by operation ${underway.id} (${moved} of ${moved + moving + waiting} topics moved): follow it, or cancel it`,
    )
  }

  /** What plans are made from inside transactions, where nobody waits for a cluster. */
  private async askClusters(): Promise<void> {
    const { store, facts } = this.plane
    await facts.refresh((await store.clusters()).map(({ name }) => name))
  }

  private async snapshotWith(cluster: string): Promise<FleetSnapshot> {
    const snapshot = await fleetSnapshot(this.plane)
    const names = snapshot.clusters.map(({ name }) => name)
    if (!names.includes(cluster)) throw unknownCluster(cluster, names)
    return snapshot
  }

  private async begin(
    row: Pick<OperationRow, 'kind' | 'title' | 'cluster' | 'concurrency' | 'options' | 'by'>,
    plan: MovePlan,
    record: Recorder,
  ): Promise<Begun> {
    const { store, now, random } = this.plane
    const id = randomName(12, random)
    const saga = sagaOf(id, 1)
    await store.operations.add({ ...row, id, saga, createdAt: now() })
    await this.sagas.start(row.kind, saga)
    const begun = { operation: await this.shown(id), plan }
    await record(begun)
    return begun
  }

  private steer(id: string, how: (row: OperationRow) => Promise<void>): Promise<Operation> {
    const { store } = this.plane
    return store.transaction(async () => {
      const row = await this.get(id)
      if (row.state !== 'running') {
        throw new Refusal('OPERATION_ENDED', `${row.title} has ended: it is ${row.state}`)
      }
      await how(row)
      store.afterCommit(() => this.sagas.changes.note(id))
      return this.shown(id)
    })
  }
}

/** The saga of what is left of an apply: its steps are in fleet/apply.ts, which stands on these. */
const applyRest = 'apply-rest'

async function isInForce(store: Plane['store'], saga: string): Promise<boolean> {
  if ((await store.sagas.get(saga))?.kind === applyRest) return true
  return (await store.sagas.attempts(saga)).some(({ step, endedAt }) => step === 'COMMIT' && endedAt !== null)
}

function drainInWords(snapshot: FleetSnapshot, cluster: string): MovePlan {
  const plan: DrainPlan = planDrain(snapshot, cluster)
  const { moves, obstacles } = plan
  const staying = obstacles.filter(({ kind }) => kind === 'topic').length
  return {
    moves: movesOf(plan),
    obstacles: obstacles.map(obstacleInWords),
    proposals: proposals(snapshot),
    summary:
      moves.length + obstacles.length === 0
        ? `${cluster} is empty`
        : `${count(moves.length, 'topic')} ${moves.length === 1 ? 'leaves' : 'leave'} ${cluster}${staying > 0 ? `, ${staying} cannot` : ''}${obstacles.length > staying ? '; it is not empty then: see the obstacles' : ''}`,
  }
}

function rebalanceInWords(snapshot: FleetSnapshot, { movesMax, threshold }: RebalanceOptions): MovePlan {
  const plan = planRebalance(snapshot, { maxMoves: movesMax, threshold })
  return {
    moves: movesOf(plan),
    obstacles: [],
    proposals: proposals(snapshot),
    summary:
      plan.moves.length === 0
        ? 'the clusters are even enough: nothing moves'
        : `${count(plan.moves.length, 'topic')} ${plan.moves.length === 1 ? 'moves' : 'move'}${plan.cutShort ? ', the most that may; there is more to even out' : ''}`,
  }
}

function obstacleInWords({ kind, what, reason }: Obstacle): { what: string; reason: string } {
  const name = 'name' in what ? `${what.tenant}/${what.name}` : what.tenant
  const words: Readonly<Record<Obstacle['kind'], string>> = {
    topic: `topic ${name}`,
    standby: `standby of topic ${name}`,
    replica: `replica of topic ${name}`,
    home: `home of tenant ${name}`,
    'standby-home': `standby home of tenant ${name}`,
  }
  return { what: words[kind], reason }
}

const proposals = (snapshot: FleetSnapshot): string[] =>
  proposeReadReplicas(snapshot).flows.flatMap(({ from, to, topics }) =>
    topics.map(
      ({ topic, readers, reason }) =>
        `let ${count(readers, 'reader')} of topic ${topic.tenant}/${topic.name} read from a replica on ${to} instead of ${from}: ${reason}`,
    ),
  )
