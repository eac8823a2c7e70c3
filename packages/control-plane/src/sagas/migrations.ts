import { DEPTH_MAX } from '@braid/routing-model'
import type { Plane } from '../plane.ts'
import { randomName } from '../random-name.ts'
import { topicHeld } from '../reconcile/hold.ts'
import { givenUp, Refusal, unknownTopic } from '../refusal.ts'
import { retirementOf } from '../store/migration-queries.ts'
import type { AttemptRow, MigrationRow } from '../store/rows.ts'
import { freshPhysicalName } from '../topics/physical-name.ts'
import { groupSaga } from './migration.ts'
import { migrationInProgress } from './migration-messages.ts'
import { sagaKinds } from './saga-kinds.ts'
import { type SagaHooks, SagaRunner } from './saga-runner.ts'
import { Turns } from './turns.ts'

/** Called at every point of every step where a crash means something else. See SagaHook. */
export type MigrationHooks = SagaHooks

export interface GroupStart {
  readonly tenant: string
  /** Each once, 1 to 200. They are on one cluster. */
  readonly topics: readonly string[]
  readonly to: string
  /** The drain, rebalance or apply that it is part of. */
  readonly operation?: string | null | undefined
}

const groupsUnderwayMax = 1_000
const groupTopicsMax = 200
/** Of a group of several topics: what one look at the leaders, and one route version, may have to carry. */
const groupPartitionsMax = 20_000
/** Sealed loglets that are looked at, of the thousands that drain. */
const drainsAtOnceMax = 16

/** Begins and steers migrations; the sagas do the work. */
export class Migrations {
  readonly sagas: SagaRunner
  readonly drainTurns = new Turns(drainsAtOnceMax)
  private readonly plane: Plane

  constructor(plane: Plane, hooks: MigrationHooks | undefined) {
    this.plane = plane
    this.sagas = new SagaRunner(plane, sagaKinds, hooks)
    this.sagas.provide({ plane, sagas: this.sagas, migrations: this })
  }

  /** Goes on with every saga that has not ended. */
  resume(): Promise<void> {
    return this.sagas.resume()
  }

  async get(id: string): Promise<MigrationRow> {
    const row = await this.plane.store.migrations.get(id)
    if (row === undefined)
      throw new Refusal('UNKNOWN_MIGRATION', `there is no migration ${id}; list those that are there`)
    return row
  }

  /** Of its group's saga, then of its own; in the order in which they began. A return's are no steps of a migration. */
  async attempts(row: Pick<MigrationRow, 'id' | 'group'>): Promise<AttemptRow[]> {
    const { sagas } = this.plane.store
    const isMigration = (await sagas.get(row.group))?.kind === groupSaga.name
    const ofGroup = isMigration ? await sagas.attempts(row.group) : []
    return [...ofGroup, ...(await sagas.attempts(retirementOf(row.id)))]
  }

  /** Moves the topics together: up to the SWITCH all of them, or none. A record each, in their order. */
  start(start: GroupStart): Promise<MigrationRow[]> {
    return this.plane.store.transaction(() => this.record(start))
  }

  /** Asks for it, for the whole group; it is undone in the background. */
  cancel(id: string): Promise<MigrationRow> {
    return this.plane.store.transaction(async () => {
      const { topic, to, state, group } = await this.get(id)
      if (state === 'switched' || state === 'done') {
        throw new Refusal(
          'MIGRATION_SWITCHED',
          `topic ${topic} is on ${to.cluster} already, its clients write there: to go back, move it again`,
        )
      }
      if (state === 'failed' || state === 'cancelled') {
        throw new Refusal('MIGRATION_ENDED', `migration ${id} of topic ${topic} was undone already`)
      }
      await this.sagas.cancel(group)
      return this.get(id)
    })
  }

  /** Before its SWITCH with its group, after it alone; never while clients wait. */
  pause(id: string): Promise<MigrationRow> {
    return this.steer(id, (saga) => this.sagas.pause(saga))
  }

  /** Goes on; what waits to be tried again is tried at once. */
  goOn(id: string): Promise<MigrationRow> {
    return this.steer(id, (saga) => this.sagas.goOn(saga))
  }

  /** The whole group of one that failed or was cancelled once more, to the same target: new records. */
  retry(id: string): Promise<MigrationRow[]> {
    const { store } = this.plane
    return store.transaction(async () => {
      const { topic, state, group } = await this.get(id)
      if (state !== 'failed' && state !== 'cancelled') {
        throw new Refusal(
          'MIGRATION_NOT_FAILED',
          `migration ${id} of topic ${topic} is ${state}, neither failed nor cancelled: there is nothing to try again`,
        )
      }
      const rows = await store.migrations.inGroup(group)
      const [{ tenant, to, operation }] = rows as [MigrationRow]
      return this.record({ tenant, topics: rows.map((row) => row.topic), to: to.cluster, operation })
    })
  }

