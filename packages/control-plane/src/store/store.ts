import { randomUUID } from 'node:crypto'
import {
  type AccessPointRoute,
  type ClusterRoute,
  type ClusterSecurity,
  type FailoverPolicy,
  type HolesJson,
  type LogletAway,
  type LogletColumnsJson,
  RouteTable,
  type TenantRoute,
  type TopicRoute,
  type TopicRouteJson,
} from '@braid/routing-model'
import type { DeltaText } from '../routes/published-routes.ts'
import { AuditQueries } from './audit-queries.ts'
import { numberOrNull } from './columns.ts'
import type { Database, Row } from './database.ts'
import { FailoverQueries } from './failover-queries.ts'
import { IdempotencyQueries } from './idempotency-queries.ts'
import { MigrationQueries } from './migration-queries.ts'
import { OperationQueries } from './operation-queries.ts'
import { ReconcileQueries } from './reconcile-queries.ts'
import { RequestQueries } from './request-queries.ts'
import type { AccessPointRow, ClusterRow, LeaderRow, LeftoverRow } from './rows.ts'
import { SagaQueries } from './saga-queries.ts'
import { SlaQueries } from './sla-queries.ts'
import { TenantQueries } from './tenant-queries.ts'
import { TokenQueries } from './token-queries.ts'
import { TopicQueries } from './topic-queries.ts'

/** More than anybody keeps. */
const deltasMax = 10_000

/** All queries of the control plane. Those of one resource stand in a file of their own. */
export class Store {
  readonly sagas: SagaQueries
  readonly migrations: MigrationQueries
  readonly operations: OperationQueries
  readonly requests: RequestQueries
  readonly slas: SlaQueries
  readonly tenantSpecs: TenantQueries
  readonly topicSpecs: TopicQueries
  readonly reconcile: ReconcileQueries
  readonly failovers: FailoverQueries
  readonly tokens: TokenQueries
  readonly audit: AuditQueries
  readonly idempotency: IdempotencyQueries
  /** Made with the store: no two stores have the same. */
  readonly id: string
  private readonly db: Database

  private constructor(db: Database, id: string) {
    this.db = db
    this.id = id
    this.sagas = new SagaQueries(db)
    this.migrations = new MigrationQueries(db)
    this.operations = new OperationQueries(db)
    this.requests = new RequestQueries(db)
    this.slas = new SlaQueries(db)
    this.tenantSpecs = new TenantQueries(db)
    this.topicSpecs = new TopicQueries(db)
    this.reconcile = new ReconcileQueries(db)
    this.failovers = new FailoverQueries(db)
    this.tokens = new TokenQueries(db)
    this.audit = new AuditQueries(db)
    this.idempotency = new IdempotencyQueries(db)
  }

  /** On a database whose schema is there. */
  static async open(db: Database): Promise<Store> {
    await db.run(
      `INSERT INTO store (one, id, route_version, last_cluster_number, last_access_point_number)
       VALUES (1, ?, 0, 0, 0) ON CONFLICT DO NOTHING`,
      randomUUID(),
    )
    return new Store(db, String((await db.get('SELECT id FROM store'))?.id))
  }

  /** Of a database that somebody else writes; undefined as long as nobody has. */
  static async openToRead(db: Database): Promise<Store | undefined> {
    const row = await db.get('SELECT id FROM store')
    return row && new Store(db, String(row.id))
  }

  /** Rejects for PostgreSQL, and when the file is there already. */
  backup(file: string): Promise<void> {
    return this.db.backup(file)
  }

  /** See Database.transaction: one at a time, all or nothing. What is checked in it still holds when it writes. */
  transaction<T>(work: () => Promise<T>): Promise<T> {
    return this.db.transaction(work)
  }

  get currentTransaction(): object | undefined {
    return this.db.current
  }

  afterCommit(announce: () => void): void {
    this.db.afterCommit(announce)
  }

  close(): Promise<void> {
    return this.db.close()
  }

  async routeVersion(): Promise<number> {
    return Number((await this.db.get('SELECT route_version FROM store'))?.route_version)
  }

