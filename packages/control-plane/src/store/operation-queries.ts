import type { OperationKind, OperationMove, PlannedMove } from '@braid/control-api'
import type { Database, Row } from './database.ts'

export interface OperationRow {
  readonly id: string
  readonly kind: OperationKind
  readonly title: string
  /** That is drained. */
  readonly cluster: string | null
  readonly state: 'running' | 'done' | 'failed' | 'cancelled'
  /** The saga that carries it out; another one after a retry. */
  readonly saga: string
  readonly round: number
  readonly concurrency: number
  /** By kind. */
  readonly options: unknown
  /** Of the cluster that is drained. */
  readonly stateBefore: string | null
  readonly plannedFor: string | null
  readonly error: { readonly code: string; readonly detail: string } | null
  readonly by: string
  readonly createdAt: number
  readonly endedAt: number | null
  readonly revision: number
  readonly number: number
}

export type MoveState = OperationMove['state']

export interface MoveRow extends PlannedMove {
  readonly number: number
  readonly state: MoveState
  /** Its group failed: it is tried once more by itself. */
  readonly alone: boolean
  readonly migration: string | null
  readonly error: { readonly code: string; readonly detail: string } | null
}

export type MoveCounts = Record<MoveState, number>

/** Every change of an operation or of its moves raises its revision, in the same transaction. */
export class OperationQueries {
  private readonly db: Database

  constructor(db: Database) {
    this.db = db
  }

  async add(
    row: Pick<
      OperationRow,
      'id' | 'kind' | 'title' | 'cluster' | 'saga' | 'concurrency' | 'options' | 'by' | 'createdAt'
    > & { readonly work?: unknown },
  ): Promise<void> {
    await this.db.run(
      `INSERT INTO operation (id, kind, title, cluster, state, saga, concurrency, options, work, created_by,
         created_at, revision, number)
       VALUES (?, ?, ?, ?, 'running', ?, ?, ?, ?, ?, ?, 1, (SELECT coalesce(max(number), 0) + 1 FROM operation))`,
      row.id,
      row.kind,
      row.title,
      row.cluster,
      row.saga,
      row.concurrency,
      JSON.stringify(row.options),
      JSON.stringify(row.work ?? {}),
      row.by,
      row.createdAt,
    )
  }

  async get(id: string): Promise<OperationRow | undefined> {
    const row = await this.db.get('SELECT * FROM operation WHERE id = ?', id)
    return row && operationRow(row)
  }

  /** The latest first, those with a number below `before`. */
  async list(limit: number, before = Number.MAX_SAFE_INTEGER): Promise<OperationRow[]> {
    return (
      await this.db.all(
        'SELECT * FROM operation WHERE number < ? ORDER BY number DESC LIMIT ?',
        before,
        limit,
      )
    ).map(operationRow)
  }

  /** Those that have not ended. */
  async underway(kind: OperationKind): Promise<OperationRow[]> {
    return (
      await this.db.all("SELECT * FROM operation WHERE state = 'running' AND kind = ? ORDER BY number", kind)
    ).map(operationRow)
  }

  /** What an apply makes, changes and deletes: not read with every look at the operation. */
  async work(id: string): Promise<unknown> {
    return JSON.parse(
      String((await this.db.get('SELECT work FROM operation WHERE id = ?', id))?.work ?? '{}'),
    )
  }

  async end(
    id: string,
    state: 'done' | 'failed' | 'cancelled',
    error: OperationRow['error'],
    at: number,
  ): Promise<void> {
    await this.update(
      id,
      'state = ?, error_code = ?, error_detail = ?, ended_at = ?',
      state,
      error?.code ?? null,
      error?.detail ?? null,
      at,
    )
  }

  async setError(id: string, error: { code: string; detail: string }): Promise<void> {
    await this.update(id, 'error_code = ?, error_detail = ?', error.code, error.detail)
  }

  async setStateBefore(id: string, state: string | null): Promise<void> {
    await this.update(id, 'state_before = ?', state)
  }

  async setPlannedFor(id: string, fingerprint: string): Promise<void> {
    await this.update(id, 'planned_for = ?', fingerprint)
  }

  /** Runs once more; what failed waits again. `revisions`: of the saga that it leaves. */
  async beginAgain(id: string, saga: string, revisions: number): Promise<void> {
    await this.update(
      id,
      `state = 'running', saga = ?, round = round + 1, error_code = NULL, error_detail = NULL, ended_at = NULL,
         planned_for = NULL, revision = revision + ${Math.floor(revisions)}`,
      saga,
    )
    await this.db.run(
      `UPDATE operation_move SET state = 'waiting', alone = 0, migration = NULL, error_code = NULL, error = NULL
       WHERE operation = ? AND state = 'failed'`,
      id,
    )
  }

  // ---- moves

  /** By number, those after `after`; of these states only, where they are given. */
  async moves(
    id: string,
    { states, after = 0, limit = Number.MAX_SAFE_INTEGER }: MoveFilter = {},
  ): Promise<MoveRow[]> {
    const inStates = states === undefined ? '' : ` AND state IN (${states.map(() => '?').join(', ')})`
    return (
      await this.db.all(
        `SELECT * FROM operation_move WHERE operation = ? AND number > ?${inStates} ORDER BY number LIMIT ?`,
        id,
        after,
        ...(states ?? []),
        limit,
      )
    ).map(moveRow)
  }

