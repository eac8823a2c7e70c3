import { ACCESS_POINT_NUMBER_MAX, type AccessPointRoute } from './access-point.ts'
import { CLUSTER_NUMBER_MAX, type ClusterRoute } from './cluster.ts'
import { CutSlab } from './cut-rows.ts'
import type { RouteDelta } from './delta.ts'
import { RoutingError, type RoutingErrorCode } from './routing-error.ts'
import type { TenantRoute } from './tenant.ts'
import { TopicRoute, type TopicRouteJson } from './topic-route.ts'

/** A whole route table, JSON-safe. */
export interface RouteSnapshot {
  readonly version: number
  readonly clusters: readonly ClusterRoute[]
  readonly tenants: readonly TenantRoute[]
  readonly accessPoints: readonly AccessPointRoute[]
  readonly topics: readonly TopicRouteJson[]
}

type TopicsByName = Map<string, TopicRoute>

/** A whole table comes at once; a change that names fewer topics leaves each with memory of its own. */
const slabTopicsMin = 1_000

/**
 * What is where, at one version. The holder changes by deltas, the routes in it never do: who keeps a
 * TopicRoute keeps what was true at that version.
 */
export class RouteTable {
  version: number
  readonly clusters: ReadonlyMap<string, ClusterRoute>
  readonly tenants: ReadonlyMap<string, TenantRoute>
  readonly accessPoints: ReadonlyMap<string, AccessPointRoute>
  private readonly topicsByTenant: Map<string, TopicsByName>

  private constructor(parts: {
    version: number
    clusters: Map<string, ClusterRoute>
    tenants: Map<string, TenantRoute>
    accessPoints: Map<string, AccessPointRoute>
    topicsByTenant: Map<string, TopicsByName>
  }) {
    this.version = parts.version
    this.clusters = parts.clusters
    this.tenants = parts.tenants
    this.accessPoints = parts.accessPoints
    this.topicsByTenant = parts.topicsByTenant
  }

  static empty(): RouteTable {
    return new RouteTable({
      version: 0,
      clusters: new Map(),
      tenants: new Map(),
      accessPoints: new Map(),
      topicsByTenant: new Map(),
    })
  }

  topic(tenant: string, name: string): TopicRoute | undefined {
    return this.topicsByTenant.get(tenant)?.get(name)
  }

  topics(tenant: string): Iterable<TopicRoute> {
    return this.topicsByTenant.get(tenant)?.values() ?? []
  }

  /** Of all tenants. */
  *allTopics(): Iterable<TopicRoute> {
    for (const topics of this.topicsByTenant.values()) yield* topics.values()
  }

  get topicCount(): number {
    let count = 0
    for (const topics of this.topicsByTenant.values()) count += topics.size
    return count
  }

  /** Another holder of the same routes. */
  copy(): RouteTable {
    return new RouteTable({
      version: this.version,
      clusters: new Map(this.clusters),
      tenants: new Map(this.tenants),
      accessPoints: new Map(this.accessPoints),
      topicsByTenant: new Map([...this.topicsByTenant].map(([tenant, topics]) => [tenant, new Map(topics)])),
    })
  }

  /** Goes to version `delta.to`. A delta that does not fit is refused with nothing changed. */
  apply(delta: RouteDelta): void {
    this.stage(delta)()
  }

  /**
   * Checks the delta as `apply` does; what it returns puts it in force and cannot throw. It has to be called before
   * anything else changes the table, or not at all.
   */
  stage(delta: RouteDelta): () => void {
    if (delta.from !== this.version) {
      throw new RoutingError(
        'WRONG_VERSION',
        `a delta from route version ${delta.from} does not fit a table at ${this.version}: fetch the whole table`,
      )
    }
    if (!Number.isSafeInteger(delta.to) || delta.to <= delta.from) {
      throw new RoutingError(
        'WRONG_VERSION',
        `a delta leads to a later version, not ${delta.from} to ${delta.to}`,
      )
    }
    const putInForce = this.change(delta)
    return () => {
      putInForce()
      this.version = delta.to
    }
  }