  /** To the delta's version, from the one before; fails when another has changed the routes. */
  async raiseRouteVersion({ version, json }: DeltaText, oldestKept: number): Promise<void> {
    const raised = await this.db.run(
      'UPDATE store SET route_version = ? WHERE route_version = ?',
      version,
      version - 1,
    )
    if (raised !== 1) {
      throw new Error(
        `the routes in the store are not at version ${version - 1}: another control plane has changed them`,
      )
    }
    await this.db.run('INSERT INTO route_delta (version, delta) VALUES (?, ?)', version, json)
    await this.db.run('DELETE FROM route_delta WHERE version < ?', oldestKept)
    await this.db.notify()
  }

  /** Those that lead from `version` on, in order; the last of them where there are very many. */
  async deltasAfter(version: number): Promise<DeltaText[]> {
    const rows = await this.db.all(
      'SELECT version, delta FROM route_delta WHERE version > ? ORDER BY version DESC LIMIT ?',
      version,
      deltasMax,
    )
    return rows.reverse().map((row) => ({ version: Number(row.version), json: String(row.delta) }))
  }

  /** Everything that access points are told. */
  routes(): Promise<RouteTable> {
    return this.db.transaction(async () =>
      RouteTable.fromJSON({
        version: await this.routeVersion(),
        clusters: (await this.clusters()).map(clusterRoute),
        tenants: await this.tenants(),
        accessPoints: (await this.accessPoints())
          .filter((row) => row.present)
          .map(
            ({ id, number, bootstrap, listeners }): AccessPointRoute => ({
              id,
              number,
              bootstrap,
              listeners,
            }),
          ),
        topics: await this.topicRoutes(),
      }),
    )
  }

  // ---- clusters and tenants

  async clusters(): Promise<ClusterRow[]> {
    return (await this.db.all('SELECT * FROM cluster ORDER BY number')).map(clusterRow)
  }

  async cluster(name: string): Promise<ClusterRow | undefined> {
    const row = await this.db.get('SELECT * FROM cluster WHERE name = ?', name)
    return row && clusterRow(row)
  }

  async clusterWithId(clusterId: string): Promise<ClusterRow | undefined> {
    const row = await this.db.get('SELECT * FROM cluster WHERE cluster_id = ?', clusterId)
    return row && clusterRow(row)
  }

  async nextClusterNumber(): Promise<number> {
    return Number(
      (
        await this.db.get(
          'UPDATE store SET last_cluster_number = last_cluster_number + 1 RETURNING last_cluster_number AS n',
        )
      )?.n,
    )
  }

  async addCluster(row: ClusterRow): Promise<void> {
    await this.db.run(
      'INSERT INTO cluster (name, number, bootstrap, cluster_id, registered_at) VALUES (?, ?, ?, ?, ?)',
      row.name,
      row.number,
      JSON.stringify(row.bootstrap),
      row.clusterId,
      row.registeredAt,
    )
    await this.updateCluster(row)
  }

  /** All of it that can change. */
  async updateCluster(row: ClusterRow): Promise<void> {
    await this.db.run(
      `UPDATE cluster SET bootstrap = ?, partitions_max = ?, bytes_in_max = ?, bytes_out_max = ?, tier = ?,
         dedicated_to = ?, labels = ?, state = ?, fenced = ?, security = ? WHERE name = ?`,
      JSON.stringify(row.bootstrap),
      row.partitionsMax,
      row.bytesInMax,
      row.bytesOutMax,
      row.tier,
      row.dedicatedTo,
      JSON.stringify(row.labels),
      row.state,
      row.fenced ? 1 : 0,
      row.security === null ? null : JSON.stringify(row.security),
      row.name,
    )
  }

  async removeCluster(name: string): Promise<void> {
    await this.db.run('DELETE FROM leftover WHERE cluster = ?', name)
    await this.db.run('DELETE FROM cluster WHERE name = ?', name)
  }

  async tenants(): Promise<TenantRoute[]> {
    return (await this.db.all('SELECT name, home, standby_home FROM tenant ORDER BY name')).map((row) => ({
      name: String(row.name),
      home: String(row.home),
      ...(row.standby_home !== null && { standbyHome: String(row.standby_home) }),
    }))
  }

