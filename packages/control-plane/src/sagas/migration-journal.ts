import type { MigrationStepName } from '@braid/control-api'
import { reasonOf } from '../log.ts'
import type { Plane } from '../plane.ts'
import { Refusal } from '../refusal.ts'
import type { AttemptRow, MigrationRow } from '../store/rows.ts'
import { Cancelled, type Direction, type Journal } from './saga.ts'

/** The durable state of one migration, as the saga engine sees it. */
export class MigrationJournal implements Journal<MigrationStepName> {
  private readonly plane: Plane
  private readonly id: string
  private readonly onChange: () => void

  /** `onChange` is called after every change, not within one. */
  constructor(plane: Plane, id: string, onChange: () => void) {
    this.plane = plane
    this.id = id
    this.onChange = onChange
  }

  private async row(): Promise<MigrationRow> {
    const row = await this.plane.store.migrations.get(this.id)
    if (row === undefined) throw new Error(`migration ${this.id} is not in the store`)
    return row
  }

  async direction(): Promise<Direction> {
    return (await this.row()).state === 'undoing' ? 'undo' : 'do'
  }

  async cancelRequested(): Promise<boolean> {
    return (await this.row()).cancelRequested
  }

  async begun(step: MigrationStepName): Promise<boolean> {
    return (await this.attempts()).some((attempt) => attempt.step === step && attempt.direction === 'do')
  }

  async ended(step: MigrationStepName, direction: Direction): Promise<boolean> {
    return (await this.attempts()).some(
      (attempt) =>
        attempt.step === step &&
        attempt.direction === direction &&
        attempt.endedAt !== null &&
        attempt.error === null,
    )
  }

  begin(step: MigrationStepName, direction: Direction): Promise<void> {
    return this.write(() =>
      this.plane.store.migrations.beginAttempt(this.id, step, direction, this.plane.now()),
    )
  }

  end(step: MigrationStepName, direction: Direction): Promise<void> {
    return this.write(() =>
      this.plane.store.migrations.endAttempt(this.id, step, direction, this.plane.now(), null),
    )
  }

  fail(step: MigrationStepName, direction: Direction, error: unknown): Promise<void> {
    const reason = reasonOf(error)
    this.plane.log(error instanceof Cancelled ? 'info' : 'warn', 'migration.step-failed', {
      migration: this.id,
      step,
      direction,
      reason,
    })
    return this.write(() =>
      this.plane.store.migrations.endAttempt(this.id, step, direction, this.plane.now(), reason),
    )
  }

  transaction(work: () => Promise<void>): Promise<void> {
    return this.write(work)
  }

  async turnBack(cause: unknown): Promise<void> {
    const { topic, from, to, step } = await this.row()
    const { migrations } = this.plane.store
    const error =
      cause instanceof Cancelled
        ? {
            code: 'MIGRATION_CANCELLED',
            detail: `the move of topic ${topic} to ${to.cluster} was cancelled in step ${step}: the topic stays on ${from.cluster}`,
          }
        : {
            code: cause instanceof Refusal ? cause.code : 'MIGRATION_UNDONE',
            detail: `topic ${topic} was not moved to ${to.cluster} and stays on ${from.cluster}, because step ${step} failed: ${reasonOf(cause)}`,
          }
    await this.write(async () => {
      await migrations.setState(this.id, 'undoing')
      await migrations.setError(this.id, error)
    })
  }

  async finish(direction: Direction): Promise<void> {
    const { error } = await this.row()
    const undone = error?.code === 'MIGRATION_CANCELLED' ? 'cancelled' : 'failed'
    await this.write(() =>
      this.plane.store.migrations.setState(this.id, direction === 'do' ? 'done' : undone),
    )
  }

  private attempts(): Promise<AttemptRow[]> {
    return this.plane.store.migrations.attempts(this.id)
  }

  private write(work: () => Promise<void>): Promise<void> {
    return this.plane.store.transaction(async () => {
      await work()
      this.plane.store.afterCommit(this.onChange)
    })
  }
}
