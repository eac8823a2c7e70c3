import { DEPTH_MAX } from '@braid/routing-model'
import type { Plane } from '../plane.ts'
import { randomName } from '../random-name.ts'
import { Refusal, unknownTopic } from '../refusal.ts'
import type { MigrationRow } from '../store/rows.ts'
import { freshPhysicalName } from '../topics/physical-name.ts'
import { type MigrationContext, migrationSaga } from './migration.ts'
import { MigrationJournal } from './migration-journal.ts'
import { migrationInProgress } from './migration-messages.ts'
import { runSaga, Stopped } from './saga.ts'

/** Called at every point of every step where a crash means something else. See SagaHook. */
export interface MigrationHooks {
  step(step: string, phase: 'before' | 'doing' | 'after', migrationId: string): Promise<void> | void
}

const underwayMax = 10_000
const tellAfterMs = 2

interface Running {
  readonly ended: Promise<void>
  readonly cancel: AbortController
}

/** Runs the sagas: those that begin now, and those that an earlier process left. */
export class Migrations {
  private readonly plane: Plane
  private readonly hooks: MigrationHooks | undefined
  private readonly running = new Map<string, Running>()
  private readonly watchers = new Set<(id: string) => void>()
  private readonly changed = new Set<string>()

  constructor(plane: Plane, hooks: MigrationHooks | undefined) {
    this.plane = plane
    this.hooks = hooks
  }

  /** Goes on with every saga that has not ended. */
  async resume(): Promise<void> {
    for (const { id, topic, state, step } of await this.plane.store.migrations.unfinished()) {
      if (state !== 'switched')
        this.plane.log('info', 'migration.resumed', { migration: id, topic, state, step })
      this.run(id)
    }
  }

  async get(id: string): Promise<MigrationRow> {
    const row = await this.plane.store.migrations.get(id)
    if (row === undefined)
      throw new Refusal('UNKNOWN_MIGRATION', `there is no migration ${id}; list those that are there`)
    return row
  }

  async start(start: { tenant: string; topic: string; to: string }): Promise<MigrationRow> {
    const row = await this.plane.store.transaction(() => this.record(start))
    this.run(row.id)
    return row
  }

  /** Checked and written in one transaction. */
  private async record({
    tenant,
    topic,
    to,
  }: {
    tenant: string
    topic: string
    to: string
  }): Promise<MigrationRow> {
    const { store, board, clusters, now, random } = this.plane
    const target = await clusters.get(to)
    const route = board.table.topic(tenant, topic)
    if (route === undefined) throw unknownTopic(topic, tenant)
    const underway = await store.migrations.underway(route.id)
    if (underway !== undefined)
      throw migrationInProgress(underway, await store.migrations.attempts(underway.id), now())
    const from = { cluster: route.cluster(route.active), topic: route.physicalTopic(route.active) }
    if (from.cluster === target.name) {
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
    if (this.running.size >= underwayMax) {
      throw new Refusal(
        'LIMIT_REACHED',
        `${this.running.size} migrations are under way, the most at a time: wait for some to end`,
      )
    }
    const id = randomName(12, random)
    const next = { cluster: to, topic: freshPhysicalName(topic, random) }
    await store.migrations.add({
      id,
      tenant,
      topic,
      topicId: route.id,
      from,
      to: next,
      createdAt: now(),
    })
    return this.get(id)
  }

  /** Asks for it; the saga is undone in the background. */
  async cancel(id: string): Promise<MigrationRow> {
    const { store } = this.plane
    const row = await store.transaction(async () => {
      const { topic, to, state } = await this.get(id)
      if (state === 'switched' || state === 'done') {
        throw new Refusal(
          'MIGRATION_SWITCHED',
          `topic ${topic} is on ${to.cluster} already, its clients write there: to go back, move it again`,
        )
      }
      if (state === 'failed' || state === 'cancelled') {
        throw new Refusal('MIGRATION_ENDED', `migration ${id} of topic ${topic} was undone already`)
      }
      await store.migrations.requestCancel(id)
      store.afterCommit(() => this.noteChange(id))
      return this.get(id)
    })
    this.running.get(id)?.cancel.abort()
    return row
  }

  /** The record once its revision is above `revision`, or as it is after `waitMs`. */
  async after(id: string, revision: number, waitMs: number): Promise<MigrationRow> {
    const { closing } = this.plane
    const changed = Promise.withResolvers<void>()
    const onChange = (which: string) => {
      if (which === id) changed.resolve()
    }
    const end = () => changed.resolve()
    const timer = setTimeout(end, waitMs).unref()
    // Before it is read: what changes in between counts.
    this.watchers.add(onChange)
    closing.addEventListener('abort', end)
    try {
      const now = await this.get(id)
      if (now.revision > revision || waitMs === 0) return now
      if (!closing.aborted) await changed.promise
    } finally {
      clearTimeout(timer)
      this.watchers.delete(onChange)
      closing.removeEventListener('abort', end)
    }
    if (closing.aborted)
      throw new Refusal(
        'SHUTTING_DOWN',
        'the control plane is stopping; it goes on with the migration when it is started again',
      )
    return this.get(id)
  }

  /** Waits for all sagas to have stopped where they are; the plane's `closing` tells them to. */
  async close(): Promise<void> {
    await Promise.all(Array.from(this.running.values(), (saga) => saga.ended))
  }

  private run(id: string): void {
    const { plane, hooks } = this
    const cancel = new AbortController()
    const context: MigrationContext = { plane, id, sealed: undefined, switchMs: undefined }
    const ended = runSaga(
      migrationSaga,
      new MigrationJournal(plane, id, () => this.noteChange(id)),
      context,
      {
        hook: hooks && ((step, phase) => hooks.step(step, phase, id)),
        closing: plane.closing,
        cancelled: cancel.signal,
        sleep: plane.sleep,
        retryBaseMs: plane.timings.retryBaseMs,
        retryMaxMs: plane.timings.retryMaxMs,
      },
    )
      .then(async () => {
        const { topic, from, to, state, error } = await this.get(id)
        plane.log(state === 'failed' ? 'warn' : 'info', `migration.${state}`, {
          migration: id,
          topic,
          from: from.cluster,
          to: to.cluster,
          ...(error && { reason: error.detail }),
        })
      })
      .catch((error: unknown) => {
        const level = error instanceof Stopped ? 'info' : 'error'
        plane.log(level, 'migration.stopped', { migration: id, reason: String(error) })
      })
    this.running.set(id, { cancel, ended: ended.finally(() => this.running.delete(id)) })
  }

  /** Told later: whoever watches must not stand in the way of a switch. */
  private noteChange(id: string): void {
    if (this.changed.size === 0) {
      setTimeout(() => {
        for (const changed of this.changed) for (const watcher of this.watchers) watcher(changed)
        this.changed.clear()
      }, tellAfterMs).unref()
    }
    this.changed.add(id)
  }
}
