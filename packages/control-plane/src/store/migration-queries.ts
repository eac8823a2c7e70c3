import type { MigrationState, MigrationStepName } from '@braid/control-api'
import type { Database, Row } from './database.ts'
import type { AttemptRow, MigrationRow, StrayRow } from './rows.ts'

/** A cluster that is away for a week must not fill the store: further attempts overwrite the last row. */
const ATTEMPT_ROWS_MAX = 50

/** Every change of a migration raises its revision, in the same transaction. */
export class MigrationQueries {
  private readonly db: Database

  constructor(db: Database) {
    this.db = db
  }

  async add(
    row: Pick<MigrationRow, 'id' | 'tenant' | 'topic' | 'topicId' | 'from' | 'to' | 'createdAt'>,
  ): Promise<void> {
    await this.db.run(
      `INSERT INTO migration (id, tenant, topic, topic_id, from_cluster, from_topic, to_cluster, to_topic,
         state, step, created_at, revision, number)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'running', 'CHECK', ?, 1,
         (SELECT coalesce(max(number), 0) + 1 FROM migration))`,
      row.id,
      row.tenant,
      row.topic,
      row.topicId,
      row.from.cluster,
      row.from.topic,
      row.to.cluster,
      row.to.topic,
      row.createdAt,
    )
  }

  async get(id: string): Promise<MigrationRow | undefined> {
    const row = await this.db.get('SELECT * FROM migration WHERE id = ?', id)
    return row && migrationRow(row)
  }

  /** The latest first. */
  async list(limit: number): Promise<MigrationRow[]> {
    return (
      await this.db.all(
        'SELECT * FROM migration ORDER BY created_at DESC, number DESC, id DESC LIMIT ?',
        limit,
      )
    ).map(migrationRow)
  }

  /** Those whose saga has not ended, oldest first. */
  async unfinished(): Promise<MigrationRow[]> {
    return (
      await this.db.all(
        "SELECT * FROM migration WHERE state IN ('running', 'undoing', 'switched') ORDER BY created_at, number, id",
      )
    ).map(migrationRow)
  }

  /** The one that moves the topic now, before its SWITCH. */
  async underway(topicId: string): Promise<MigrationRow | undefined> {
    const row = await this.db.get(
      "SELECT * FROM migration WHERE topic_id = ? AND state IN ('running', 'undoing')",
      topicId,
    )
    return row && migrationRow(row)
  }

  /** Those before their SWITCH that come from the cluster or go there. */
  async underwayOn(cluster: string): Promise<MigrationRow[]> {
    return (
      await this.db.all(
        "SELECT * FROM migration WHERE state IN ('running', 'undoing') AND (from_cluster = ? OR to_cluster = ?)",
        cluster,
        cluster,
      )
    ).map(migrationRow)
  }

  async setState(id: string, state: MigrationState): Promise<void> {
    await this.update(id, 'state = ?', state)
  }

  async setError(id: string, error: { code: string; detail: string }): Promise<void> {
    await this.update(id, 'error_code = ?, error_detail = ?', error.code, error.detail)
  }

  async requestCancel(id: string): Promise<void> {
    await this.update(id, 'cancel_requested = 1')
  }

  async setOverrideBeforeSeal(id: string, value: string | null): Promise<void> {
    await this.update(id, 'override_before_seal = ?', JSON.stringify(value))
  }

  async setSwitched(
    id: string,
    switched: { cuts: readonly bigint[]; sealMs: number; routeVersion: number; at: number },
  ): Promise<void> {
    await this.update(
      id,
      "state = 'switched', cuts = ?, seal_ms = ?, route_version = ?, switched_at = ?",
      JSON.stringify(switched.cuts.map(String)),
      switched.sealMs,
      switched.routeVersion,
      switched.at,
    )
  }

  async setSwitchMs(id: string, switchMs: number): Promise<void> {
    await this.update(id, 'switch_ms = ?', switchMs)
  }

  /** When their topic is deleted, what they wait for is gone. */
  async endSwitchedOf(topicId: string): Promise<void> {
    await this.db.run(
      "UPDATE migration SET state = 'done', revision = revision + 1 WHERE topic_id = ? AND state = 'switched'",
      topicId,
    )
  }

  // ---- attempts

  async attempts(id: string): Promise<AttemptRow[]> {
    return (
      await this.db.all('SELECT * FROM migration_attempt WHERE migration_id = ? ORDER BY number', id)
    ).map((row) => ({
      number: Number(row.number),
      step: row.step as MigrationStepName,
      direction: row.direction as 'do' | 'undo',
      attempt: Number(row.attempt),
      startedAt: Number(row.started_at),
      endedAt: row.ended_at === null ? null : Number(row.ended_at),
      error: row.error === null ? null : String(row.error),
    }))
  }