  toJSON(): RouteSnapshot {
    return {
      version: this.version,
      clusters: [...this.clusters.values()],
      tenants: [...this.tenants.values()],
      accessPoints: [...this.accessPoints.values()],
      topics: [...this.topicsByTenant.values()].flatMap((topics) =>
        Array.from(topics.values(), (topic) => topic.toJSON()),
      ),
    }
  }

  static fromJSON(snapshot: RouteSnapshot): RouteTable {
    if (!Number.isSafeInteger(snapshot.version) || snapshot.version < 0) {
      throw new RoutingError('WRONG_VERSION', `${snapshot.version} is no route version`)
    }
    const table = RouteTable.empty()
    table.change(snapshot)()
    table.version = snapshot.version
    return table
  }

  /** Everything is checked on staged copies; nothing can throw in what is returned, which writes. */
  private change(changes: Omit<RouteDelta, 'from' | 'to'>): () => void {
    const clusters = staged(
      'cluster',
      'UNKNOWN_CLUSTER',
      this.clusters,
      (c) => c.name,
      changes.clusters,
      changes.removedClusters,
    )
    const tenants = staged(
      'tenant',
      'UNKNOWN_TENANT',
      this.tenants,
      (t) => t.name,
      changes.tenants,
      changes.removedTenants,
    )
    const accessPoints = staged(
      'access point',
      'UNKNOWN_ACCESS_POINT',
      this.accessPoints,
      (a) => a.id,
      changes.accessPoints,
      changes.removedAccessPoints,
    )
    // What stays as it is was right before: a topic's move costs the same beside ten thousand tenants.
    if (clusters !== this.clusters) {
      checkNumbers('cluster', clusters, 1, CLUSTER_NUMBER_MAX)
      for (const { name, bootstrap } of clusters.values()) {
        if (!Array.isArray(bootstrap) || bootstrap.length === 0) {
          throw new RoutingError('BAD_DELTA', `cluster ${name}: needs a bootstrap address, host:port`)
        }
      }
    }
    if (accessPoints !== this.accessPoints) {
      checkNumbers('access point', accessPoints, 0, ACCESS_POINT_NUMBER_MAX)
    }
    if (clusters !== this.clusters || tenants !== this.tenants) {
      for (const { name, home, standbyHome } of tenants.values()) {
        if (!clusters.has(home)) throw unknownCluster(home, `home of tenant ${name}`)
        if (standbyHome !== undefined && !clusters.has(standbyHome))
          throw unknownCluster(standbyHome, `standby home of tenant ${name}`)
      }
    }

    const added = new Map<string, TopicsByName>()
    const slab = (changes.topics?.length ?? 0) >= slabTopicsMin ? new CutSlab() : undefined
    for (const json of changes.topics ?? []) {
      const topic = TopicRoute.fromJSON(json, slab)
      if (!tenants.has(topic.tenant)) {
        throw new RoutingError('UNKNOWN_TENANT', `topic ${topic.name}: no tenant ${topic.tenant}`)
      }
      checkClusters(topic, clusters)
      const topics = added.get(topic.tenant) ?? new Map<string, TopicRoute>()
      if (topics.has(topic.name)) throw duplicate('topic', topic.name)
      added.set(topic.tenant, topics.set(topic.name, topic))
    }
    const gone = new Set<TopicRoute>()
    for (const { tenant, name } of changes.removedTopics ?? []) {
      const topic = this.topic(tenant, name)
      if (topic === undefined) {
        throw new RoutingError('UNKNOWN_TOPIC', `topic ${name} of tenant ${tenant} is not there to remove`)
      }
      if (gone.has(topic) || added.get(tenant)?.has(name)) throw duplicate('topic', name)
      gone.add(topic)
    }
    // Only a removal can leave a topic without its cluster or tenant, and removals are rare.
    if (changes.removedClusters?.length || changes.removedTenants?.length) {
      for (const topics of this.topicsByTenant.values()) {
        for (const topic of topics.values()) {
          if (gone.has(topic) || added.get(topic.tenant)?.has(topic.name)) continue
          checkClusters(topic, clusters)
          if (!tenants.has(topic.tenant)) {
            throw new RoutingError('UNKNOWN_TENANT', `tenant ${topic.tenant} still has topic ${topic.name}`)
          }
        }
      }
    }

    return () => {
      replace(this.clusters as Map<string, ClusterRoute>, clusters)
      replace(this.tenants as Map<string, TenantRoute>, tenants)
      replace(this.accessPoints as Map<string, AccessPointRoute>, accessPoints)
      for (const topic of gone) this.topicsByTenant.get(topic.tenant)?.delete(topic.name)
      for (const [tenant, topics] of added) {
        const all = this.topicsByTenant.get(tenant)
        if (all === undefined) this.topicsByTenant.set(tenant, topics)
        else for (const [name, topic] of topics) all.set(name, topic)
      }
      for (const tenant of changes.removedTenants ?? []) this.topicsByTenant.delete(tenant)
    }
  }
}