  /** Where its groups are, and where they go on. */
  async setHomes(name: string, home: string, standbyHome: string | null): Promise<void> {
    await this.db.run('UPDATE tenant SET home = ?, standby_home = ? WHERE name = ?', home, standbyHome, name)
  }

  async addTenant(name: string, home: string): Promise<void> {
    await this.db.run('INSERT INTO tenant (name, home) VALUES (?, ?)', name, home)
  }

  async removeTenant(name: string): Promise<void> {
    await this.db.run('DELETE FROM tenant WHERE name = ?', name)
  }

  // ---- topics and their chains

  async topicRoutes(): Promise<TopicRouteJson[]> {
    const loglets = new Map<string, LogletColumnsJson[]>()
    for (const row of await this.db.all('SELECT * FROM loglet ORDER BY topic_id, position')) {
      const id = String(row.topic_id)
      const chain = loglets.get(id)
      if (chain === undefined) loglets.set(id, [logletColumns(row)])
      else chain.push(logletColumns(row))
    }
    return (await this.db.all('SELECT * FROM topic ORDER BY tenant, name')).map((row) => ({
      tenant: String(row.tenant),
      name: String(row.name),
      id: String(row.id),
      partitions: Number(row.partitions),
      maxMessageBytes: Number(row.max_message_bytes),
      homeTopic: String(row.home_topic),
      ...(row.standby_home_topic !== null && { standbyHomeTopic: String(row.standby_home_topic) }),
      ...(row.failover !== 'none' && { failover: row.failover as FailoverPolicy }),
      ...(row.prepared_cluster !== null && {
        prepared: { cluster: String(row.prepared_cluster), topic: String(row.prepared_topic) },
      }),
      loglets: loglets.get(String(row.id)) ?? [],
    }))
  }

  /** 0 when it is gone: whoever shows a list may come late. */
  async topicCreatedAt(id: string): Promise<number> {
    return Number((await this.db.get('SELECT created_at FROM topic WHERE id = ?', id))?.created_at ?? 0)
  }