  async beginAttempt(
    id: string,
    step: MigrationStepName,
    direction: 'do' | 'undo',
    at: number,
  ): Promise<void> {
    const { n, attempt, last } = (await this.db.get(
      `SELECT (SELECT count(*) + 1 FROM migration_attempt WHERE migration_id = ?) AS n,
         coalesce(max(attempt), 0) + 1 AS attempt, max(number) AS last
       FROM migration_attempt WHERE migration_id = ? AND step = ? AND direction = ?`,
      id,
      id,
      step,
      direction,
    ))!
    if (Number(attempt) > ATTEMPT_ROWS_MAX) {
      await this.db.run(
        `UPDATE migration_attempt SET attempt = ?, started_at = ?, ended_at = NULL, error = NULL
         WHERE migration_id = ? AND number = ?`,
        attempt!,
        at,
        id,
        last!,
      )
    } else {
      await this.db.run(
        `INSERT INTO migration_attempt (migration_id, number, step, direction, attempt, started_at)
         VALUES (?, ?, ?, ?, ?, ?)`,
        id,
        n!,
        step,
        direction,
        attempt!,
        at,
      )
    }
    await this.update(id, 'step = ?', step)
  }

  /** Ends the attempt that is open; `error` null when it did what it should. */
  async endAttempt(
    id: string,
    step: MigrationStepName,
    direction: 'do' | 'undo',
    at: number,
    error: string | null,
  ): Promise<void> {
    await this.db.run(
      `UPDATE migration_attempt SET ended_at = ?, error = ? WHERE migration_id = ? AND number =
         (SELECT max(number) FROM migration_attempt WHERE migration_id = ? AND step = ? AND direction = ?)`,
      at,
      error,
      id,
      id,
      step,
      direction,
    )
    await this.update(id, 'step = step')
  }

  // ---- strays

  async strays(id: string): Promise<StrayRow[]> {
    return (await this.db.all('SELECT * FROM stray WHERE migration_id = ? ORDER BY partition', id)).map(
      (row) => ({
        partition: Number(row.partition),
        from: BigInt(row.from_offset!),
        to: BigInt(row.to_offset!),
        recovered: BigInt(row.recovered!),
        producerId: BigInt(row.producer_id!),
        nextSequence: Number(row.next_sequence),
        seenAt: Number(row.seen_at),
      }),
    )
  }

  putStray(id: string, stray: StrayRow): Promise<void> {
    return this.db.transaction(async () => {
      await this.db.run(
        `INSERT INTO stray
           (migration_id, partition, from_offset, to_offset, recovered, producer_id, next_sequence, seen_at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (migration_id, partition) DO UPDATE SET
           from_offset = excluded.from_offset, to_offset = excluded.to_offset, recovered = excluded.recovered,
           producer_id = excluded.producer_id, next_sequence = excluded.next_sequence, seen_at = excluded.seen_at`,
        id,
        stray.partition,
        String(stray.from),
        String(stray.to),
        String(stray.recovered),
        String(stray.producerId),
        stray.nextSequence,
        stray.seenAt,
      )
      await this.update(id, 'step = step')
    })
  }

  private async update(
    id: string,
    assignments: string,
    ...values: (string | number | null)[]
  ): Promise<void> {
    await this.db.run(
      `UPDATE migration SET ${assignments}, revision = revision + 1 WHERE id = ?`,
      ...values,
      id,
    )
  }
}

function migrationRow(row: Row): MigrationRow {
  const numberOrNull = (value: unknown) => (value === null ? null : Number(value))
  return {
    id: String(row.id),
    tenant: String(row.tenant),
    topic: String(row.topic),
    topicId: String(row.topic_id),
    from: { cluster: String(row.from_cluster), topic: String(row.from_topic) },
    to: { cluster: String(row.to_cluster), topic: String(row.to_topic) },
    state: row.state as MigrationState,
    step: row.step as MigrationStepName,
    cancelRequested: row.cancel_requested === 1,
    overrideBeforeSeal:
      row.override_before_seal === null
        ? undefined
        : { value: JSON.parse(String(row.override_before_seal)) as string | null },
    sealMs: numberOrNull(row.seal_ms),
    switchMs: numberOrNull(row.switch_ms),
    switchedAt: numberOrNull(row.switched_at),
    cuts: row.cuts === null ? null : (JSON.parse(String(row.cuts)) as string[]).map(BigInt),
    routeVersion: numberOrNull(row.route_version),
    error:
      row.error_code === null ? null : { code: String(row.error_code), detail: String(row.error_detail) },
    createdAt: Number(row.created_at),
    revision: Number(row.revision),
  }
}
