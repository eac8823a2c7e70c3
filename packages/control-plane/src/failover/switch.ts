// SWITCH: one transaction and one route version. Every topic that fails over goes on at its standby topic, groups whose
// home was there go on at their standby home, and what the cluster has is lost until it returns.
import type { FailoverHome } from '@braid/control-api'
import type { PhysicalTopic, TenantRoute, TopicRoute } from '@braid/routing-model'
import type { Plane } from '../plane.ts'
import { indexOfLoglet } from '../sagas/loglet-index.ts'
import type { FailoverRow, NewFailoverTopic } from '../store/failover-queries.ts'
import { freshPhysicalName } from '../topics/physical-name.ts'
import { type FailoverContext, failoverIn, hasSealedOn, isForced, questionOf } from './failover-context.ts'
import { baseAfterLost, type KnownOfTopic } from './gap.ts'
import type { Positions } from './group-positions.ts'
import { movesSomething, type PlannedFailover, planFailover } from './plan.ts'
import { nothingMoves } from './refusals.ts'
import type { StandbyLook } from './standby-looks.ts'

type Change = (route: TopicRoute) => TopicRoute

/** In the transaction of the saga's journal. */
export async function switchOver(context: FailoverContext): Promise<void> {
  const { plane, looks, fenced } = context
  if (looks === undefined || fenced === undefined) throw new Error('SWITCH without what FENCE found')
  const row = await failoverIn(context)
  const { cluster } = row
  const question = await questionOf(plane, cluster, { force: isForced(row) })
  const planned = planFailover({ ...question, looks: stillThere(plane, looks) })
  // Topics may have moved on meanwhile.
  if (!movesSomething(planned)) throw nothingMoves(cluster, planned)
  const before = await plane.store.cluster(cluster)
  if (before === undefined) throw new Error(`cluster ${cluster} is not in the store`)

  const topics: NewFailoverTopic[] = []
  for (const one of planned.topics) topics.push(await topicRow(plane, one, fenced.positions))
  const lost = lostTopics(plane, cluster, planned.topics, topics)
  topics.push(...skipped(plane, cluster, lost.sealed, fenced.positions))
  const homes = await movedHomes(plane, planned.homes)
  const routes = new Map<string, TopicRoute>()
  for (const route of plane.board.table.allTopics()) {
    const change = [lost.changes.get(route.id), homes.changes.get(route.id)].filter(
      (one) => one !== undefined,
    )
    if (change.length > 0)
      routes.set(
        route.id,
        change.reduce((now, next) => next(now), route),
      )
  }
  await plane.board.change(
    { topics: Array.from(routes.values(), (route) => route.toJSON()), tenants: homes.tenants },
    async (routeVersion) => {
      const { store, now } = plane
      for (const [id, route] of routes) {
        if (lost.moved.has(id)) await store.appendAfterLost(route)
        if (lost.sealed.has(id)) await store.setLoglets(route)
      }
      await homes.write(routes)
      await store.updateCluster({ ...before, state: 'unavailable' })
      await store.failovers.addTopics(row.id, topics)
      await store.failovers.useStandbys(row.id)
      await store.failovers.setHomes(row.id, planned.homes)
      await store.failovers.setFenceMs(row.id, fenced.awaited.waitedMs)
      const at = now()
      await store.failovers.setSwitched(row.id, { switchMs: at - row.createdAt, at, routeVersion })
    },
  )
  plane.store.afterCommit(() => logSwitched(context, row, topics, planned.homes))
}

/** A cluster that has been given up since it was looked at is none to go on at. */
function stillThere(plane: Plane, looks: ReadonlyMap<string, StandbyLook>): ReadonlyMap<string, StandbyLook> {
  return new Map(
    Array.from(looks, ([cluster, look]) => {
      const fenced = plane.board.table.clusters.get(cluster)?.fenced
      return [cluster, fenced ? { kind: 'away', reason: 'was given up' } : look]
    }),
  )
}

async function topicRow(
  { store, knownEnds, now }: Plane,
  { route, from, to, reason }: PlannedFailover,
  positions: ReadonlyMap<string, Positions>,
): Promise<NewFailoverTopic> {
  const { id, tenant, name, failover: policy, active, partitions } = route
  const known = to === null ? undefined : knownEnds.get(id)
  const adopted = active === 0 && route.physicalTopic(0) === name
  const base =
    to === null
      ? null
      : baseAfterLost({
          known,
          bases: Array.from({ length: partitions }, (_, partition) => route.base(active, partition)),
          // Asked for only where it decides: clients wait, and there may be thousands.
          createdAt: adopted || isKnown(known, partitions) ? null : await store.topicCreatedAt(id),
          now: now(),
        })
  return {
    topicId: id,
    tenant,
    topic: name,
    policy,
    from,
    to,
    reason,
    // A partition of which nothing is known ends where it begins, as far as is known.
    knownEnds:
      known === undefined
        ? null
        : Array.from({ length: partitions }, (_, partition) => {
            const end = known.ends[partition] ?? -1n
            const start = route.base(active, partition)
            return end > start ? end : start
          }),
    knownAt: known?.at ?? null,
    base,
    positions: to !== null && policy === 'available' ? (positions.get(id) ?? null) : null,
  }
}

