import { type Log, reasonOf } from '../log.ts'
import type { AttemptRow, SagaRow, SagaState } from '../store/rows.ts'
import { ATTEMPT_ROWS_MAX } from '../store/saga-queries.ts'
import type { Store } from '../store/store.ts'
import { Cancelled, type Direction, type Journal, Paused } from './saga.ts'
import type { SagaOutcome } from './saga-kind.ts'

interface JournalParts {
  readonly store: Store
  readonly log: Log
  readonly now: () => number
  /** The record that it is about, for the log. */
  readonly subject: string
  /** In the transactions of these events. */
  readonly turnedBack: (cause: unknown, step: string | undefined) => Promise<void>
  readonly ended: (outcome: SagaOutcome) => Promise<void>
  /** Called after every change, not within one. */
  readonly onChange: () => void
}

/** What became of a step in one direction. */
interface Line {
  readonly attempt: AttemptRow
  readonly ended: boolean
}

/**
 * The durable state of one saga, in the store. There is one runner of a saga, so what it wrote it need not read: only
 * what is asked of it from outside, to cancel or to pause, is read each time.
 */
export class SagaJournal implements Journal<string> {
  private readonly parts: JournalParts
  private readonly id: string
  private readonly kind: string
  private readonly round: number
  private readonly lines = new Map<string, Line>()
  private lastNumber = 0
  private state: SagaState
  private step: string
  private cancelled: boolean
  /** What the transaction that we are in writes at its end. */
  private open: { state: SagaState; step: string; announce: (() => void)[] } | undefined

  private constructor(parts: JournalParts, saga: SagaRow, attempts: readonly AttemptRow[]) {
    this.parts = parts
    this.id = saga.id
    this.kind = saga.kind
    this.round = saga.round
    this.state = saga.state
    this.step = saga.step
    this.cancelled = saga.cancelled
    for (const attempt of attempts) {
      this.lastNumber = attempt.number
      if (attempt.round !== saga.round) continue
      const ended = this.line(attempt.step, attempt.direction)?.ended === true
      this.lines.set(key(attempt.step, attempt.direction), {
        attempt,
        ended: ended || (attempt.endedAt !== null && attempt.error === null),
      })
    }
  }

  static async open(id: string, parts: JournalParts): Promise<SagaJournal> {
    return parts.store.transaction(async () => {
      const saga = await parts.store.sagas.get(id)
      if (saga === undefined) throw new Error(`saga ${id} is not in the store`)
      return new SagaJournal(parts, saga, await parts.store.sagas.attempts(id))
    })
  }

  now(): number {
    return this.parts.now()
  }

  async direction(): Promise<Direction> {
    return this.state === 'undoing' ? 'undo' : 'do'
  }

  async cancelRequested(): Promise<boolean> {
    return (await this.asked()).cancelRequested
  }

  async pauseRequested(): Promise<boolean> {
    return (await this.asked()).pauseRequested
  }

  begun(step: string): boolean {
    return this.line(step, 'do') !== undefined
  }

  ended(step: string, direction: Direction): boolean {
    return this.line(step, direction)?.ended === true
  }

  begin(step: string, direction: Direction): Promise<void> {
    return this.write(step, async () => {
      const attempt = this.nextAttempt(step, direction, this.now())
      await this.parts.store.sagas.putAttempt(this.id, attempt)
      this.onCommit(() => this.lines.set(key(step, direction), { attempt, ended: false }))
    })
  }

  end(step: string, direction: Direction): Promise<void> {
    return this.write(step, async () => {
      const line = this.line(step, direction)
      if (line === undefined) throw new Error(`saga ${this.id}: step ${step} ended before it began`)
      await this.parts.store.sagas.endAttempt(this.id, line.attempt.number, this.now(), null)
      this.onCommit(() => this.lines.set(key(step, direction), { ...line, ended: true }))
    })
  }

  record(step: string, startedAt: number): Promise<void> {
    return this.write(step, async () => {
      const attempt = { ...this.nextAttempt(step, 'do', startedAt), endedAt: this.now() }
      await this.parts.store.sagas.putAttempt(this.id, attempt)
      this.onCommit(() => this.lines.set(key(step, 'do'), { attempt, ended: true }))
    })
  }

  fail(step: string, direction: Direction, error: unknown): Promise<void> {
    const reason = reasonOf(error)
    const level = error instanceof Cancelled || error instanceof Paused ? 'info' : 'warn'
    const about = { [this.kind]: this.parts.subject, step, direction, reason }
    this.parts.log(level, `${this.kind}.step-failed`, about)
    return this.write(step, async () => {
      const line = this.line(step, direction)
      if (line === undefined) return
      await this.parts.store.sagas.endAttempt(this.id, line.attempt.number, this.now(), reason)
    })
  }

  transaction(work: () => Promise<void>): Promise<void> {
    return this.write(undefined, work)
  }

  turnBack(cause: unknown, step: string | undefined): Promise<void> {
    const cancelled = cause instanceof Cancelled
    return this.write(undefined, async () => {
      this.open!.state = 'undoing'
      await this.parts.store.sagas.setError(this.id, reasonOf(cause), cancelled)
      await this.parts.turnedBack(cause, step)
      this.onCommit(() => {
        this.cancelled = cancelled
      })
    })
  }

  finish(direction: Direction): Promise<void> {
    return this.write(undefined, async () => {
      this.open!.state = direction === 'do' ? 'done' : 'undone'
      await this.parts.ended(direction === 'do' ? 'done' : this.cancelled ? 'cancelled' : 'failed')
    })
  }

  private line(step: string, direction: Direction): Line | undefined {
    return this.lines.get(key(step, direction))
  }

  private nextAttempt(step: string, direction: Direction, startedAt: number): AttemptRow {
    const attempt = (this.line(step, direction)?.attempt.attempt ?? 0) + 1
    const number = attempt > ATTEMPT_ROWS_MAX ? this.line(step, direction)!.attempt.number : ++this.lastNumber
    return { number, round: this.round, step, direction, attempt, startedAt, endedAt: null, error: null }
  }

  private async asked(): Promise<SagaRow> {
    const saga = await this.parts.store.sagas.get(this.id)
    if (saga === undefined) throw new Error(`saga ${this.id} is not in the store`)
    return saga
  }

  private onCommit(remember: () => void): void {
    this.open!.announce.push(remember)
  }

  /** One transaction for all that is written within; state, step and revision are written once, at its end. */
  private async write(step: string | undefined, work: () => Promise<void>): Promise<void> {
    if (this.open !== undefined) {
      this.open.step = step ?? this.open.step
      return work()
    }
    const { store } = this.parts
    await store.transaction(async () => {
      const open = { state: this.state, step: step ?? this.step, announce: [] as (() => void)[] }
      this.open = open
      try {
        await work()
        await store.sagas.setProgress(this.id, open.state, open.step)
      } finally {
        this.open = undefined
      }
      store.afterCommit(() => {
        this.state = open.state
        this.step = open.step
        for (const remember of open.announce) remember()
        this.parts.onChange()
      })
    })
  }
}

function key(step: string, direction: Direction): string {
  return `${direction} ${step}`
}
