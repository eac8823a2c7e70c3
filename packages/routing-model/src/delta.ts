import type { AccessPointRoute } from './access-point.ts'
import { type ClusterRoute, sameConnection } from './cluster.ts'
import type { RouteTable } from './route-table.ts'
import { RoutingError } from './routing-error.ts'
import type { TenantRoute } from './tenant.ts'
import type { TopicRouteJson } from './topic-route.ts'

/** What turns one version of the route table into a later one. What is named is replaced as a whole. */
export interface RouteDelta {
  readonly from: number
  readonly to: number
  readonly clusters?: readonly ClusterRoute[] | undefined
  readonly removedClusters?: readonly string[] | undefined
  readonly tenants?: readonly TenantRoute[] | undefined
  readonly removedTenants?: readonly string[] | undefined
  readonly accessPoints?: readonly AccessPointRoute[] | undefined
  readonly removedAccessPoints?: readonly string[] | undefined
  readonly topics?: readonly TopicRouteJson[] | undefined
  readonly removedTopics?: readonly TopicName[] | undefined
}

export interface TopicName {
  readonly tenant: string
  readonly name: string
}

/** The delta that turns `from` into `to`, also over several versions. Throws unless `to` is the later one. */
export function diffRoutes(from: RouteTable, to: RouteTable): RouteDelta {
  if (to.version <= from.version) {
    throw new RoutingError(
      'WRONG_VERSION',
      `no delta leads from route version ${from.version} to ${to.version}: send the whole table`,
    )
  }
  const lists = {
    clusters: changed(from.clusters, to.clusters, sameCluster),
    removedClusters: removed(from.clusters, to.clusters),
    tenants: changed(from.tenants, to.tenants, sameTenant),
    removedTenants: removed(from.tenants, to.tenants),
    accessPoints: changed(from.accessPoints, to.accessPoints, sameAccessPoint),
    removedAccessPoints: removed(from.accessPoints, to.accessPoints),
    topics: changedTopics(from, to),
    removedTopics: removedTopics(from, to),
  }
  const notEmpty = Object.entries(lists).filter(([, list]) => list.length > 0)
  return { from: from.version, to: to.version, ...Object.fromEntries(notEmpty) }
}

function changed<T>(
  from: ReadonlyMap<string, T>,
  to: ReadonlyMap<string, T>,
  same: (a: T, b: T) => boolean,
): T[] {
  return [...to].flatMap(([key, value]) => {
    const before = from.get(key)
    return before !== undefined && (before === value || same(before, value)) ? [] : [value]
  })
}

function removed<T>(from: ReadonlyMap<string, T>, to: ReadonlyMap<string, T>): string[] {
  return [...from.keys()].filter((key) => !to.has(key))
}

function changedTopics(from: RouteTable, to: RouteTable): TopicRouteJson[] {
  const changes: TopicRouteJson[] = []
  for (const tenant of to.tenants.keys()) {
    for (const topic of to.topics(tenant)) {
      if (!from.topic(tenant, topic.name)?.equals(topic)) changes.push(topic.toJSON())
    }
  }
  return changes
}

function removedTopics(from: RouteTable, to: RouteTable): TopicName[] {
  const gone: TopicName[] = []
  for (const tenant of from.tenants.keys()) {
    for (const { name } of from.topics(tenant)) {
      if (to.topic(tenant, name) === undefined) gone.push({ tenant, name })
    }
  }
  return gone
}

function sameCluster(a: ClusterRoute, b: ClusterRoute): boolean {
  return a.number === b.number && sameConnection(a, b) && (a.fenced === true) === (b.fenced === true)
}

function sameTenant(a: TenantRoute, b: TenantRoute): boolean {
  return a.home === b.home && a.standbyHome === b.standbyHome
}

function sameAccessPoint(a: AccessPointRoute, b: AccessPointRoute): boolean {
  const clusters = Object.keys(a.listeners)
  return (
    a.number === b.number &&
    a.bootstrap === b.bootstrap &&
    clusters.length === Object.keys(b.listeners).length &&
    clusters.every((cluster) => a.listeners[cluster] === b.listeners[cluster])
  )
}
