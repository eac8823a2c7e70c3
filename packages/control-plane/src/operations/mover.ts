// Carries out the moves of an operation: a bounded number of topics at once, by migrations that are sagas of their own.
// All of its state is in the store, so that it can stop at any point and go on in another process.
//
//     waiting ──> moving ──> moved
//        ^           ├──> waiting    its group failed: once more, alone; or its target is away: planned anew
//        │           └──> failed
//        └── skipped, failed         the world changed: nothing to move any more, or nowhere to move to

import type { PlannedMove } from '@braid/control-api'
import { fleetSnapshot } from '../placement/fleet-snapshot.ts'
import type { FleetSnapshot } from '../planner/index.ts'
import { topicKey } from '../planner/index.ts'
import { Refusal } from '../refusal.ts'
import type { Nap, Stop } from '../sagas/saga.ts'
import type { SagaServices } from '../sagas/saga-kind.ts'
import type { MoveChange, MoveRow, OperationRow } from '../store/operation-queries.ts'
import { type MoveGroup, nextGroups } from './groups.ts'
import { type Dropped, fingerprintOf, overtaken, replan } from './replan.ts'

/** What should move, for one kind of operation. Pure: the snapshot says all. */
export interface MovePlanner {
  /** `begun`: moves that were made, failed, or are under way: a bound on all of them counts them. */
  plan(snapshot: FleetSnapshot, begun: number): readonly PlannedMove[]
  /** Why a topic that is where it was cannot go. */
  whyNot(snapshot: FleetSnapshot, move: MoveRow): string
  /**
   * Migrations of others that must have ended before all is done. Where there are such, what they leave is planned
   * for once more at the end.
   */
  concerns(way: { readonly from: string; readonly to: string }): boolean
  /** Whether a topic that was moved and is to be moved again should be. */
  readonly movesAgain: boolean
}

/** More would make the clients of a group wait for too many partitions at once. */
const groupPartitionsMax = 500
/** What nobody tells us of is looked at so often. */
const lookAgainMs = 1_000
/**
 * In a large fleet it takes a while to see whether the world has changed, and migrations wait for the store meanwhile:
 * their clients would, too. So it may take one part in so many of the time.
 */
const restAfterLook = 20

export class Mover {
  private readonly services: SagaServices
  private readonly id: string
  private readonly planner: MovePlanner
  /** Whether the world is known to be another, whatever was looked at last. */
  private changed = true
  private lookAgainAt = 0

  constructor(services: SagaServices, id: string, planner: MovePlanner) {
    this.services = services
    this.id = id
    this.planner = planner
  }

  /** Until nothing is left that could be moved. Holds while the operation is paused. */
  async run(stop: Stop): Promise<void> {
    for (;;) {
      stop.throwIfAborted()
      await this.settle()
      const { saga } = await this.operation()
      const asked = (await this.services.sagas.get(saga))!
      if (!asked.pauseRequested && (await this.advance(stop)) === 'nothing is left') return
      await this.somethingHappens(saga, asked.revision, stop)
    }
  }

  /** Begins nothing, and waits for what is under way. */
  async letEnd(stop: Stop, nap: Nap): Promise<void> {
    for (;;) {
      await this.settle()
      if ((await this.moves(['moving'])).length === 0) return
      stop.throwIfAborted()
      await nap(Math.min(lookAgainMs, this.services.plane.timings.retryMaxMs))
    }
  }

  /** Plans for the world as it is. `ifChanged`: only when it is not the one that was planned for. */
  async plan({ ifChanged = false } = {}): Promise<void> {
    const { store, facts } = this.services.plane
    await facts.refresh((await store.clusters()).map(({ name }) => name))
    await store.transaction(async () => {
      const snapshot = await this.snapshot()
      const moves = await store.operations.moves(this.id)
      const busy = await this.busy()
      if (ifChanged && (await this.operation()).plannedFor === fingerprintOf(snapshot, ownOf(moves))) return
      const begun = moves.filter(({ state }) => state !== 'waiting' && state !== 'skipped').length
      const planned = this.planner.plan(snapshot, begun)
      const isBusy = (move: Pick<PlannedMove, 'tenant' | 'topic'>) => busy.has(keyOf(move))
      const settled = new Set(
        moves.filter(({ state }) => state === 'moved' && !this.planner.movesAgain).map(keyOf),
      )
      const changes = replan(
        moves.filter((move) => !isBusy(move) || move.state === 'moving'),
        planned.filter((move) => !isBusy(move) && !settled.has(keyOf(move))),
        snapshot,
        (move) => this.planner.whyNot(snapshot, move),
      )
      for (const { move, to } of changes.redirect) await store.operations.replan(this.id, move.number, to)
      for (const { move, ...why } of changes.drop)
        await store.operations.setMove(this.id, move.number, droppedFor(why))
      await store.operations.addMoves(this.id, changes.add)
      const own = ownOf(await store.operations.moves(this.id))
      await store.operations.setPlannedFor(this.id, fingerprintOf(snapshot, own))
      this.noteOnCommit()
    })
  }

