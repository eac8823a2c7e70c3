// What would keep topics that fail over from doing so, and what was lost and is not back yet.
import type { Lease } from '@braid/control-api'
import type { TenantRoute, TopicRoute } from '@braid/routing-model'
import type { DesiredTopic } from '../reconcile/desired.ts'
import type { ClusterRow } from '../store/rows.ts'
import { type DoctorFinding, found, well } from './findings.ts'

export interface FailoverLook {
  readonly tenants: readonly TenantRoute[]
  /** Of all of them. */
  readonly routes: readonly TopicRoute[]
  readonly clusters: readonly Pick<ClusterRow, 'name' | 'state'>[]
  /** As far as they could be looked at. */
  readonly topics: readonly Pick<DesiredTopic, 'route' | 'standby' | 'standbyMade'>[]
  readonly accessPoints: readonly { readonly id: string }[]
  readonly leases: readonly Pick<Lease, 'accessPoint'>[]
}

const namedMax = 5

export function failoverFindings(look: FailoverLook): DoctorFinding[] {
  const { routes } = look
  const leased = routes.filter(({ failover }) => failover !== 'none')
  const findings = [
    ...givenUp(look),
    ...lost(routes),
    ...withoutStandby(look),
    ...withoutStandbyHome(look, leased),
    ...(leased.length > 0 ? withoutLease(look) : []),
  ]
  if (findings.length > 0 || leased.length === 0) return findings
  return [
    well('failover', `all ${leased.length} topics that fail over have a standby, and leases are renewed`),
  ]
}

function givenUp({ clusters, routes }: FailoverLook): DoctorFinding[] {
  return clusters
    .filter(({ state }) => state === 'unavailable')
    .map(({ name }) => {
      const waiting = routes.filter((route) => route.cluster(route.active) === name)
      const detail =
        waiting.length === 0
          ? 'it was given up, and has not been taken back'
          : `it was given up, and has not been taken back; ${named(waiting)} ${waiting.length === 1 ? 'waits' : 'wait'} for it`
      return found('CLUSTER_GIVEN_UP', `cluster ${name}`, detail)
    })
}

/** By cluster: it takes many topics with it. */
function lost(routes: readonly TopicRoute[]): DoctorFinding[] {
  const byCluster = new Map<string, TopicRoute[]>()
  for (const route of routes) {
    if (!route.isPartlyAway) continue
    const clusters = new Set<string>()
    for (let i = 0; i < route.active; i++) if (route.away(i) !== undefined) clusters.add(route.cluster(i))
    for (const cluster of clusters) {
      const known = byCluster.get(cluster)
      if (known === undefined) byCluster.set(cluster, [route])
      else known.push(route)
    }
  }
  return Array.from(byCluster, ([cluster, of]) =>
    found('LOGLETS_LOST', `cluster ${cluster}`, `what ${named(of)} had there cannot be read`),
  )
}

function withoutStandby({ topics }: FailoverLook): DoctorFinding[] {
  return topics
    .filter(({ route, standby, standbyMade }) => {
      // One that is being made is a difference, and told as such.
      return route.failover !== 'none' && standby === null && standbyMade === undefined
    })
    .map(({ route }) =>
      found(
        'STANDBY_MISSING',
        `topic ${route.name} of tenant ${route.tenant}`,
        `its class fails over (${route.failover}), and it has no standby: when ${route.cluster(route.active)} is lost, its clients wait`,
      ),
    )
}

function withoutStandbyHome(
  { tenants, clusters }: FailoverLook,
  leased: readonly TopicRoute[],
): DoctorFinding[] {
  const byTenant = Map.groupBy(leased, ({ tenant }) => tenant)
  const isGivenUp = (name: string) => clusters.some((one) => one.name === name && one.state === 'unavailable')
  return tenants.flatMap(({ name, home, standbyHome }) => {
    const topics = byTenant.get(name)
    // After a failover the home that was lost is the standby home, and no place to go on at until it is back.
    const gone = standbyHome !== undefined && isGivenUp(standbyHome)
    if (topics === undefined || (standbyHome !== undefined && !gone)) return []
    const why = gone ? `its standby home ${standbyHome} was given up` : 'it has no standby home'
    const detail = `${named(topics)} ${topics.length === 1 ? 'fails' : 'fail'} over, and its groups do not, as ${why}: when ${home} is lost, they wait for it with their commits`
    return [found('STANDBY_HOME_MISSING', `tenant ${name}`, detail)]
  })
}

function withoutLease({ accessPoints, leases }: FailoverLook): DoctorFinding[] {
  const holding = new Set(leases.map(({ accessPoint }) => accessPoint))
  return accessPoints
    .filter(({ id }) => !holding.has(id))
    .map(({ id }) =>
      found(
        'WRITE_LEASE_MISSING',
        `access point ${id}`,
        'it holds no write lease: what clients write to topics that fail over waits there',
      ),
    )
}

function named(routes: readonly Pick<TopicRoute, 'tenant' | 'name'>[]): string {
  const names = routes.slice(0, namedMax).map(({ tenant, name }) => `${tenant}/${name}`)
  const more = routes.length - names.length
  return `${routes.length === 1 ? 'topic' : 'topics'} ${names.join(', ')}${more > 0 ? ` and ${more} more` : ''}`
}
