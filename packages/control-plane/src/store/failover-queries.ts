import {
  type ClusterVote,
  defaultFailoverSettings,
  type FailoverHome,
  type FailoverKind,
  type FailoverSettings,
  type MonitorEvent,
  type MonitorEventSeen,
} from '@braid/control-api'
import type { FailoverPolicy, HolesJson, PhysicalTopic } from '@braid/routing-model'
import { numberOrNull, updateRevised } from './columns.ts'
import type { Database, Row, Value } from './database.ts'

export type FailoverState = 'running' | 'undoing' | 'done' | 'failed' | 'cancelled'

/** A failover or a return. Its saga has the same id. */
export interface FailoverRow {
  readonly id: string
  readonly kind: FailoverKind
  readonly cluster: string
  readonly by: string
  readonly reason: string
  readonly votes: readonly ClusterVote[]
  /** By kind. */
  readonly options: unknown
  readonly state: FailoverState
  /** The step of its saga that it is in, or ended in. */
  readonly step: string
  readonly homes: readonly FailoverHome[]
  readonly fenceMs: number | null
  readonly switchMs: number | null
  readonly switchedAt: number | null
  readonly routeVersion: number | null
  readonly error: { readonly code: string; readonly detail: string } | null
  readonly createdAt: number
  readonly endedAt: number | null
  /** Of the record and of its saga: any change raises it. */
  readonly revision: number
  readonly number: number
}

export interface Recovery {
  /** Records beyond the ends that were known. */
  readonly tail: number
  /** Records that stand in a later loglet too. */
  readonly leftOut: number
  /** Records that are copied on, and those of them that have been. */
  readonly toCopy: number
  readonly copied: number
}

export interface FailoverTopicRow {
  readonly number: number
  readonly topicId: string
  readonly tenant: string
  readonly topic: string
  readonly policy: FailoverPolicy
  readonly from: PhysicalTopic
  readonly to: PhysicalTopic | null
  readonly reason: string
  /** Logical, by partition. */
  readonly knownEnds: readonly bigint[] | null
  readonly knownAt: number | null
  readonly base: bigint | null
  /** The lowest committed offset of any group, by partition; null where none has one. Null as a whole: unknown. */
  readonly positions: readonly (bigint | null)[] | null
  /** Physical, by partition. */
  readonly ends: readonly bigint[] | null
  readonly recovery: Recovery | null
  readonly found: FoundLoglet | null
}

/** What was found in a loglet that returns, by partition. */
export interface FoundLoglet {
  /** Physical: what lies behind them is copied on, up to its ends. */
  readonly cuts: readonly bigint[]
  /** Batches that stand in a later loglet too. */
  readonly holes: HolesJson
  /** The same, of earlier loglets that had returned before this one. */
  readonly earlier: readonly (PhysicalTopic & { readonly holes: HolesJson })[]
}

/** One that has returned, or is about to: where it ends. */
export interface ReturnedLoglet {
  readonly failover: string
  readonly number: number
  readonly ends: readonly bigint[]
}

export type NewFailover = Pick<
  FailoverRow,
  'id' | 'kind' | 'cluster' | 'by' | 'reason' | 'votes' | 'options' | 'createdAt'
>
export type NewFailoverTopic = Omit<FailoverTopicRow, 'number' | 'ends' | 'recovery' | 'found'>

const joined = `SELECT f.*, s.step AS saga_step, s.revision AS saga_revision
  FROM failover f LEFT JOIN saga s ON s.id = f.id`
const eventsMax = 10_000

/** Every change of a failover or of its topics raises its revision, in the same transaction. */
export class FailoverQueries {
  private readonly db: Database

  constructor(db: Database) {
    this.db = db
  }

  async add(row: NewFailover): Promise<void> {
    await this.db.run(
      `INSERT INTO failover (id, kind, cluster, requested_by, reason, votes, options, state, created_at, revision, number)
       VALUES (?, ?, ?, ?, ?, ?, ?, 'running', ?, 1, (SELECT coalesce(max(number), 0) + 1 FROM failover))`,
      row.id,
      row.kind,
      row.cluster,
      row.by,
      row.reason,
      JSON.stringify(row.votes),
      JSON.stringify(row.options ?? {}),
      row.createdAt,
    )
  }

  async get(id: string): Promise<FailoverRow | undefined> {
    const row = await this.db.get(`${joined} WHERE f.id = ?`, id)
    return row && failoverRow(row)
  }

