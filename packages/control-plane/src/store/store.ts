import { randomUUID } from 'node:crypto'
import {
  type AccessPointRoute,
  type LogletColumnsJson,
  RouteTable,
  type TopicRoute,
  type TopicRouteJson,
} from '@braid/routing-model'
import { Database, type Row } from './database.ts'
import { MigrationQueries } from './migration-queries.ts'
import type { AccessPointRow, ClusterRow, LeftoverRow } from './rows.ts'

/** All queries of the control plane. Those of migrations stand in their own file. */
export class Store {
  readonly migrations: MigrationQueries
  /** Made with the store: no two stores have the same. */
  readonly id: string
  private readonly db: Database

  constructor(file: string) {
    this.db = new Database(file)
    this.migrations = new MigrationQueries(this.db)
    this.db.run('INSERT OR IGNORE INTO store VALUES (1, ?, 0, 0, 0)', randomUUID())
    this.id = String(this.db.get('SELECT id FROM store')?.id)
  }

  transaction<T>(work: () => T): T {
    return this.db.transaction(work)
  }

  afterCommit(announce: () => void): void {
    this.db.afterCommit(announce)
  }

  close(): void {
    this.db.close()
  }

  get routeVersion(): number {
    return Number(this.db.get('SELECT route_version FROM store')?.route_version)
  }

  setRouteVersion(version: number): void {
    this.db.run('UPDATE store SET route_version = ?', version)
  }

  /** Everything that access points are told. */
  routes(): RouteTable {
    return RouteTable.fromJSON({
      version: this.routeVersion,
      clusters: this.clusters().map(({ name, number, bootstrap }) => ({ name, number, bootstrap })),
      tenants: this.tenants(),
      accessPoints: this.accessPoints()
        .filter((row) => row.present)
        .map(
          ({ id, number, bootstrap, listeners }): AccessPointRoute => ({ id, number, bootstrap, listeners }),
        ),
      topics: this.topicRoutes(),
    })
  }

  // ---- clusters and tenants

  clusters(): ClusterRow[] {
    return this.db.all('SELECT * FROM cluster ORDER BY number').map(clusterRow)
  }

  cluster(name: string): ClusterRow | undefined {
    const row = this.db.get('SELECT * FROM cluster WHERE name = ?', name)
    return row && clusterRow(row)
  }

  clusterWithId(clusterId: string): ClusterRow | undefined {
    const row = this.db.get('SELECT * FROM cluster WHERE cluster_id = ?', clusterId)
    return row && clusterRow(row)
  }

  nextClusterNumber(): number {
    return Number(
      this.db.get(
        'UPDATE store SET last_cluster_number = last_cluster_number + 1 RETURNING last_cluster_number AS n',
      )?.n,
    )
  }

  addCluster(row: ClusterRow): void {
    this.db.run(
      'INSERT INTO cluster VALUES (?, ?, ?, ?, ?, ?)',
      row.name,
      row.number,
      JSON.stringify(row.bootstrap),
      row.clusterId,
      row.partitionsMax,
      row.registeredAt,
    )
  }

  removeCluster(name: string): void {
    this.db.run('DELETE FROM leftover WHERE cluster = ?', name)
    this.db.run('DELETE FROM cluster WHERE name = ?', name)
  }

  tenants(): { name: string; home: string }[] {
    return this.db
      .all('SELECT name, home FROM tenant ORDER BY name')
      .map((row) => ({ name: String(row.name), home: String(row.home) }))
  }

  addTenant(name: string, home: string): void {
    this.db.run('INSERT INTO tenant VALUES (?, ?)', name, home)
  }

  removeTenant(name: string): void {
    this.db.run('DELETE FROM tenant WHERE name = ?', name)
  }

  // ---- topics and their chains

  topicRoutes(): TopicRouteJson[] {
    const loglets = new Map<string, LogletColumnsJson[]>()
    for (const row of this.db.all('SELECT * FROM loglet ORDER BY topic_id, position')) {
      const id = String(row.topic_id)
      const chain = loglets.get(id)
      if (chain === undefined) loglets.set(id, [logletColumns(row)])
      else chain.push(logletColumns(row))
    }
    return this.db.all('SELECT * FROM topic ORDER BY tenant, name').map((row) => ({
      tenant: String(row.tenant),
      name: String(row.name),
      id: String(row.id),
      partitions: Number(row.partitions),
      maxMessageBytes: Number(row.max_message_bytes),
      homeTopic: String(row.home_topic),
      ...(row.prepared_cluster !== null && {
        prepared: { cluster: String(row.prepared_cluster), topic: String(row.prepared_topic) },
      }),
      loglets: loglets.get(String(row.id)) ?? [],
    }))
  }

  topicCreatedAt(id: string): number {
    return Number(this.db.get('SELECT created_at FROM topic WHERE id = ?', id)?.created_at)
  }

  addTopic(route: TopicRoute, createdAt: number): void {
    const { id, tenant, name, partitions, maxMessageBytes, homeTopic } = route
    this.db.run(
      'INSERT INTO topic VALUES (?, ?, ?, ?, ?, ?, NULL, NULL, ?)',
      id,
      tenant,
      name,
      partitions,
      maxMessageBytes,
      homeTopic,
      createdAt,
    )
    const json = route.toJSON()
    for (const [position, loglet] of json.loglets.entries()) this.addLoglet(id, position, loglet)
  }

