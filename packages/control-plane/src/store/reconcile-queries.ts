import type { PhysicalTopic, TopicRoute } from '@braid/routing-model'
import type { Database } from './database.ts'

export interface ReconciliationRow {
  /** The configs that were asked for when all was in place. */
  readonly applied: Readonly<Record<string, string>>
  /** ms since 1970; null without drift. */
  readonly driftSince: number | null
}

export interface HoldRow {
  readonly why: string
  readonly since: number
}

/** Where commits are mirrored to. */
export interface StandbyHomeRow extends PhysicalTopic {
  /** Whether what groups had committed before is there, too. */
  readonly filled: boolean
}

/** What waits for a failover of a topic that is gone, or on a cluster that is. */
export interface Orphan extends PhysicalTopic {
  readonly topicId: string
  readonly registered: boolean
}

export class ReconcileQueries {
  private readonly db: Database

  constructor(db: Database) {
    this.db = db
  }

  // ---- what is remembered of a topic

  async get(topicId: string): Promise<ReconciliationRow> {
    const row = await this.db.get(
      'SELECT applied, drift_since FROM topic_reconciliation WHERE topic_id = ?',
      topicId,
    )
    return {
      applied: JSON.parse(String(row?.applied ?? '{}')) as Record<string, string>,
      driftSince: row === undefined || row.drift_since === null ? null : Number(row.drift_since),
    }
  }

  async put(topicId: string, { applied, driftSince }: ReconciliationRow): Promise<void> {
    await this.db.run(
      `INSERT INTO topic_reconciliation (topic_id, applied, drift_since) VALUES (?, ?, ?)
       ON CONFLICT (topic_id) DO UPDATE SET applied = excluded.applied, drift_since = excluded.drift_since`,
      topicId,
      JSON.stringify(applied),
      driftSince,
    )
  }

  /** By topic id, of those that have drift: ms since 1970. */
  async driftSince(): Promise<ReadonlyMap<string, number>> {
    const rows = await this.db.all(
      'SELECT topic_id, drift_since FROM topic_reconciliation WHERE drift_since IS NOT NULL',
    )
    return new Map(rows.map((row) => [String(row.topic_id), Number(row.drift_since)]))
  }

  async withDrift(): Promise<number> {
    const row = await this.db.get(
      'SELECT count(*) AS n FROM topic_reconciliation WHERE drift_since IS NOT NULL',
    )
    return Number(row?.n)
  }

  /** Of topics that are deleted. */
  async forgetGone(): Promise<void> {
    await this.db.run('DELETE FROM topic_reconciliation WHERE topic_id NOT IN (SELECT id FROM topic)')
  }

  // ---- holds

  async hold(topicId: string): Promise<HoldRow | undefined> {
    const row = await this.db.get('SELECT why, since FROM topic_hold WHERE topic_id = ?', topicId)
    return row && { why: String(row.why), since: Number(row.since) }
  }

  async putHold(topicId: string, { why, since }: HoldRow): Promise<void> {
    await this.db.run('INSERT INTO topic_hold (topic_id, why, since) VALUES (?, ?, ?)', topicId, why, since)
  }

  async removeHold(topicId: string): Promise<void> {
    await this.db.run('DELETE FROM topic_hold WHERE topic_id = ?', topicId)
  }

  /** Whoever held them is no more. */
  async removeHolds(): Promise<void> {
    await this.db.run('DELETE FROM topic_hold')
  }

  // ---- the route's changes

  /** Partitions, limit, and the columns of its loglets, which are as many as before. */
  async setShape(route: TopicRoute): Promise<void> {
    const { id, partitions, maxMessageBytes } = route
    await this.db.run(
      'UPDATE topic SET partitions = ?, max_message_bytes = ? WHERE id = ?',
      partitions,
      maxMessageBytes,
      id,
    )
    for (const { cluster, topic, start, base, end } of route.toJSON().loglets) {
      const changed = await this.db.run(
        'UPDATE loglet SET starts = ?, bases = ?, ends = ? WHERE topic_id = ? AND cluster = ? AND topic = ?',
        JSON.stringify(start),
        JSON.stringify(base),
        end === undefined ? null : JSON.stringify(end),
        id,
        cluster,
        topic,
      )
      if (changed !== 1)
        throw new Error(`topic ${route.name}: the store has no loglet ${topic} on ${cluster}`)
    }
  }

  // ---- standby topics

