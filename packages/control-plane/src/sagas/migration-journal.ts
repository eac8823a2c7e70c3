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

  get row(): MigrationRow {
    const row = this.plane.store.migrations.get(this.id)
    if (row === undefined) throw new Error(`migration ${this.id} is not in the store`)
    return row
  }

  get direction(): Direction {
    return this.row.state === 'undoing' ? 'undo' : 'do'
  }

  get cancelRequested(): boolean {
    return this.row.cancelRequested
  }

  begun(step: MigrationStepName): boolean {
    return this.attempts().some((attempt) => attempt.step === step && attempt.direction === 'do')
  }

  ended(step: MigrationStepName, direction: Direction): boolean {
    return this.attempts().some(
      (attempt) =>
        attempt.step === step &&
        attempt.direction === direction &&
        attempt.endedAt !== null &&
        attempt.error === null,
    )
  }

  begin(step: MigrationStepName, direction: Direction): void {
    this.write(() => this.plane.store.migrations.beginAttempt(this.id, step, direction, this.plane.now()))
  }

  end(step: MigrationStepName, direction: Direction): void {
    this.write(() => this.plane.store.migrations.endAttempt(this.id, step, direction, this.plane.now(), null))
  }

  fail(step: MigrationStepName, direction: Direction, error: unknown): void {
    const reason = reasonOf(error)
    this.plane.log(error instanceof Cancelled ? 'info' : 'warn', 'migration.step-failed', {
      migration: this.id,
      step,
      direction,
      reason,
    })
    this.write(() =>
      this.plane.store.migrations.endAttempt(this.id, step, direction, this.plane.now(), reason),
    )
  }

  transaction(work: () => void): void {
    try {
      this.write(work)
    } catch (error) {
      this.plane.board.reload()
      throw error
    }
  }

  turnBack(cause: unknown): void {
    const { topic, from, to, step } = this.row
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
    this.write(() => {
      migrations.setState(this.id, 'undoing')
      migrations.setError(this.id, error)
    })
  }

  finish(direction: Direction): void {
    const { error } = this.row
    const undone = error?.code === 'MIGRATION_CANCELLED' ? 'cancelled' : 'failed'
    this.write(() => this.plane.store.migrations.setState(this.id, direction === 'do' ? 'done' : undone))
  }

  private attempts(): AttemptRow[] {
    return this.plane.store.migrations.attempts(this.id)
  }

  private write(work: () => void): void {
    this.plane.store.transaction(() => {
      work()
      this.plane.store.afterCommit(this.onChange)
    })
  }
}