  setPrepared(route: TopicRoute): void {
    const { cluster = null, topic = null } = route.prepared ?? {}
    this.db.run(
      'UPDATE topic SET prepared_cluster = ?, prepared_topic = ? WHERE id = ?',
      cluster,
      topic,
      route.id,
    )
  }

  /** The SWITCH: the last loglet but one of the route gets its cuts, the last is new. */
  appendLoglet(route: TopicRoute): void {
    const [sealed, open] = route.toJSON().loglets.slice(-2)
    const position = Number(
      this.db.get('SELECT max(position) AS last FROM loglet WHERE topic_id = ?', route.id)?.last,
    )
    const cuts = JSON.stringify(sealed!.end)
    const changed = this.db.run(
      'UPDATE loglet SET ends = ? WHERE topic_id = ? AND position = ? AND ends IS NULL AND cluster = ? AND topic = ?',
      cuts,
      route.id,
      position,
      sealed!.cluster,
      sealed!.topic,
    )
    if (changed !== 1)
      throw new Error(`topic ${route.name}: the active loglet in the store is not ${sealed!.topic}`)
    this.addLoglet(route.id, position + 1, open!)
    this.setPrepared(route)
  }

  removeFirstLoglet(topicId: string): void {
    this.db.run(
      'DELETE FROM loglet WHERE topic_id = ?1 AND position = (SELECT min(position) FROM loglet WHERE topic_id = ?1)',
      topicId,
    )
  }

  removeTopic(id: string): void {
    this.db.run('DELETE FROM loglet WHERE topic_id = ?', id)
    this.db.run('DELETE FROM topic WHERE id = ?', id)
  }

  private addLoglet(topicId: string, position: number, loglet: LogletColumnsJson): void {
    this.db.run(
      'INSERT INTO loglet VALUES (?, ?, ?, ?, ?, ?, ?)',
      topicId,
      position,
      loglet.cluster,
      loglet.topic,
      JSON.stringify(loglet.start),
      JSON.stringify(loglet.base),
      loglet.end === undefined ? null : JSON.stringify(loglet.end),
    )
  }

  // ---- physical topics that no route names

  leftovers(): LeftoverRow[] {
    return this.db.all('SELECT * FROM leftover ORDER BY recorded_at').map((row) => ({
      cluster: String(row.cluster),
      topic: String(row.topic),
      recordedAt: Number(row.recorded_at),
    }))
  }

  addLeftover(cluster: string, topic: string, recordedAt: number): void {
    this.db.run('INSERT OR IGNORE INTO leftover VALUES (?, ?, ?)', cluster, topic, recordedAt)
  }

  removeLeftover(cluster: string, topic: string): void {
    this.db.run('DELETE FROM leftover WHERE cluster = ? AND topic = ?', cluster, topic)
  }

  // ---- access points

  accessPoints(): AccessPointRow[] {
    return this.db.all('SELECT * FROM access_point ORDER BY number').map((row) => ({
      id: String(row.id),
      number: Number(row.number),
      bootstrap: String(row.bootstrap),
      listeners: JSON.parse(String(row.listeners)) as Record<string, string>,
      present: row.present === 1,
    }))
  }

  accessPointNumber(id: string): number | undefined {
    const row = this.db.get('SELECT number FROM access_point WHERE id = ?', id)
    return row && Number(row.number)
  }

  nextAccessPointNumber(): number {
    return Number(
      this.db.get(
        'UPDATE store SET last_access_point_number = last_access_point_number + 1 RETURNING last_access_point_number AS n',
      )?.n,
    )
  }

  putAccessPoint({ id, number, bootstrap, listeners }: AccessPointRoute): void {
    this.db.run(
      `INSERT INTO access_point VALUES (?, ?, ?, ?, 1)
       ON CONFLICT (id) DO UPDATE SET bootstrap = excluded.bootstrap, listeners = excluded.listeners, present = 1`,
      id,
      number,
      bootstrap,
      JSON.stringify(listeners),
    )
  }

  /** Its number stays its own. */
  dismissAccessPoint(id: string): void {
    this.db.run('UPDATE access_point SET present = 0 WHERE id = ?', id)
  }
}

function clusterRow(row: Row): ClusterRow {
  return {
    name: String(row.name),
    number: Number(row.number),
    bootstrap: JSON.parse(String(row.bootstrap)) as string[],
    clusterId: String(row.cluster_id),
    partitionsMax: row.partitions_max === null ? null : Number(row.partitions_max),
    registeredAt: Number(row.registered_at),
  }
}

function logletColumns(row: Row): LogletColumnsJson {
  const column = (text: unknown) => JSON.parse(String(text)) as string | string[]
  return {
    cluster: String(row.cluster),
    topic: String(row.topic),
    start: column(row.starts),
    base: column(row.bases),
    ...(row.ends !== null && { end: column(row.ends) }),
  }
}