  private async advance(stop: Stop): Promise<'nothing is left' | 'goes on'> {
    await this.planIfChanged()
    if (await this.begin(stop)) return 'goes on'
    const left = await this.moves(['waiting', 'moving'])
    if (left.length > 0) return 'goes on'
    // What was being moved by somebody else may have stayed, and what came meanwhile has to go.
    if (this.planner.movesAgain) await this.plan()
    if ((await this.moves(['waiting'])).length > 0) return this.advance(stop)
    const others = await this.services.plane.store.operations.migrationsUnderway()
    return others.some((way) => this.planner.concerns(way)) ? 'goes on' : 'nothing is left'
  }

  private async planIfChanged(): Promise<void> {
    const startedAt = performance.now()
    if (!this.changed && startedAt < this.lookAgainAt) return
    this.changed = false
    await this.plan({ ifChanged: true })
    const endedAt = performance.now()
    this.lookAgainAt = endedAt + restAfterLook * (endedAt - startedAt)
  }

  /** Starts as many as may move at once; whether it started any. */
  private async begin(stop: Stop): Promise<boolean> {
    const { board } = this.services.plane
    const { concurrency } = await this.operation()
    const busy = await this.busy()
    const moving = await this.moves(['moving'])
    const waiting = (await this.moves(['waiting'])).filter((move) => !busy.has(keyOf(move)))
    const groups = nextGroups(
      waiting,
      ({ tenant, topic }) => board.table.topic(tenant, topic)?.partitions ?? 1,
      { topicsMax: Math.max(0, concurrency - moving.length), partitionsMax: groupPartitionsMax },
    )
    let began = false
    for (const group of groups) {
      stop.throwIfAborted()
      began = (await this.start(group)) || began
    }
    return began
  }

  /** The migrations and that they are ours are written as one. */
  private async start({ tenant, to, moves }: MoveGroup): Promise<boolean> {
    const { plane, migrations } = this.services
    const { store, board } = plane
    try {
      return await store.transaction(async () => {
        // Looked at with every start: it is not planned for the world as it is at this moment.
        const { state } = await plane.clusters.get(to)
        if (state !== 'active') throw new Refusal('CLUSTER_BUSY', `${to} is ${state} by now`)
        const left: MoveRow[] = []
        for (const move of moves) {
          const route = board.table.topic(tenant, move.topic)
          const why = overtaken(move, route?.cluster(route.active))
          if (why === undefined) left.push(move)
          else await store.operations.setMove(this.id, move.number, droppedFor(why))
        }
        this.noteOnCommit()
        if (left.length === 0) return false
        const topics = left.map(({ topic }) => topic)
        const rows = await migrations.start({ tenant, topics, to, operation: this.id })
        const byTopic = new Map(rows.map((row) => [row.topic, row.id]))
        for (const { number, topic, alone } of left) {
          const migration = byTopic.get(topic) ?? null
          await store.operations.setMove(this.id, number, { state: 'moving', alone, migration })
        }
        return true
      })
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      await this.refused(moves, error)
      // Something has changed all the same: those of a group go on alone, or what waits is planned anew.
      return moves.length > 1 || this.changed
    }
  }

  private async refused(moves: readonly MoveRow[], { code, message }: Refusal): Promise<void> {
    if (code === 'CLUSTER_BUSY' || code === 'UNKNOWN_CLUSTER') {
      this.changed = true
      return
    }
    // Both pass by themselves.
    if (code === 'LIMIT_REACHED') return
    if (moves.length === 1 && code === 'MIGRATION_IN_PROGRESS') return
    const { store } = this.services.plane
    await store.transaction(async () => {
      for (const { number } of moves) {
        if (moves.length > 1) {
          await store.operations.setMove(this.id, number, { state: 'waiting', alone: true })
          continue
        }
        const error = { code, detail: message }
        await store.operations.setMove(this.id, number, { state: 'failed', error })
      }
      this.noteOnCommit()
    })
  }

