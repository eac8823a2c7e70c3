import type { Database, Row } from './database.ts'

/** What a topic should be, beside its route, which says where it is. */
export interface TopicSpecRow {
  readonly id: string
  readonly tenant: string
  readonly name: string
  /** As many as there are, but while more were asked for. */
  readonly partitions: number
  readonly sla: string | null
  /** The cluster that placement keeps it on. */
  readonly pinnedTo: string | null
  /** As asked for. */
  readonly replicationFactor: number | null
  /** As its physical topic was made. */
  readonly replicas: number
  readonly configs: Readonly<Record<string, string>>
  readonly expected: { readonly bytesInPerSecond: number; readonly readers: number }
  readonly owner: string | null
  readonly contact: string | null
  readonly standby: string | null
  /** Null when placement was not asked. */
  readonly placementReasons: readonly string[] | null
  /** Between what it should be and what is, as it was last seen. */
  readonly drift: readonly string[]
  readonly createdAt: number
}

/** What can be asked for again. */
export type TopicWishes = Pick<
  TopicSpecRow,
  'partitions' | 'sla' | 'pinnedTo' | 'replicationFactor' | 'configs' | 'expected' | 'owner' | 'contact'
>

/** What placement counts on a cluster. */
export interface LoadRow {
  readonly topics: number
  readonly partitions: number
  readonly bytesInPerSecond: number
  readonly bytesOutPerSecond: number
}

export class TopicQueries {
  private readonly db: Database

  constructor(db: Database) {
    this.db = db
  }

  /** Of one tenant, by name, those after `after`. */
  async list(tenant: string, limit: number, after = ''): Promise<TopicSpecRow[]> {
    const rows = await this.db.all(
      'SELECT * FROM topic WHERE tenant = ? AND name > ? ORDER BY name LIMIT ?',
      tenant,
      after,
      limit,
    )
    return rows.map(topicSpecRow)
  }

  /** Of all tenants. */
  async all(): Promise<TopicSpecRow[]> {
    return (await this.db.all('SELECT * FROM topic ORDER BY tenant, name')).map(topicSpecRow)
  }

  async get(id: string): Promise<TopicSpecRow | undefined> {
    const row = await this.db.get('SELECT * FROM topic WHERE id = ?', id)
    return row && topicSpecRow(row)
  }

  async setWishes(id: string, wishes: TopicWishes): Promise<void> {
    await this.db.run(
      `UPDATE topic SET wanted_partitions = ?, sla = ?, pinned_to = ?, replication_factor = ?, configs = ?,
         expected_bytes_in = ?, expected_readers = ?, owner = ?, contact = ? WHERE id = ?`,
      wishes.partitions,
      wishes.sla,
      wishes.pinnedTo,
      wishes.replicationFactor,
      JSON.stringify(wishes.configs),
      wishes.expected.bytesInPerSecond,
      wishes.expected.readers,
      wishes.owner,
      wishes.contact,
      id,
    )
  }

  /** Where it was placed, and how its physical topic was made. */
  async setPlaced(
    id: string,
    placed: Pick<TopicSpecRow, 'replicas' | 'standby' | 'placementReasons'>,
  ): Promise<void> {
    await this.db.run(
      'UPDATE topic SET replicas = ?, standby = ?, placement_reasons = ? WHERE id = ?',
      placed.replicas,
      placed.standby,
      placed.placementReasons === null ? null : JSON.stringify(placed.placementReasons),
      id,
    )
  }

  async setStandby(id: string, standby: string | null): Promise<void> {
    await this.db.run('UPDATE topic SET standby = ? WHERE id = ?', standby, id)
  }

  async setDrift(id: string, drift: readonly string[]): Promise<void> {
    await this.db.run('UPDATE topic SET drift = ? WHERE id = ?', JSON.stringify(drift), id)
  }

  /** Topics that are pinned to the cluster or have it as standby, by tenant and name. */
  async naming(cluster: string): Promise<{ tenant: string; name: string }[]> {
    const rows = await this.db.all(
      'SELECT tenant, name FROM topic WHERE pinned_to = ? OR standby = ? ORDER BY tenant, name',
      cluster,
      cluster,
    )
    return rows.map((row) => ({ tenant: String(row.tenant), name: String(row.name) }))
  }

  /** By cluster, of the topics whose active loglet is there. */
  async loads(): Promise<Map<string, LoadRow>> {
    const rows = await this.db.all(
      `SELECT loglet.cluster AS cluster, count(*) AS topics, sum(topic.partitions) AS partitions,
         sum(topic.expected_bytes_in) AS bytes_in,
         sum(topic.expected_bytes_in * (topic.expected_readers + topic.replicas - 1)) AS bytes_out
       FROM loglet JOIN topic ON topic.id = loglet.topic_id WHERE loglet.ends IS NULL AND loglet.away IS NULL GROUP BY loglet.cluster`,
    )
    return new Map(
      rows.map((row) => [
        String(row.cluster),
        {
          topics: Number(row.topics),
          partitions: Number(row.partitions),
          bytesInPerSecond: Number(row.bytes_in),
          bytesOutPerSecond: Number(row.bytes_out),
        },
      ]),
    )
  }
}

function topicSpecRow(row: Row): TopicSpecRow {
  const text = (value: unknown) => (value === null ? null : String(value))
  return {
    id: String(row.id),
    tenant: String(row.tenant),
    name: String(row.name),
    partitions: Number(row.wanted_partitions ?? row.partitions),
    sla: text(row.sla),
    pinnedTo: text(row.pinned_to),
    replicationFactor: row.replication_factor === null ? null : Number(row.replication_factor),
    replicas: Number(row.replicas),
    configs: JSON.parse(String(row.configs)) as Record<string, string>,
    expected: { bytesInPerSecond: Number(row.expected_bytes_in), readers: Number(row.expected_readers) },
    owner: text(row.owner),
    contact: text(row.contact),
    standby: text(row.standby),
    placementReasons:
      row.placement_reasons === null ? null : (JSON.parse(String(row.placement_reasons)) as string[]),
    drift: JSON.parse(String(row.drift)) as string[],
    createdAt: Number(row.created_at),
  }
}
