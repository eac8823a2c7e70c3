import type { Database, Row } from './database.ts'
import type { AttemptRow, SagaRow, SagaState } from './rows.ts'

/** A cluster that is away for a week must not fill the store: further attempts overwrite the last row. */
export const ATTEMPT_ROWS_MAX = 50

export interface NewSaga {
  readonly id: string
  readonly kind: string
  readonly step: string
  readonly createdAt: number
  /** Begins as paused as this one is. */
  readonly pausedAs?: string | undefined
}

/** Sagas of any kind, and their attempts. Who runs one is the only one who writes its state, step and attempts. */
export class SagaQueries {
  private readonly db: Database

  constructor(db: Database) {
    this.db = db
  }

  async add({ id, kind, step, createdAt, pausedAs }: NewSaga): Promise<void> {
    await this.db.run(
      `INSERT INTO saga (id, kind, state, step, pause_requested, created_at, revision, number)
       VALUES (?, ?, 'running', ?, coalesce((SELECT pause_requested FROM saga WHERE id = ?), 0), ?, 1,
         (SELECT coalesce(max(number), 0) + 1 FROM saga))`,
      id,
      kind,
      step,
      pausedAs ?? null,
      createdAt,
    )
  }

  async get(id: string): Promise<SagaRow | undefined> {
    const row = await this.db.get('SELECT * FROM saga WHERE id = ?', id)
    return row && sagaRow(row)
  }

  /** Those that have not ended, oldest first. */
  async unfinished(): Promise<SagaRow[]> {
    return (
      await this.db.all("SELECT * FROM saga WHERE state IN ('running', 'undoing') ORDER BY number, id")
    ).map(sagaRow)
  }

  /** For metrics. */
  async counts(): Promise<{ kind: string; state: string; count: number }[]> {
    const rows = await this.db.all('SELECT kind, state, count(*) AS n FROM saga GROUP BY kind, state')
    return rows.map((row) => ({ kind: String(row.kind), state: String(row.state), count: Number(row.n) }))
  }

  async setProgress(id: string, state: SagaState, step: string): Promise<void> {
    await this.db.run(
      'UPDATE saga SET state = ?, step = ?, revision = revision + 1 WHERE id = ?',
      state,
      step,
      id,
    )
  }

  async setError(id: string, error: string, cancelled: boolean): Promise<void> {
    await this.db.run('UPDATE saga SET error = ?, cancelled = ? WHERE id = ?', error, cancelled ? 1 : 0, id)
  }

  async requestCancel(id: string): Promise<void> {
    await this.db.run('UPDATE saga SET cancel_requested = 1, revision = revision + 1 WHERE id = ?', id)
  }

  async setPauseRequested(id: string, requested: boolean): Promise<void> {
    await this.db.run(
      'UPDATE saga SET pause_requested = ?, revision = revision + 1 WHERE id = ?',
      requested ? 1 : 0,
      id,
    )
  }

  /** From its first step, in a round of its own: what earlier rounds did counts no more. */
  async beginAgain(id: string, step: string): Promise<void> {
    await this.db.run(
      `UPDATE saga SET state = 'running', step = ?, round = round + 1, cancel_requested = 0, pause_requested = 0,
         error = NULL, cancelled = 0, revision = revision + 1 WHERE id = ?`,
      step,
      id,
    )
  }

  // ---- attempts

  /** In the order in which they began. */
  async attempts(id: string): Promise<AttemptRow[]> {
    return (await this.db.all('SELECT * FROM saga_attempt WHERE saga_id = ? ORDER BY number', id)).map(
      (row) => ({
        number: Number(row.number),
        round: Number(row.round),
        step: String(row.step),
        direction: row.direction as 'do' | 'undo',
        attempt: Number(row.attempt),
        startedAt: Number(row.started_at),
        endedAt: row.ended_at === null ? null : Number(row.ended_at),
        error: row.error === null ? null : String(row.error),
      }),
    )
  }

  /** A row of its own, or instead of the one with its number. */
  async putAttempt(id: string, attempt: AttemptRow): Promise<void> {
    await this.db.run(
      `INSERT INTO saga_attempt (saga_id, number, round, step, direction, attempt, started_at, ended_at, error)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (saga_id, number) DO UPDATE SET attempt = excluded.attempt, started_at = excluded.started_at,
         ended_at = excluded.ended_at, error = excluded.error`,
      id,
      attempt.number,
      attempt.round,
      attempt.step,
      attempt.direction,
      attempt.attempt,
      attempt.startedAt,
      attempt.endedAt,
      attempt.error,
    )
  }

  /** `error` null when it did what it should. */
  async endAttempt(id: string, number: number, at: number, error: string | null): Promise<void> {
    await this.db.run(
      'UPDATE saga_attempt SET ended_at = ?, error = ? WHERE saga_id = ? AND number = ?',
      at,
      error,
      id,
      number,
    )
  }
}

function sagaRow(row: Row): SagaRow {
  return {
    id: String(row.id),
    kind: String(row.kind),
    state: row.state as SagaState,
    step: String(row.step),
    round: Number(row.round),
    cancelRequested: row.cancel_requested === 1,
    pauseRequested: row.pause_requested === 1,
    cancelled: row.cancelled === 1,
    error: row.error === null ? null : String(row.error),
    createdAt: Number(row.created_at),
    revision: Number(row.revision),
  }
}