  /** What became of the migrations that are under way. */
  private async settle(): Promise<void> {
    const { store } = this.services.plane
    const outcomes: { number: number; change: MoveChange }[] = []
    for (const move of await this.moves(['moving'])) {
      const migration = move.migration === null ? undefined : await store.migrations.get(move.migration)
      if (migration?.state === 'running' || migration?.state === 'undoing') continue
      const { number } = move
      if (migration?.state === 'switched' || migration?.state === 'done') {
        outcomes.push({ number, change: { state: 'moved' } })
        continue
      }
      const error = migration?.error ?? { code: 'INTERNAL', detail: 'its migration is not in the store' }
      const again = await this.mayTryAgain(move, migration?.state === 'cancelled', error.code)
      const change: MoveChange =
        again === false ? { state: 'failed', error } : { state: 'waiting', alone: again === 'alone' }
      outcomes.push({ number, change })
    }
    if (outcomes.length === 0) return
    await store.transaction(async () => {
      for (const { number, change } of outcomes) await store.operations.setMove(this.id, number, change)
      this.noteOnCommit()
    })
  }

  private async mayTryAgain(
    { to, alone }: MoveRow,
    cancelled: boolean,
    code: string,
  ): Promise<false | 'alone' | 'elsewhere'> {
    // Somebody wished it.
    if (cancelled) return false
    if (code === 'CLUSTER_UNREACHABLE' || code === 'CLUSTER_CHANGED') {
      // From now on it counts as unavailable, until it answers again.
      if (!(await this.services.plane.facts.look(to))) {
        this.changed = true
        return 'elsewhere'
      }
    }
    return alone ? false : 'alone'
  }

  /** Topics that somebody else moves at this moment. */
  private async busy(): Promise<ReadonlySet<string>> {
    const underway = await this.services.plane.store.operations.migrationsUnderway()
    return new Set(underway.filter(({ operation }) => operation !== this.id).map(keyOf))
  }

  /** With whatever is being moved at the end of its way: there it takes room. */
  private async snapshot(): Promise<FleetSnapshot> {
    const { plane } = this.services
    const snapshot = await fleetSnapshot(plane)
    const ways = new Map(
      (await plane.store.operations.migrationsUnderway()).map((way) => [keyOf(way), way.to]),
    )
    if (ways.size === 0) return snapshot
    return {
      ...snapshot,
      topics: snapshot.topics.map((topic) => ({
        ...topic,
        cluster: ways.get(topicKey(topic)) ?? topic.cluster,
      })),
    }
  }

  /** A migration of ours ends, or the operation is asked to pause, to go on or to be cancelled; or a while passes. */
  private async somethingHappens(saga: string, revision: number, stop: Stop): Promise<void> {
    const { plane, sagas } = this.services
    const { store } = plane
    const moving = (await this.moves(['moving'])).flatMap(({ migration }) => migration ?? [])
    const underway = await store.operations.migrationsUnderway()
    const ids = underway.flatMap(({ id, group, from, to }) =>
      moving.includes(id) || this.planner.concerns({ from, to }) ? [id, group] : [],
    )
    await sagas.changes.until(
      [saga, ...new Set(ids)],
      async () => {
        const states = await Promise.all(moving.map((id) => store.migrations.get(id)))
        const ended = states.some((row) => row?.state !== 'running' && row?.state !== 'undoing')
        return ended || stop.aborted || (await sagas.get(saga))?.revision !== revision
      },
      (happened) => happened,
      lookAgainMs,
    )
  }

  private async operation(): Promise<OperationRow> {
    const row = await this.services.plane.store.operations.get(this.id)
    if (row === undefined) throw new Error(`operation ${this.id} is not in the store`)
    return row
  }

  private moves(states: readonly MoveRow['state'][]): Promise<MoveRow[]> {
    return this.services.plane.store.operations.moves(this.id, { states })
  }

  private noteOnCommit(): void {
    const { plane, sagas } = this.services
    plane.store.afterCommit(() => sagas.changes.note(this.id))
  }
}

const dropCodes = { gone: 'UNKNOWN_TOPIC', elsewhere: 'ALREADY_THERE', stays: 'NO_PLACE' } as const

const droppedFor = ({ now, reason }: Dropped): MoveChange => ({
  state: now === 'stays' ? 'failed' : 'skipped',
  error: { code: dropCodes[now], detail: reason },
})

const keyOf = ({ tenant, topic }: Pick<PlannedMove, 'tenant' | 'topic'>): string =>
  topicKey({ tenant, name: topic })

const ownOf = (moves: readonly MoveRow[]): MoveRow[] => moves.filter(({ state }) => state !== 'skipped')
