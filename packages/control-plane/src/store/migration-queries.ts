import type { MigrationState, MigrationStepName } from '@braid/control-api'
import type { PhysicalTopic } from '@braid/routing-model'
import { numberOrNull, updateRevised } from './columns.ts'
import type { Database, Row, Value } from './database.ts'
import type { MigrationRow, StrayRow } from './rows.ts'

export type NewMigration = Pick<
  MigrationRow,
  'id' | 'group' | 'operation' | 'tenant' | 'topic' | 'topicId' | 'from' | 'to' | 'createdAt'
>

/** The saga that drains and retires what a migration has sealed. */
export function retirementOf(migrationId: string): string {
  return `${migrationId}.retirement`
}

const joined = `SELECT m.*, g.step AS group_step, g.cancel_requested, g.pause_requested AS group_pause,
    g.revision AS group_revision, r.step AS retirement_step, r.pause_requested AS retirement_pause,
    r.revision AS retirement_revision
  FROM migration m JOIN saga g ON g.id = m.group_id LEFT JOIN saga r ON r.id = m.id || '.retirement'`

/** Every change of a migration raises its revision, in the same transaction. Its sagas have their own. */
export class MigrationQueries {
  private readonly db: Database

  constructor(db: Database) {
    this.db = db
  }

  /** Its group's saga is there already. */
  async add(row: NewMigration): Promise<void> {
    await this.insert(row, 'running')
  }

  /** A record of what was switched otherwise, and drains as after a migration. Its group's saga is there already. */
  async addSwitched(
    row: NewMigration & Pick<MigrationRow, 'cuts' | 'routeVersion' | 'switchedAt'>,
  ): Promise<void> {
    // Never as one that runs: of those there is one a topic.
    await this.insert(row, 'switched')
    await this.update(
      row.id,
      'cuts = ?, route_version = ?, switched_at = ?',
      JSON.stringify(row.cuts?.map(String)),
      row.routeVersion,
      row.switchedAt,
    )
  }

  /** The record by which a sealed loglet drains. */
  async drainOf(topicId: string, { cluster, topic }: PhysicalTopic): Promise<MigrationRow | undefined> {
    const row = await this.db.get(
      `${joined} WHERE m.topic_id = ? AND m.from_cluster = ? AND m.from_topic = ? AND m.state = 'switched'
       ORDER BY m.number DESC LIMIT 1`,
      topicId,
      cluster,
      topic,
    )
    return row && migrationRow(row)
  }

  async get(id: string): Promise<MigrationRow | undefined> {
    const row = await this.db.get(`${joined} WHERE m.id = ?`, id)
    return row && migrationRow(row)
  }

  /** In the order in which their topics were named. */
  async inGroup(group: string): Promise<MigrationRow[]> {
    return (await this.db.all(`${joined} WHERE m.group_id = ? ORDER BY m.number, m.id`, group)).map(
      migrationRow,
    )
  }

  /** Those that an operation has started, oldest first. */
  async ofOperation(operation: string): Promise<MigrationRow[]> {
    return (await this.db.all(`${joined} WHERE m.operation = ? ORDER BY m.number, m.id`, operation)).map(
      migrationRow,
    )
  }

