// A route table as those see it who serve some tenants only. Clusters and access points are everybody's.
import type { RouteDelta } from './delta.ts'
import type { RouteSnapshot } from './route-table.ts'

/**
 * What of a delta concerns these tenants. It leads to the same version, also when nothing of it does: a view and the
 * whole are always at one version.
 */
export function deltaFor(delta: RouteDelta, tenants: ReadonlySet<string>): RouteDelta {
  const { tenants: changed, removedTenants, topics, removedTopics, ...everybodys } = delta
  const theirs = {
    tenants: changed?.filter(({ name }) => tenants.has(name)),
    removedTenants: removedTenants?.filter((name) => tenants.has(name)),
    topics: topics?.filter(({ tenant }) => tenants.has(tenant)),
    removedTopics: removedTopics?.filter(({ tenant }) => tenants.has(tenant)),
  }
  const notEmpty = Object.entries(theirs).filter(([, list]) => list !== undefined && list.length > 0)
  return { ...everybodys, ...Object.fromEntries(notEmpty) }
}

/** What of a whole table concerns these tenants. */
export function snapshotFor(snapshot: RouteSnapshot, tenants: ReadonlySet<string>): RouteSnapshot {
  return {
    ...snapshot,
    tenants: snapshot.tenants.filter(({ name }) => tenants.has(name)),
    topics: snapshot.topics.filter(({ tenant }) => tenants.has(tenant)),
  }
}