  /** The record once its revision is above `revision`, or as it is after `waitMs`. */
  async after(id: string, revision: number, waitMs: number): Promise<MigrationRow> {
    const { group } = await this.get(id)
    const row = await this.sagas.changes.until(
      [id, group, retirementOf(id)],
      () => this.get(id),
      (now) => now.revision > revision,
      waitMs,
    )
    if (row !== undefined) return row
    throw new Refusal(
      'SHUTTING_DOWN',
      'the control plane is stopping; it goes on with the migration when it is started again',
    )
  }

  /** Waits for all sagas to have stopped where they are; the plane's `closing` tells them to. */
  close(): Promise<void> {
    return this.sagas.close()
  }

  private steer(id: string, how: (saga: string) => Promise<void>): Promise<MigrationRow> {
    return this.plane.store.transaction(async () => {
      const { topic, state, group } = await this.get(id)
      if (state === 'done' || state === 'failed' || state === 'cancelled') {
        const ended = state === 'done' ? 'is done' : 'was undone already'
        throw new Refusal('MIGRATION_ENDED', `migration ${id} of topic ${topic} ${ended}`)
      }
      await how(state === 'switched' ? retirementOf(id) : group)
      return this.get(id)
    })
  }

  /** Checked and written in one transaction. */
  private async record({ tenant, topics, to, operation = null }: GroupStart): Promise<MigrationRow[]> {
    const { store, clusters, now, random } = this.plane
    const target = await clusters.get(to)
    // A cordoned one may be named by whoever knows why; one that is being emptied would never be empty.
    if (target.state === 'draining') {
      throw new Refusal('CLUSTER_BUSY', `${to} is being drained: move it elsewhere, or cancel the drain`)
    }
    if (target.state === 'unavailable') throw givenUp(to)
    if (topics.length === 0 || topics.length > groupTopicsMax || new Set(topics).size !== topics.length) {
      throw new Refusal(
        'BAD_REQUEST',
        `${topics.length} topics cannot move as one: name 1 to ${groupTopicsMax}, each once`,
      )
    }
    const moves = []
    let partitions = 0
    for (const topic of topics) {
      const move = await this.movable(tenant, topic, target.name)
      moves.push(move)
      partitions += move.partitions
    }
    const [first] = moves
    const apart = moves.find((move) => move.from.cluster !== first!.from.cluster)
    if (apart !== undefined) {
      throw new Refusal(
        'TOPICS_APART',
        `topics ${first!.topic} and ${apart.topic} are on ${first!.from.cluster} and ${apart.from.cluster}: only topics of one cluster move as one, move them apart`,
      )
    }
    if (topics.length > 1 && partitions > groupPartitionsMax) {
      throw new Refusal(
        'LIMIT_REACHED',
        `these topics have ${partitions} partitions, at most ${groupPartitionsMax} move as one: move fewer topics at a time`,
      )
    }
    const source = await store.cluster(first!.from.cluster)
    if (source?.state === 'unavailable') throw givenUp(source.name)
    const underway = this.sagas.count(groupSaga.name)
    if (underway >= groupsUnderwayMax) {
      throw new Refusal(
        'LIMIT_REACHED',
        `${underway} migrations are under way, the most at a time: wait for some to end`,
      )
    }
    const ids = topics.map(() => randomName(12, random))
    const group = ids[0]!
    await this.sagas.start(groupSaga.name, group)
    for (const [i, { topic, topicId, from }] of moves.entries()) {
      const next = { cluster: target.name, topic: freshPhysicalName(topic, random) }
      const id = ids[i]!
      const createdAt = now()
      await store.migrations.add({ id, group, operation, tenant, topic, topicId, from, to: next, createdAt })
    }
    return store.migrations.inGroup(group)
  }

  private async movable(tenant: string, topic: string, to: string) {
    const { store, board, now } = this.plane
    const route = board.table.topic(tenant, topic)
    if (route === undefined) throw unknownTopic(topic)
    const underway = await store.migrations.underway(route.id)
    if (underway !== undefined) {
      throw migrationInProgress(underway, await store.sagas.attempts(underway.group), now())
    }
    const hold = await store.reconcile.hold(route.id)
    if (hold !== undefined) throw topicHeld(topic, hold, now())
    const from = { cluster: route.cluster(route.active), topic: route.physicalTopic(route.active) }
    if (from.cluster === to) {
      throw new Refusal(
        'ALREADY_THERE',
        `topic ${topic} is on ${to} already: its active loglet is ${from.topic} there`,
      )
    }
    if (route.depth >= DEPTH_MAX) {
      throw new Refusal(
        'CHAIN_TOO_LONG',
        `topic ${topic} has ${route.depth} loglets, the most there may be: shorten its retention, so that the oldest retire`,
      )
    }
    return { topic, topicId: route.id, from, partitions: route.partitions }
  }
}