  /** The latest first: those after the one with that id, of these tenants only; undefined: of all. */
  async list(
    limit: number,
    { tenants, after }: { tenants?: readonly string[] | undefined; after?: string | undefined } = {},
  ): Promise<MigrationRow[]> {
    if (tenants?.length === 0) return []
    const conditions = [
      ...(tenants === undefined ? [] : [`m.tenant IN (${tenants.map(() => '?').join(', ')})`]),
      ...(after === undefined
        ? []
        : ['(m.created_at, m.number, m.id) < (SELECT created_at, number, id FROM migration WHERE id = ?)']),
    ]
    const rows = await this.db.all(
      `${joined} ${conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`}
       ORDER BY m.created_at DESC, m.number DESC, m.id DESC LIMIT ?`,
      ...(tenants ?? []),
      ...(after === undefined ? [] : [after]),
      limit,
    )
    return rows.map(migrationRow)
  }

  /** The one that moves the topic now, before its SWITCH. */
  async underway(topicId: string): Promise<MigrationRow | undefined> {
    const row = await this.db.get(
      `${joined} WHERE m.topic_id = ? AND m.state IN ('running', 'undoing')`,
      topicId,
    )
    return row && migrationRow(row)
  }

  /** By topic id, of those that move now, before their SWITCH. */
  async underwayByTopic(): Promise<ReadonlyMap<string, string>> {
    const rows = await this.db.all("SELECT topic_id, id FROM migration WHERE state IN ('running', 'undoing')")
    return new Map(rows.map((row) => [String(row.topic_id), String(row.id)]))
  }

  /** What the latest migration of the topic had begun to seal, if that was undone. */
  async sealTakenBack(topicId: string): Promise<PhysicalTopic | undefined> {
    const row = await this.db.get(`${joined} WHERE m.topic_id = ? ORDER BY m.number DESC LIMIT 1`, topicId)
    if (row === undefined) return undefined
    const { state, from, overrideBeforeSeal } = migrationRow(row)
    const undone = state === 'failed' || state === 'cancelled'
    return undone && overrideBeforeSeal !== undefined ? from : undefined
  }

  /** Those before their SWITCH that come from the cluster or go there. */
  async underwayOn(cluster: string): Promise<MigrationRow[]> {
    return (
      await this.db.all(
        `${joined} WHERE m.state IN ('running', 'undoing') AND (m.from_cluster = ? OR m.to_cluster = ?)`,
        cluster,
        cluster,
      )
    ).map(migrationRow)
  }

  async setState(id: string, state: MigrationState): Promise<void> {
    await this.update(id, 'state = ?', state)
  }

  async setGroupState(group: string, state: MigrationState): Promise<void> {
    await this.db.run(
      'UPDATE migration SET state = ?, revision = revision + 1 WHERE group_id = ?',
      state,
      group,
    )
  }

  async setError(id: string, error: { code: string; detail: string }): Promise<void> {
    await this.update(id, 'error_code = ?, error_detail = ?', error.code, error.detail)
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

  async setSwitchMs(group: string, switchMs: number): Promise<void> {
    await this.db.run(
      'UPDATE migration SET switch_ms = ?, revision = revision + 1 WHERE group_id = ?',
      switchMs,
      group,
    )
  }

  /** When their topic is deleted, what they wait for is gone. */
  async endSwitchedOf(topicId: string): Promise<void> {
    await this.db.run(
      "UPDATE migration SET state = 'done', revision = revision + 1 WHERE topic_id = ? AND state = 'switched'",
      topicId,
    )
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
        inDoubt:
          row.in_doubt_to === null
            ? null
            : { to: BigInt(row.in_doubt_to!), nextSequence: Number(row.in_doubt_sequence) },
        seenAt: Number(row.seen_at),
      }),
    )
  }

  putStray(id: string, stray: StrayRow): Promise<void> {
    return this.db.transaction(async () => {
      await this.db.run(
        `INSERT INTO stray
           (migration_id, partition, from_offset, to_offset, recovered, producer_id, next_sequence, in_doubt_to,
            in_doubt_sequence, seen_at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (migration_id, partition) DO UPDATE SET
           from_offset = excluded.from_offset, to_offset = excluded.to_offset, recovered = excluded.recovered,
           producer_id = excluded.producer_id, next_sequence = excluded.next_sequence,
           in_doubt_to = excluded.in_doubt_to, in_doubt_sequence = excluded.in_doubt_sequence,
           seen_at = excluded.seen_at`,
        id,
        stray.partition,
        String(stray.from),
        String(stray.to),
        String(stray.recovered),
        String(stray.producerId),
        stray.nextSequence,
        stray.inDoubt === null ? null : String(stray.inDoubt.to),
        stray.inDoubt?.nextSequence ?? null,
        stray.seenAt,
      )
      await this.update(id, 'state = state')
    })
  }

  private async insert(row: NewMigration, state: MigrationState): Promise<void> {
    await this.db.run(
      `INSERT INTO migration (id, group_id, operation, tenant, topic, topic_id, from_cluster, from_topic, to_cluster,
         to_topic, state, created_at, revision, number)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1,
         (SELECT coalesce(max(number), 0) + 1 FROM migration))`,
      row.id,
      row.group,
      row.operation,
      row.tenant,
      row.topic,
      row.topicId,
      row.from.cluster,
      row.from.topic,
      row.to.cluster,
      row.to.topic,
      state,
      row.createdAt,
    )
  }

  private update(id: string, assignments: string, ...values: Value[]): Promise<void> {
    return updateRevised(this.db, 'migration', id, assignments, ...values)
  }
}

function migrationRow(row: Row): MigrationRow {
  return {
    id: String(row.id),
    group: String(row.group_id),
    operation: row.operation === null ? null : String(row.operation),
    tenant: String(row.tenant),
    topic: String(row.topic),
    topicId: String(row.topic_id),
    from: { cluster: String(row.from_cluster), topic: String(row.from_topic) },
    to: { cluster: String(row.to_cluster), topic: String(row.to_topic) },
    state: row.state as MigrationState,
    step: (row.retirement_step ?? row.group_step) as MigrationStepName,
    cancelRequested: row.cancel_requested === 1,
    pauseRequested: (row.retirement_pause ?? row.group_pause) === 1,
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
    // Each of them only rises.
    revision: Number(row.revision) + Number(row.group_revision) + Number(row.retirement_revision ?? 0),
  }
}
