import type { RouteTable, TenantRoute, TopicRoute } from '@braid/routing-model'
import type { Plane } from '../plane.ts'
import type { TenantRow } from '../store/tenant-queries.ts'

/** What access points know of a tenant. */
export function tenantRoute({
  name,
  home,
  standbyHome,
}: Pick<TenantRow, 'name' | 'home' | 'standbyHome'>): TenantRoute {
  return { name, home, ...(standbyHome !== null && { standbyHome }) }
}

/**
 * The routes of its topics without a topic for mirrored commits, when its standby home becomes another: they are on the
 * old one. The reconciler makes those on the new one.
 */
export function withoutMirror(table: RouteTable, { name, standbyHome }: TenantRoute): TopicRoute[] {
  if (table.tenants.get(name)?.standbyHome === standbyHome) return []
  return [...table.topics(name)]
    .filter((route) => route.standbyHomeTopic !== undefined)
    .map((route) => route.withHomeTopics(route.homeTopic, undefined))
}

/** The topics that its commits are mirrored to are made at once, when what we are in is committed. */
export function mirrorSoon({ store, board, dueTopics }: Plane, tenant: string): void {
  store.afterCommit(() => {
    for (const { id } of board.table.topics(tenant)) dueTopics.add(id)
  })
}