function isKnown(known: KnownOfTopic | undefined, partitions: number): boolean {
  for (let i = 0; i < partitions; i++) if ((known?.ends[i] ?? -1n) < 0n) return false
  return true
}

/**
 * Topics that are active elsewhere and whose consumers skip what they have there from before a move: where their groups
 * were says what is to be copied on when it returns.
 */
function skipped(
  plane: Plane,
  cluster: string,
  sealed: ReadonlySet<string>,
  positions: ReadonlyMap<string, Positions>,
): NewFailoverTopic[] {
  return Array.from(plane.board.table.allTopics()).flatMap((route): NewFailoverTopic[] => {
    const { id, tenant, name, failover: policy, active } = route
    if (policy !== 'available' || !sealed.has(id) || route.cluster(active) === cluster) return []
    let last = active - 1
    while (route.cluster(last) !== cluster) last--
    return [
      {
        topicId: id,
        tenant,
        topic: name,
        policy,
        from: { cluster, topic: route.physicalTopic(last) },
        to: null,
        reason: `it goes on on ${route.cluster(active)}, and what it has there from before a move is lost until it returns`,
        knownEnds: null,
        knownAt: null,
        base: null,
        positions: positions.get(id) ?? null,
      },
    ]
  })
}

/** How routes change because of what the cluster has of them. */
function lostTopics(
  plane: Plane,
  cluster: string,
  planned: readonly PlannedFailover[],
  rows: readonly NewFailoverTopic[],
) {
  const changes = new Map<string, Change>()
  const moved = new Set<string>()
  /** Of which loglets are lost that were sealed before. */
  const sealed = new Set<string>()
  const goingOn = new Map(planned.map(({ route, to }, i) => [route.id, { to, base: rows[i]!.base }]))
  for (const route of plane.board.table.allTopics()) {
    const { failover } = route
    if (failover === 'none') continue
    const readers = failover === 'strict' ? 'wait' : 'skip'
    const { to = null, base = null } = goingOn.get(route.id) ?? {}
    const losesSealed = hasSealedOn(route, cluster)
    if (losesSealed) sealed.add(route.id)
    if (to === null || base === null) {
      if (losesSealed) changes.set(route.id, (now) => now.sealedLost(cluster, readers))
      continue
    }
    moved.add(route.id)
    changes.set(route.id, (now) => {
      const next = now.lostAndAppended(base, to, readers)
      return losesSealed ? next.sealedLost(cluster, readers) : next
    })
  }
  return { changes, moved, sealed }
}

/**
 * Homes and standby homes change places. Topics of which commits were not mirrored yet begin without any: the next
 * step makes a place for them.
 */
async function movedHomes(plane: Plane, planned: readonly FailoverHome[]) {
  const { store, board, random } = plane
  const tenants: TenantRoute[] = []
  const changes = new Map<string, Change>()
  const stubs = new Map<string, PhysicalTopic>()
  // Asked for only where the route names none yet: clients wait, and there may be thousands.
  const madeAt = async (id: string, cluster: string) => {
    const made = await store.reconcile.standbyHome(id)
    return made?.cluster === cluster ? made.topic : undefined
  }
  for (const { tenant, from, to } of planned) {
    if (to === null) continue
    tenants.push({ name: tenant, home: to, standbyHome: from })
    for (const route of board.table.topics(tenant)) {
      const mirrored = route.standbyHomeTopic ?? (await madeAt(route.id, to))
      const homeTopic = mirrored ?? freshPhysicalName(route.name, random)
      changes.set(route.id, (now) => now.withHomeTopics(homeTopic, undefined))
      // What is part of the chain has another end than the topic for its commits.
      const stub = { cluster: from, topic: route.homeTopic }
      if (indexOfLoglet(route, stub) < 0) stubs.set(route.id, stub)
    }
  }
  const write = async (routes: ReadonlyMap<string, TopicRoute>) => {
    for (const { name, home, standbyHome } of tenants) await store.setHomes(name, home, standbyHome ?? null)
    for (const id of changes.keys()) {
      await store.setHomeTopics(routes.get(id)!)
      const stub = stubs.get(id)
      if (stub === undefined) await store.reconcile.removeStandbyHome(id)
      else await store.reconcile.putStandbyHome(id, stub)
    }
  }
  return { tenants, changes, write }
}

function logSwitched(
  { plane, id, fenced }: FailoverContext,
  { cluster, by, votes, createdAt }: FailoverRow,
  topics: readonly NewFailoverTopic[],
  homes: readonly FailoverHome[],
): void {
  const { waitedMs, waitedFor, ranOut, forUnknown } = fenced!.awaited
  plane.log('warn', 'failover.switched', {
    failover: id,
    cluster,
    by,
    topics: topics.filter(({ to }) => to !== null).length,
    waiting: topics.filter(({ to }) => to === null).length,
    homes: homes.filter(({ to }) => to !== null).length,
    decisionToSwitchMs: plane.now() - createdAt,
    fenceMs: waitedMs,
    waitedFor: waitedFor.length,
    ranOut: ranOut.slice(0, 10),
    ...(forUnknown && { waitedForUnknown: true }),
    votes: votes.map(({ by, state, forMs }) => `${by}: ${state} for ${forMs} ms`),
  })
}
