// What giving up a cluster does with every topic that is active there, and with the tenants that are at home there.
// Pure: whoever asks has looked at the routes, at the standbys, and at the clusters that these are on.
import type { FailoverHome, FailoverPlan } from '@braid/control-api'
import {
  DEPTH_MAX,
  type FailoverPolicy,
  type PhysicalTopic,
  type TenantRoute,
  type TopicRoute,
} from '@braid/routing-model'
import { count } from '../planner/words.ts'
import type { StandbyLook } from './standby-looks.ts'

export interface FailoverQuestion {
  readonly cluster: string
  /** Whose active loglets are there. */
  readonly routes: readonly TopicRoute[]
  /** The empty topics that wait, by topic id. */
  readonly standbys: ReadonlyMap<string, PhysicalTopic>
  /** Of every cluster that a topic or a home may go on at. */
  readonly looks: ReadonlyMap<string, StandbyLook>
  /** Whose groups are there. */
  readonly tenants: readonly TenantRoute[]
  /** By tenant, topics whose commits are not on its standby home yet, some of them by name. */
  readonly unmirrored: ReadonlyMap<string, Unmirrored>
}

export interface Unmirrored {
  readonly topics: number
  readonly some: readonly string[]
}

export interface PlannedFailover {
  readonly route: TopicRoute
  readonly from: PhysicalTopic
  /** Null: it stays and waits. */
  readonly to: PhysicalTopic | null
  readonly reason: string
}

export interface PlannedFailovers {
  readonly topics: readonly PlannedFailover[]
  readonly homes: readonly FailoverHome[]
}

export function planFailover(question: FailoverQuestion): PlannedFailovers {
  const topics = question.routes.map((route): PlannedFailover => {
    const from = { cluster: question.cluster, topic: route.physicalTopic(route.active) }
    const standby = question.standbys.get(route.id)
    const obstacle = whyStays(question, route, standby)
    if (obstacle !== undefined) return { route, from, to: null, reason: obstacle }
    return { route, from, to: standby!, reason: `its standby topic waits on ${standby!.cluster}` }
  })
  return { topics, homes: question.tenants.map((tenant) => plannedHome(question, tenant)) }
}

function whyStays(
  { cluster, looks }: FailoverQuestion,
  route: TopicRoute,
  standby: PhysicalTopic | undefined,
): string | undefined {
  if (route.failover === 'none') return 'its class does not fail over: it waits for the cluster'
  if (standby === undefined) return 'it has no standby topic yet: it waits for the cluster'
  if (standby.cluster === cluster) return `its standby topic is on ${cluster}, too: it waits`
  if (route.depth >= DEPTH_MAX) return `it has ${route.depth} loglets, the most there may be: it waits`
  const look = looks.get(standby.cluster)
  if (look === undefined || look.kind === 'away') {
    return `its standby topic is on ${standby.cluster}, which ${look?.reason ?? 'was not asked'}: it waits`
  }
  if (look.kind === 'not asked') return undefined
  const partitions = look.partitions.get(standby.topic)
  if (partitions === undefined)
    return `its standby topic ${standby.topic} is not on ${standby.cluster}: it waits`
  if (partitions < route.partitions) {
    return `its standby topic on ${standby.cluster} has ${partitions} of ${route.partitions} partitions: it waits`
  }
  return undefined
}

function plannedHome(
  { cluster, looks, unmirrored }: FailoverQuestion,
  { name, standbyHome }: TenantRoute,
): FailoverHome {
  const stays = (reason: string): FailoverHome => ({ tenant: name, from: cluster, to: null, reason })
  if (standbyHome === undefined) return stays('it has no standby home: its groups wait')
  const look = looks.get(standbyHome)
  if (look === undefined || look.kind === 'away') {
    return stays(`its standby home ${standbyHome} ${look?.reason ?? 'was not asked'}: its groups wait`)
  }
  // Groups would begin where they were long ago, or from the beginning.
  const missing = unmirrored.get(name)
  if (missing !== undefined) {
    const others = missing.topics - missing.some.length
    return stays(
      `the commits of ${missing.some.join(', ')}${others > 0 ? ` and ${others} more` : ''} are not on its standby home ${standbyHome} yet: its groups wait; by force they go on there without them`,
    )
  }
  return { tenant: name, from: cluster, to: standbyHome, reason: 'its commits are mirrored there' }
}

/** Whether anything there fails over at all, wherever to. */
export function failsOver({ routes, tenants }: Pick<FailoverQuestion, 'routes' | 'tenants'>): boolean {
  return (
    routes.some(({ failover }) => failover !== 'none') ||
    tenants.some(({ standbyHome }) => standbyHome !== undefined)
  )
}

/** Whether anything goes on elsewhere. */
export const movesSomething = ({ topics, homes }: PlannedFailovers): boolean =>
  topics.some(({ to }) => to !== null) || homes.some(({ to }) => to !== null)

export function shownPlan(
  cluster: string,
  { topics, homes }: PlannedFailovers,
  leases: number,
): FailoverPlan {
  const moved = topics.filter(({ to }) => to !== null)
  const waiting = topics.length - moved.length
  const homesMoved = homes.filter(({ to }) => to !== null)
  const parts = [
    `${count(moved.length, 'topic')} of ${cluster} ${moved.length === 1 ? 'goes' : 'go'} on elsewhere`,
    ...(waiting > 0 ? [`${waiting} ${waiting === 1 ? 'waits' : 'wait'} for it`] : []),
    ...(homesMoved.length > 0
      ? [`the groups of ${count(homesMoved.length, 'tenant')} go on at another home`]
      : []),
  ]
  return {
    cluster,
    topics: topics.map(({ route, from, to, reason }) => ({
      tenant: route.tenant,
      topic: route.name,
      policy: route.failover as FailoverPolicy,
      from,
      to,
      reason,
      knownEnds: null,
      base: null,
      recovered: null,
    })),
    homes: homes.map((home) => ({ ...home })),
    leases,
    summary: parts.join(', '),
  }
}
