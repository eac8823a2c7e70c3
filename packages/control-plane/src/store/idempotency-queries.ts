import type { Database } from './database.ts'

export interface IdempotencyRow {
  readonly id: string
  readonly request: string
  readonly at: number
  /** Null until it is answered. */
  readonly status: number | null
  /** JSON; null when it is empty or not to be kept. */
  readonly answer: string | null
}

export class IdempotencyQueries {
  private readonly db: Database

  constructor(db: Database) {
    this.db = db
  }

  async get(id: string): Promise<IdempotencyRow | undefined> {
    const row = await this.db.get('SELECT * FROM idempotency WHERE id = ?', id)
    return (
      row && {
        id: String(row.id),
        request: String(row.request),
        at: Number(row.at),
        status: row.status === null ? null : Number(row.status),
        answer: row.answer === null ? null : String(row.answer),
      }
    )
  }

  async begin(row: Pick<IdempotencyRow, 'id' | 'request' | 'at'>): Promise<void> {
    await this.db.run(
      `INSERT INTO idempotency (id, request, at) VALUES (?, ?, ?)
       ON CONFLICT (id) DO UPDATE SET request = excluded.request, at = excluded.at, status = NULL, answer = NULL`,
      row.id,
      row.request,
      row.at,
    )
  }

  async answer(id: string, status: number, answer: string | null): Promise<void> {
    await this.db.run('UPDATE idempotency SET status = ?, answer = ? WHERE id = ?', status, answer, id)
  }

  /** One that was refused may be asked again. */
  async forget(id: string): Promise<void> {
    await this.db.run('DELETE FROM idempotency WHERE id = ? AND status IS NULL', id)
  }

  /** Those from before `oldest`, and the oldest beyond `rowsMax`. */
  async prune(oldest: number, rowsMax: number): Promise<void> {
    await this.db.run('DELETE FROM idempotency WHERE at < ?', oldest)
    await this.db.run(
      'DELETE FROM idempotency WHERE id IN (SELECT id FROM idempotency ORDER BY at DESC LIMIT 1000000 OFFSET ?)',
      rowsMax,
    )
  }
}