  async counts(id: string): Promise<MoveCounts> {
    const counts: MoveCounts = { waiting: 0, moving: 0, moved: 0, failed: 0, skipped: 0 }
    const rows = await this.db.all(
      'SELECT state, count(*) AS n FROM operation_move WHERE operation = ? GROUP BY state',
      id,
    )
    for (const row of rows) counts[row.state as MoveState] = Number(row.n)
    return counts
  }

  async addMoves(id: string, moves: readonly PlannedMove[]): Promise<void> {
    if (moves.length === 0) return
    const last = Number(
      (await this.db.get('SELECT coalesce(max(number), 0) AS n FROM operation_move WHERE operation = ?', id))
        ?.n,
    )
    for (const [i, { tenant, topic, from, to, reason }] of moves.entries()) {
      await this.db.run(
        `INSERT INTO operation_move (operation, number, tenant, topic, from_cluster, to_cluster, reason, state)
         VALUES (?, ?, ?, ?, ?, ?, ?, 'waiting')`,
        id,
        last + 1 + i,
        tenant,
        topic,
        from,
        to,
        reason,
      )
    }
    await this.update(id, 'id = id')
  }

  /** Another place, for one that waits. */
  async replan(id: string, number: number, { from, to, reason }: PlannedMove): Promise<void> {
    await this.db.run(
      'UPDATE operation_move SET from_cluster = ?, to_cluster = ?, reason = ? WHERE operation = ? AND number = ?',
      from,
      to,
      reason,
      id,
      number,
    )
    await this.update(id, 'id = id')
  }

  async setMove(
    id: string,
    number: number,
    { state, alone = false, migration = null, error = null }: MoveChange,
  ): Promise<void> {
    await this.db.run(
      `UPDATE operation_move SET state = ?, alone = ?, migration = coalesce(?, migration), error_code = ?, error = ?
       WHERE operation = ? AND number = ?`,
      state,
      alone ? 1 : 0,
      migration,
      error?.code ?? null,
      error?.detail ?? null,
      id,
      number,
    )
    await this.update(id, 'id = id')
  }

  /** Migrations before their SWITCH, or on their way back: of operations and of others. */
  async migrationsUnderway(): Promise<UnderwayRow[]> {
    return (
      await this.db.all("SELECT * FROM migration WHERE state IN ('running', 'undoing') ORDER BY number, id")
    ).map((row) => ({
      id: String(row.id),
      group: String(row.group_id),
      tenant: String(row.tenant),
      topic: String(row.topic),
      topicId: String(row.topic_id),
      from: String(row.from_cluster),
      to: String(row.to_cluster),
      operation: textOrNull(row.operation),
    }))
  }

  private async update(
    id: string,
    assignments: string,
    ...values: (string | number | null)[]
  ): Promise<void> {
    const raise = assignments.includes('revision =') ? '' : ', revision = revision + 1'
    await this.db.run(`UPDATE operation SET ${assignments}${raise} WHERE id = ?`, ...values, id)
  }
}

export interface UnderwayRow {
  readonly id: string
  readonly group: string
  readonly tenant: string
  readonly topic: string
  readonly topicId: string
  readonly from: string
  readonly to: string
  readonly operation: string | null
}

export interface MoveFilter {
  readonly states?: readonly MoveState[]
  readonly after?: number
  readonly limit?: number
}

export interface MoveChange {
  readonly state: MoveState
  readonly alone?: boolean
  readonly migration?: string | null
  readonly error?: { readonly code: string; readonly detail: string } | null
}

function operationRow(row: Row): OperationRow {
  return {
    id: String(row.id),
    kind: row.kind as OperationKind,
    title: String(row.title),
    cluster: textOrNull(row.cluster),
    state: row.state as OperationRow['state'],
    saga: String(row.saga),
    round: Number(row.round),
    concurrency: Number(row.concurrency),
    options: JSON.parse(String(row.options)),
    stateBefore: textOrNull(row.state_before),
    plannedFor: textOrNull(row.planned_for),
    error: errorOf(row.error_code, row.error_detail),
    by: String(row.created_by),
    createdAt: Number(row.created_at),
    endedAt: row.ended_at === null ? null : Number(row.ended_at),
    revision: Number(row.revision),
    number: Number(row.number),
  }
}

function moveRow(row: Row): MoveRow {
  return {
    number: Number(row.number),
    tenant: String(row.tenant),
    topic: String(row.topic),
    from: String(row.from_cluster),
    to: String(row.to_cluster),
    reason: String(row.reason),
    state: row.state as MoveState,
    alone: row.alone === 1,
    migration: textOrNull(row.migration),
    error: errorOf(row.error_code, row.error),
  }
}

const textOrNull = (value: unknown): string | null => (value === null ? null : String(value))

const errorOf = (code: unknown, detail: unknown): { code: string; detail: string } | null =>
  code === null ? null : { code: String(code), detail: String(detail) }