  async addTopic(route: TopicRoute, createdAt: number): Promise<void> {
    const { id, tenant, name, partitions, maxMessageBytes, homeTopic, standbyHomeTopic, failover } = route
    await this.db.run(
      `INSERT INTO topic (id, tenant, name, partitions, max_message_bytes, home_topic, standby_home_topic, failover,
         created_at)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      id,
      tenant,
      name,
      partitions,
      maxMessageBytes,
      homeTopic,
      standbyHomeTopic ?? null,
      failover,
      createdAt,
    )
    const json = route.toJSON()
    for (const [position, loglet] of json.loglets.entries()) await this.addLoglet(id, position, loglet)
  }

  async setPrepared(route: TopicRoute): Promise<void> {
    const { cluster = null, topic = null } = route.prepared ?? {}
    await this.db.run(
      'UPDATE topic SET prepared_cluster = ?, prepared_topic = ? WHERE id = ?',
      cluster,
      topic,
      route.id,
    )
  }

  /** The SWITCH: the last loglet but one of the route gets its cuts, the last is new. */
  async appendLoglet(route: TopicRoute): Promise<void> {
    const [sealed, open] = route.toJSON().loglets.slice(-2)
    const position = await this.lastPosition(route.id)
    const cuts = JSON.stringify(sealed!.end)
    const changed = await this.db.run(
      'UPDATE loglet SET ends = ? WHERE topic_id = ? AND position = ? AND ends IS NULL AND cluster = ? AND topic = ?',
      cuts,
      route.id,
      position,
      sealed!.cluster,
      sealed!.topic,
    )
    if (changed !== 1)
      throw new Error(`topic ${route.name}: the active loglet in the store is not ${sealed!.topic}`)
    await this.addLoglet(route.id, position + 1, open!)
    await this.setPrepared(route)
  }

  /**
   * A failover: as appendLoglet, but the loglet that is given up gets no cuts, and is away. Loglets that are sealed and
   * away are written by setLoglets.
   */
  async appendAfterLost(route: TopicRoute): Promise<void> {
    const [lost, open] = route.toJSON().loglets.slice(-2)
    const position = await this.lastPosition(route.id)
    const changed = await this.db.run(
      'UPDATE loglet SET away = ? WHERE topic_id = ? AND position = ? AND ends IS NULL AND cluster = ? AND topic = ?',
      JSON.stringify(lost!.away),
      route.id,
      position,
      lost!.cluster,
      lost!.topic,
    )
    if (changed !== 1)
      throw new Error(`topic ${route.name}: the active loglet in the store is not ${lost!.topic}`)
    await this.addLoglet(route.id, position + 1, open!)
    await this.setPrepared(route)
  }

  /** Cuts, holes and whether they are away, of all loglets that the route has; those that it has no more are removed. */
  async setLoglets(route: TopicRoute): Promise<void> {
    const kept = new Set<string>()
    for (const { cluster, topic, end, away, holes } of route.toJSON().loglets) {
      kept.add(JSON.stringify([cluster, topic]))
      const changed = await this.db.run(
        'UPDATE loglet SET ends = ?, away = ?, holes = ? WHERE topic_id = ? AND cluster = ? AND topic = ?',
        end === undefined ? null : JSON.stringify(end),
        away === undefined ? null : JSON.stringify(away),
        holes === undefined ? null : JSON.stringify(holes),
        route.id,
        cluster,
        topic,
      )
      if (changed !== 1)
        throw new Error(`topic ${route.name}: the store has no loglet ${topic} on ${cluster}`)
    }
    for (const row of await this.db.all('SELECT cluster, topic FROM loglet WHERE topic_id = ?', route.id)) {
      if (kept.has(JSON.stringify([row.cluster, row.topic]))) continue
      await this.db.run(
        'DELETE FROM loglet WHERE topic_id = ? AND cluster = ? AND topic = ?',
        route.id,
        String(row.cluster),
        String(row.topic),
      )
    }
  }

  /** The physical topics for commits. */
  async setHomeTopics({ id, homeTopic, standbyHomeTopic }: TopicRoute): Promise<void> {
    await this.db.run(
      'UPDATE topic SET home_topic = ?, standby_home_topic = ? WHERE id = ?',
      homeTopic,
      standbyHomeTopic ?? null,
      id,
    )
  }

  async setFailover({ id, failover }: TopicRoute): Promise<void> {
    await this.db.run('UPDATE topic SET failover = ? WHERE id = ?', failover, id)
  }

  private async lastPosition(topicId: string): Promise<number> {
    const row = await this.db.get('SELECT max(position) AS last FROM loglet WHERE topic_id = ?', topicId)
    return Number(row?.last)
  }

  async removeFirstLoglet(topicId: string): Promise<void> {
    await this.db.run(
      'DELETE FROM loglet WHERE topic_id = ? AND position = (SELECT min(position) FROM loglet WHERE topic_id = ?)',
      topicId,
      topicId,
    )
  }

  async removeTopic(id: string): Promise<void> {
    await this.db.run('DELETE FROM loglet WHERE topic_id = ?', id)
    await this.db.run('DELETE FROM topic WHERE id = ?', id)
  }

  private async addLoglet(topicId: string, position: number, loglet: LogletColumnsJson): Promise<void> {
    await this.db.run(
      `INSERT INTO loglet (topic_id, position, cluster, topic, starts, bases, ends)
       VALUES (?, ?, ?, ?, ?, ?, ?)`,
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

  async leftovers(): Promise<LeftoverRow[]> {
    return (await this.db.all('SELECT * FROM leftover ORDER BY recorded_at')).map((row) => ({
      cluster: String(row.cluster),
      topic: String(row.topic),
      recordedAt: Number(row.recorded_at),
    }))
  }

  async addLeftover(cluster: string, topic: string, recordedAt: number): Promise<void> {
    await this.db.run(
      'INSERT INTO leftover (cluster, topic, recorded_at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING',
      cluster,
      topic,
      recordedAt,
    )
  }

  async leftover(cluster: string, topic: string): Promise<LeftoverRow | undefined> {
    const found = 'SELECT recorded_at FROM leftover WHERE cluster = ? AND topic = ?'
    const row = await this.db.get(found, cluster, topic)
    return row && { cluster, topic, recordedAt: Number(row.recorded_at) }
  }

  async removeLeftover(cluster: string, topic: string): Promise<void> {
    await this.db.run('DELETE FROM leftover WHERE cluster = ? AND topic = ?', cluster, topic)
  }

  // ---- who leads

  async leader(): Promise<LeaderRow | undefined> {
    const row = await this.db.get('SELECT id, url, term, since FROM leader')
    return (
      row && { id: String(row.id), url: String(row.url), term: Number(row.term), since: Number(row.since) }
    )
  }

  /** The number of the term that begins with it. */
  async setLeader(id: string, url: string, since: number): Promise<number> {
    const row = await this.db.get(
      `INSERT INTO leader (one, id, url, term, since) VALUES (1, ?, ?, 1, ?)
       ON CONFLICT (one) DO UPDATE SET
         id = excluded.id, url = excluded.url, term = leader.term + 1, since = excluded.since
       RETURNING term`,
      id,
      url,
      since,
    )
    await this.db.notify()
    return Number(row?.term)
  }

  // ---- access points

  async accessPoints(): Promise<AccessPointRow[]> {
    return (await this.db.all('SELECT * FROM access_point ORDER BY number')).map((row) => ({
      id: String(row.id),
      number: Number(row.number),
      bootstrap: String(row.bootstrap),
      listeners: JSON.parse(String(row.listeners)) as Record<string, string>,
      present: row.present === 1,
    }))
  }

  async accessPointNumber(id: string): Promise<number | undefined> {
    const row = await this.db.get('SELECT number FROM access_point WHERE id = ?', id)
    return row && Number(row.number)
  }

  async nextAccessPointNumber(): Promise<number> {
    return Number(
      (
        await this.db.get(
          'UPDATE store SET last_access_point_number = last_access_point_number + 1 RETURNING last_access_point_number AS n',
        )
      )?.n,
    )
  }

  async putAccessPoint({ id, number, bootstrap, listeners }: AccessPointRoute): Promise<void> {
    await this.db.run(
      `INSERT INTO access_point (id, number, bootstrap, listeners, present) VALUES (?, ?, ?, ?, 1)
       ON CONFLICT (id) DO UPDATE SET bootstrap = excluded.bootstrap, listeners = excluded.listeners, present = 1`,
      id,
      number,
      bootstrap,
      JSON.stringify(listeners),
    )
  }

  /** Its number stays its own. */
  async dismissAccessPoint(id: string): Promise<void> {
    await this.db.run('UPDATE access_point SET present = 0 WHERE id = ?', id)
  }
}

function clusterRow(row: Row): ClusterRow {
  return {
    name: String(row.name),
    number: Number(row.number),
    bootstrap: JSON.parse(String(row.bootstrap)) as string[],
    clusterId: String(row.cluster_id),
    partitionsMax: numberOrNull(row.partitions_max),
    bytesInMax: numberOrNull(row.bytes_in_max),
    bytesOutMax: numberOrNull(row.bytes_out_max),
    tier: row.tier as ClusterRow['tier'],
    dedicatedTo: row.dedicated_to === null ? null : String(row.dedicated_to),
    labels: JSON.parse(String(row.labels)) as Record<string, string>,
    state: row.state as ClusterRow['state'],
    fenced: row.fenced === 1,
    security: row.security === null ? null : (JSON.parse(String(row.security)) as ClusterSecurity),
    registeredAt: Number(row.registered_at),
  }
}

/** What access points need to know of it. */
export function clusterRoute({ name, number, bootstrap, security, fenced }: ClusterRow): ClusterRoute {
  return { name, number, bootstrap, ...(security !== null && { security }), ...(fenced && { fenced }) }
}

function logletColumns(row: Row): LogletColumnsJson {
  const column = (text: unknown) => JSON.parse(String(text)) as string | string[]
  return {
    cluster: String(row.cluster),
    topic: String(row.topic),
    start: column(row.starts),
    base: column(row.bases),
    ...(row.ends !== null && { end: column(row.ends) }),
    ...(row.away !== null && { away: JSON.parse(String(row.away)) as LogletAway }),
    ...(row.holes !== null && { holes: JSON.parse(String(row.holes)) as HolesJson }),
  }
}