  /** The latest first, those with a number below `before`. */
  async list(limit: number, before = Number.MAX_SAFE_INTEGER): Promise<FailoverRow[]> {
    return (
      await this.db.all(`${joined} WHERE f.number < ? ORDER BY f.number DESC LIMIT ?`, before, limit)
    ).map(failoverRow)
  }

  /** Those that have not ended, oldest first. */
  async underway(): Promise<FailoverRow[]> {
    return (await this.db.all(`${joined} WHERE f.state IN ('running', 'undoing') ORDER BY f.number`)).map(
      failoverRow,
    )
  }

  async underwayOf(cluster: string): Promise<FailoverRow | undefined> {
    const row = await this.db.get(
      `${joined} WHERE f.cluster = ? AND f.state IN ('running', 'undoing')`,
      cluster,
    )
    return row && failoverRow(row)
  }

  /** The last one that gave a cluster up, of any cluster or of this one. */
  async lastSwitched(cluster?: string): Promise<FailoverRow | undefined> {
    const ofCluster = cluster === undefined ? '' : ' AND f.cluster = ?'
    const row = await this.db.get(
      `${joined} WHERE f.kind = 'failover' AND f.switched_at IS NOT NULL${ofCluster} ORDER BY f.number DESC LIMIT 1`,
      ...(cluster === undefined ? [] : [cluster]),
    )
    return row && failoverRow(row)
  }

  /** The last failover or return of the cluster, however it ended. */
  async lastOf(cluster: string): Promise<FailoverRow | undefined> {
    const row = await this.db.get(`${joined} WHERE f.cluster = ? ORDER BY f.number DESC LIMIT 1`, cluster)
    return row && failoverRow(row)
  }

  /** By kind, by whom (`automatic` or not) and state. For metrics. */
  async counts(): Promise<{ kind: string; automatic: boolean; state: string; count: number }[]> {
    const rows = await this.db.all(
      `SELECT kind, CASE requested_by WHEN 'automatic' THEN 1 ELSE 0 END AS automatic, state, count(*) AS n
       FROM failover GROUP BY kind, CASE requested_by WHEN 'automatic' THEN 1 ELSE 0 END, state`,
    )
    return rows.map((row) => ({
      kind: String(row.kind),
      automatic: row.automatic === 1,
      state: String(row.state),
      count: Number(row.n),
    }))
  }

  async setState(id: string, state: FailoverState, endedAt: number | null = null): Promise<void> {
    await this.update(id, 'state = ?, ended_at = ?', state, endedAt)
  }

  async setError(id: string, error: { code: string; detail: string }): Promise<void> {
    await this.update(id, 'error_code = ?, error_detail = ?', error.code, error.detail)
  }

  async setHomes(id: string, homes: readonly FailoverHome[]): Promise<void> {
    await this.update(id, 'homes = ?', JSON.stringify(homes))
  }

  async setFenceMs(id: string, fenceMs: number): Promise<void> {
    await this.update(id, 'fence_ms = ?', fenceMs)
  }

  async setSwitched(
    id: string,
    switched: { switchMs: number; at: number; routeVersion: number },
  ): Promise<void> {
    await this.update(
      id,
      'switch_ms = ?, switched_at = ?, route_version = ?',
      switched.switchMs,
      switched.at,
      switched.routeVersion,
    )
  }

  // ---- topics