/** A copy with the changes in it; `now` itself when there are none. */
function staged<T>(
  what: string,
  unknown: RoutingErrorCode,
  now: ReadonlyMap<string, T>,
  keyOf: (value: T) => string,
  changed: readonly T[] = [],
  removed: readonly string[] = [],
): ReadonlyMap<string, T> {
  if (changed.length === 0 && removed.length === 0) return now
  const next = new Map(now)
  const named = new Set<string>()
  const nameOnce = (key: unknown) => {
    if (typeof key !== 'string' || key === '') throw new RoutingError('BAD_DELTA', `a ${what} without a name`)
    if (named.has(key)) throw duplicate(what, key)
    named.add(key)
    return key
  }
  for (const key of removed) {
    if (!next.delete(nameOnce(key))) throw new RoutingError(unknown, `${what} ${key} is not there to remove`)
  }
  for (const value of changed) next.set(nameOnce(keyOf(value)), value)
  return next
}

function checkNumbers(
  what: string,
  all: ReadonlyMap<string, { readonly number: number }>,
  min: number,
  max: number,
): void {
  const owners = new Map<number, string>()
  for (const [key, { number }] of all) {
    if (!Number.isInteger(number) || number < min || number > max) {
      throw new RoutingError('BAD_NUMBER', `${what} ${key}: number ${number} must be ${min} to ${max}`)
    }
    const owner = owners.get(number)
    if (owner !== undefined) {
      throw new RoutingError('BAD_NUMBER', `${what} ${key}: number ${number} belongs to ${owner}`)
    }
    owners.set(number, key)
  }
}

function checkClusters(topic: TopicRoute, clusters: ReadonlyMap<string, ClusterRoute>): void {
  for (let i = 0; i < topic.depth; i++) {
    if (!clusters.has(topic.cluster(i)))
      throw unknownCluster(topic.cluster(i), `loglet ${i} of topic ${topic.name}`)
  }
  if (topic.prepared !== undefined && !clusters.has(topic.prepared.cluster)) {
    throw unknownCluster(topic.prepared.cluster, `next place of topic ${topic.name}`)
  }
}

function unknownCluster(cluster: string, what: string): RoutingError {
  return new RoutingError('UNKNOWN_CLUSTER', `no cluster ${cluster}, which is the ${what}`)
}

function duplicate(what: string, key: string): RoutingError {
  return new RoutingError('DUPLICATE', `a delta names ${what} ${key} twice`)
}

function replace<T>(map: Map<string, T>, next: ReadonlyMap<string, T>): void {
  if (next === map) return
  map.clear()
  for (const [key, value] of next) map.set(key, value)
}