  /** The topic whose standby it is. */
  async topicOfStandby({ cluster, topic }: PhysicalTopic): Promise<string | undefined> {
    const row = await this.db.get(
      'SELECT topic_id FROM standby_topic WHERE cluster = ? AND topic = ?',
      cluster,
      topic,
    )
    return row && String(row.topic_id)
  }

  async standby(topicId: string): Promise<PhysicalTopic | undefined> {
    const row = await this.db.get('SELECT cluster, topic FROM standby_topic WHERE topic_id = ?', topicId)
    return row && { cluster: String(row.cluster), topic: String(row.topic) }
  }

  /** By topic id. */
  async standbys(): Promise<Map<string, PhysicalTopic>> {
    const rows = await this.db.all('SELECT topic_id, cluster, topic FROM standby_topic')
    return new Map(
      rows.map((row) => [String(row.topic_id), { cluster: String(row.cluster), topic: String(row.topic) }]),
    )
  }

  async putStandby(topicId: string, { cluster, topic }: PhysicalTopic): Promise<void> {
    await this.db.run(
      'INSERT INTO standby_topic (topic_id, cluster, topic) VALUES (?, ?, ?)',
      topicId,
      cluster,
      topic,
    )
  }

  async removeStandby(topicId: string): Promise<void> {
    await this.db.run('DELETE FROM standby_topic WHERE topic_id = ?', topicId)
  }

  // ---- topics on standby homes, under whose names commits are mirrored

  async standbyHome(topicId: string): Promise<StandbyHomeRow | undefined> {
    const row = await this.db.get(
      'SELECT cluster, topic, filled FROM standby_home_topic WHERE topic_id = ?',
      topicId,
    )
    return row && { cluster: String(row.cluster), topic: String(row.topic), filled: row.filled === 1 }
  }

  /** Topics of a tenant that were made before, and whose commits are not all on that standby home; the first few named. */
  async unmirrored(
    tenant: string,
    cluster: string,
    madeBefore: number,
  ): Promise<{ readonly topics: number; readonly some: readonly string[] }> {
    const rows = await this.db.all(
      `SELECT t.name FROM topic t LEFT JOIN standby_home_topic s ON s.topic_id = t.id AND s.cluster = ?
       WHERE t.tenant = ? AND t.created_at < ? AND coalesce(s.filled, 0) = 0 ORDER BY t.name`,
      cluster,
      tenant,
      madeBefore,
    )
    return { topics: rows.length, some: rows.slice(0, 3).map((row) => String(row.name)) }
  }

  async topicOfStandbyHome({ cluster, topic }: PhysicalTopic): Promise<string | undefined> {
    const row = await this.db.get(
      'SELECT topic_id FROM standby_home_topic WHERE cluster = ? AND topic = ?',
      cluster,
      topic,
    )
    return row && String(row.topic_id)
  }

  /** Not filled yet. */
  async putStandbyHome(topicId: string, { cluster, topic }: PhysicalTopic): Promise<void> {
    await this.db.run(
      `INSERT INTO standby_home_topic (topic_id, cluster, topic) VALUES (?, ?, ?)
       ON CONFLICT (topic_id) DO UPDATE SET cluster = excluded.cluster, topic = excluded.topic,
         filled = 0`,
      topicId,
      cluster,
      topic,
    )
  }

  async setStandbyHomeFilled(topicId: string, { cluster, topic }: PhysicalTopic): Promise<void> {
    await this.db.run(
      'UPDATE standby_home_topic SET filled = 1 WHERE topic_id = ? AND cluster = ? AND topic = ?',
      topicId,
      cluster,
      topic,
    )
  }

  async removeStandbyHome(topicId: string): Promise<void> {
    await this.db.run('DELETE FROM standby_home_topic WHERE topic_id = ?', topicId)
  }

  async orphanedStandbyHomes(): Promise<Orphan[]> {
    return this.orphans('standby_home_topic')
  }

  /** Of topics that are deleted, or waiting on clusters that are not registered. */
  async orphanedStandbys(): Promise<Orphan[]> {
    return this.orphans('standby_topic')
  }

  private async orphans(table: 'standby_topic' | 'standby_home_topic'): Promise<Orphan[]> {
    const rows = await this.db.all(
      `SELECT s.topic_id, s.cluster, s.topic, c.name AS registered FROM ${table} s
         LEFT JOIN topic t ON t.id = s.topic_id LEFT JOIN cluster c ON c.name = s.cluster
       WHERE t.id IS NULL OR c.name IS NULL`,
    )
    return rows.map((row) => ({
      topicId: String(row.topic_id),
      cluster: String(row.cluster),
      topic: String(row.topic),
      registered: row.registered !== null,
    }))
  }
}