  /** All of them, once. */
  async addTopics(id: string, topics: readonly NewFailoverTopic[]): Promise<void> {
    for (const [i, row] of topics.entries()) {
      await this.db.run(
        `INSERT INTO failover_topic (failover, number, topic_id, tenant, topic, policy, from_cluster, from_topic,
           to_cluster, to_topic, reason, known_ends, known_at, base, positions)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
        id,
        i + 1,
        row.topicId,
        row.tenant,
        row.topic,
        row.policy,
        row.from.cluster,
        row.from.topic,
        row.to?.cluster ?? null,
        row.to?.topic ?? null,
        row.reason,
        offsetsText(row.knownEnds),
        row.knownAt,
        row.base === null ? null : String(row.base),
        row.positions === null
          ? null
          : JSON.stringify(row.positions.map((offset) => (offset === null ? null : String(offset)))),
      )
    }
    await this.update(id, 'id = id')
  }

  /** The standbys that its topics have gone on at are no standbys any more, and none is chosen yet. */
  async useStandbys(id: string): Promise<void> {
    const moved = 'SELECT topic_id FROM failover_topic WHERE failover = ? AND to_cluster IS NOT NULL'
    await this.db.run(`DELETE FROM standby_topic WHERE topic_id IN (${moved})`, id)
    await this.db.run(`UPDATE topic SET standby = NULL WHERE id IN (${moved})`, id)
  }

  /** By number, those after `after`. */
  async topics(id: string, limit = Number.MAX_SAFE_INTEGER, after = 0): Promise<FailoverTopicRow[]> {
    return (
      await this.db.all(
        'SELECT * FROM failover_topic WHERE failover = ? AND number > ? ORDER BY number LIMIT ?',
        id,
        after,
        limit,
      )
    ).map(failoverTopicRow)
  }

  async topicCounts(id: string): Promise<{ topics: number; moved: number }> {
    const row = await this.db.get(
      'SELECT count(*) AS topics, count(to_cluster) AS moved FROM failover_topic WHERE failover = ?',
      id,
    )
    return { topics: Number(row?.topics), moved: Number(row?.moved) }
  }

  /** What was known of a loglet when it was given up: of the failover that took the topic from it. */
  async ofLoglet(topicId: string, { cluster, topic }: PhysicalTopic): Promise<FailoverTopicRow | undefined> {
    const row = await this.db.get(
      `SELECT t.* FROM failover_topic t JOIN failover f ON f.id = t.failover
       WHERE t.topic_id = ? AND t.from_cluster = ? AND t.from_topic = ? AND f.kind = 'failover'
         AND f.switched_at IS NOT NULL AND t.to_cluster IS NOT NULL
       ORDER BY f.number DESC LIMIT 1`,
      topicId,
      cluster,
      topic,
    )
    return row && failoverTopicRow(row)
  }

  async setEnds(id: string, number: number, ends: readonly bigint[]): Promise<void> {
    await this.db.run(
      'UPDATE failover_topic SET ends = ? WHERE failover = ? AND number = ?',
      offsetsText(ends),
      id,
      number,
    )
    await this.update(id, 'id = id')
  }

  async setRecovery(id: string, number: number, recovery: Recovery): Promise<void> {
    await this.db.run(
      'UPDATE failover_topic SET recovery = ? WHERE failover = ? AND number = ?',
      JSON.stringify(recovery),
      id,
      number,
    )
    await this.update(id, 'id = id')
  }

  async setFound(id: string, number: number, found: FoundLoglet, recovery: Recovery): Promise<void> {
    await this.db.run(
      'UPDATE failover_topic SET found = ? WHERE failover = ? AND number = ?',
      JSON.stringify({ ...found, cuts: found.cuts.map(String) }),
      id,
      number,
    )
    await this.setRecovery(id, number, recovery)
  }

  async addCopied(id: string, number: number, records: number): Promise<void> {
    const row = await this.db.get(
      'SELECT recovery FROM failover_topic WHERE failover = ? AND number = ?',
      id,
      number,
    )
    if (row === undefined || row.recovery === null) return
    const recovery = JSON.parse(String(row.recovery)) as Recovery
    await this.setRecovery(id, number, { ...recovery, copied: recovery.copied + records })
  }

  /** The last return in which it was sealed; undefined when it was never lost, or has not returned. */
  async returnOf(topicId: string, { cluster, topic }: PhysicalTopic): Promise<ReturnedLoglet | undefined> {
    const row = await this.db.get(
      `SELECT t.failover, t.number, t.ends FROM failover_topic t JOIN failover f ON f.id = t.failover
       WHERE t.topic_id = ? AND t.from_cluster = ? AND t.from_topic = ? AND f.kind = 'return' AND t.ends IS NOT NULL
       ORDER BY f.number DESC LIMIT 1`,
      topicId,
      cluster,
      topic,
    )
    return row && { failover: String(row.failover), number: Number(row.number), ends: offsetsOf(row.ends)! }
  }

  async setReason(id: string, number: number, reason: string): Promise<void> {
    await this.db.run(
      'UPDATE failover_topic SET reason = ? WHERE failover = ? AND number = ?',
      reason,
      id,
      number,
    )
    await this.update(id, 'id = id')
  }

  // ---- settings

  async settings(): Promise<FailoverSettings> {
    const row = await this.db.get('SELECT settings FROM failover_settings')
    const kept = JSON.parse(String(row?.settings ?? '{}')) as Partial<FailoverSettings>
    return { ...defaultFailoverSettings, ...kept }
  }

  async putSettings(settings: FailoverSettings): Promise<void> {
    await this.db.run(
      `INSERT INTO failover_settings (one, settings) VALUES (1, ?)
       ON CONFLICT (one) DO UPDATE SET settings = excluded.settings`,
      JSON.stringify(settings),
    )
  }

  // ---- what monitors found

  /** How many of them were new. Only the latest are kept. */
  async addEvents(monitor: string, events: readonly MonitorEvent[]): Promise<number> {
    let added = 0
    for (const event of events) {
      added += await this.db.run(
        `INSERT INTO monitor_event (number, monitor, id, event)
         VALUES ((SELECT coalesce(max(number), 0) + 1 FROM monitor_event), ?, ?, ?) ON CONFLICT DO NOTHING`,
        monitor,
        event.id,
        JSON.stringify(event),
      )
    }
    if (added > 0) {
      await this.db.run(
        'DELETE FROM monitor_event WHERE number <= (SELECT max(number) FROM monitor_event) - ?',
        eventsMax,
      )
    }
    return added
  }

  /** The latest first, those with a number below `before`. */
  async events(
    limit: number,
    before = Number.MAX_SAFE_INTEGER,
  ): Promise<(MonitorEventSeen & { readonly number: number })[]> {
    const rows = await this.db.all(
      'SELECT * FROM monitor_event WHERE number < ? ORDER BY number DESC LIMIT ?',
      before,
      limit,
    )
    return rows.map((row) => ({
      ...(JSON.parse(String(row.event)) as MonitorEvent),
      monitor: String(row.monitor),
      number: Number(row.number),
    }))
  }

  private update(id: string, assignments: string, ...values: Value[]): Promise<void> {
    return updateRevised(this.db, 'failover', id, assignments, ...values)
  }
}

const offsetsText = (offsets: readonly bigint[] | null): string | null =>
  offsets === null ? null : JSON.stringify(offsets.map(String))

function offsetsOf(text: unknown): bigint[] | null {
  return text === null ? null : (JSON.parse(String(text)) as string[]).map(BigInt)
}

function failoverRow(row: Row): FailoverRow {
  return {
    id: String(row.id),
    kind: row.kind as FailoverKind,
    cluster: String(row.cluster),
    by: String(row.requested_by),
    reason: String(row.reason),
    votes: JSON.parse(String(row.votes)) as ClusterVote[],
    options: JSON.parse(String(row.options)),
    state: row.state as FailoverState,
    step: String(row.saga_step ?? 'CHECK'),
    homes: JSON.parse(String(row.homes)) as FailoverHome[],
    fenceMs: numberOrNull(row.fence_ms),
    switchMs: numberOrNull(row.switch_ms),
    switchedAt: numberOrNull(row.switched_at),
    routeVersion: numberOrNull(row.route_version),
    error:
      row.error_code === null ? null : { code: String(row.error_code), detail: String(row.error_detail) },
    createdAt: Number(row.created_at),
    endedAt: numberOrNull(row.ended_at),
    revision: Number(row.revision) + Number(row.saga_revision ?? 0),
    number: Number(row.number),
  }
}

function foundOf(text: unknown): FoundLoglet | null {
  if (text === null) return null
  const found = JSON.parse(String(text)) as Omit<FoundLoglet, 'cuts'> & { readonly cuts: readonly string[] }
  return { ...found, cuts: found.cuts.map(BigInt) }
}

function failoverTopicRow(row: Row): FailoverTopicRow {
  const positions = row.positions === null ? null : (JSON.parse(String(row.positions)) as (string | null)[])
  return {
    number: Number(row.number),
    topicId: String(row.topic_id),
    tenant: String(row.tenant),
    topic: String(row.topic),
    policy: row.policy as FailoverPolicy,
    from: { cluster: String(row.from_cluster), topic: String(row.from_topic) },
    to: row.to_cluster === null ? null : { cluster: String(row.to_cluster), topic: String(row.to_topic) },
    reason: String(row.reason),
    knownEnds: offsetsOf(row.known_ends),
    knownAt: numberOrNull(row.known_at),
    base: row.base === null ? null : BigInt(String(row.base)),
    positions: positions?.map((offset) => (offset === null ? null : BigInt(offset))) ?? null,
    ends: offsetsOf(row.ends),
    recovery: row.recovery === null ? null : (JSON.parse(String(row.recovery)) as Recovery),
    found: foundOf(row.found),
  }
}
