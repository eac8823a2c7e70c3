// For tests: what is neither done nor undone, once every saga that could be undone has ended.
import type { TopicRoute } from '@braid/routing-model'
import { sagaKinds } from '../sagas/saga-kinds.ts'
import type { MigrationRow } from '../store/rows.ts'
import type { SagaWorld } from './saga-world.ts'

const settleMaxMs = 2_000

/** Throws, naming all that stands between: routes, physical topics, seals, records, leftovers. */
export async function assertNothingBetween(world: SagaWorld): Promise<void> {
  // Deleting what is left over is a matter of the background.
  const deadline = Date.now() + settleMaxMs
  let found = await foundBetween(world)
  while (found.length > 0 && Date.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 5))
    found = await foundBetween(world)
  }
  if (found.length > 0) throw new Error(`between done and undone:\n  ${found.join('\n  ')}`)
}

export async function foundBetween(world: SagaWorld): Promise<string[]> {
  const { store } = world.plane
  return store.transaction(async () => [
    ...(await sagasUnderway(world)),
    ...(await recordsApart(world)),
    ...(await operationsApart(world)),
    ...(await failoversApart(world)),
    ...(await routesApart(world)),
    ...(await topicsApart(world)),
    ...(await store.leftovers()).map(({ cluster, topic }) => `${topic} is left over on ${cluster}`),
  ])
}

/** Draining may last; what can be undone must have ended. */
async function sagasUnderway({ plane }: SagaWorld): Promise<string[]> {
  const lasting = new Set(sagaKinds.filter((kind) => kind.forwardOnly).map((kind) => kind.name))
  return (await plane.store.sagas.unfinished())
    .filter((saga) => !lasting.has(saga.kind))
    .map(({ id, kind, state, step }) => `${kind} ${id} is ${state} in ${step}`)
}

/** The records of a group say the same, and what the routes say. */
async function recordsApart({ plane, clusters }: SagaWorld): Promise<string[]> {
  const found: string[] = []
  const groups = new Map<string, MigrationRow[]>()
  for (const row of await plane.store.migrations.list(10_000)) {
    const group = groups.get(row.group)
    if (group === undefined) groups.set(row.group, [row])
    else group.push(row)
  }
  for (const [group, rows] of groups) {
    const outcomes = new Set(rows.map(({ state }) => (state === 'done' ? 'switched' : state)))
    const versions = new Set(rows.map(({ routeVersion }) => routeVersion))
    if (outcomes.size > 1) found.push(`group ${group} is ${[...outcomes].join(' and ')}`)
    if (versions.size > 1) found.push(`group ${group} was switched by versions ${[...versions].join(', ')}`)
    for (const row of rows) {
      const { id, topic, to, state, error, cuts } = row
      const undone = state === 'failed' || state === 'cancelled'
      if (undone && (error === null || cuts !== null))
        found.push(`migration ${id} is ${state} without a reason`)
      if (undone && clusters[to.cluster]?.topics.has(to.topic))
        found.push(`${to.topic} is on ${to.cluster} though topic ${topic} was not moved`)
      if (state === 'switched' && !chainOf(plane.board.table.topic(row.tenant, topic)).has(keyOf(to)))
        found.push(`topic ${topic} was moved to ${to.topic}, and its route does not say so`)
    }
  }
  return found
}

/** An operation has ended with its saga; nothing of it is under way, no cluster is held by it. */
async function operationsApart({ plane }: SagaWorld): Promise<string[]> {
  const found: string[] = []
  const { operations, sagas } = plane.store
  const draining = new Set<string | null>()
  for (const { id, title, state, saga, cluster, error } of await operations.list(1_000)) {
    const { moving } = await operations.counts(id)
    const underway = (await sagas.get(saga))?.state
    if (moving > 0) found.push(`${title}: ${moving} topics are being moved`)
    if (state === 'running') {
      draining.add(cluster)
      if (underway === 'done' || underway === 'undone')
        found.push(`${title} is running, its saga is ${underway}`)
    }
    if (state === 'failed' && error === null) found.push(`${title} failed without a reason`)
  }
  for (const { name, state } of await plane.store.clusters()) {
    if (state === 'draining' && !draining.has(name)) found.push(`${name} is draining, and nobody drains it`)
  }
  return found
}

/** The active loglet takes records, those before it end where their routes say. */
async function routesApart({ plane, clusters }: SagaWorld): Promise<string[]> {
  const found: string[] = []
  for (const { name: tenant } of plane.board.table.tenants.values()) {
    for (const route of plane.board.table.topics(tenant)) {
      if (route.prepared !== undefined)
        found.push(`topic ${route.name} is prepared for ${route.prepared.topic}`)
      for (let i = 0; i < route.depth; i++) {
        const physical = route.physicalTopic(i)
        const there = clusters[route.cluster(i)]?.topics.get(physical)
        const active = i === route.active
        // Of one that has returned, what lies behind its cut may be copied on.
        const place = { cluster: route.cluster(i), topic: physical }
        const returned = await plane.store.failovers.returnOf(route.id, place)
        if (there === undefined) found.push(`${physical}, in the route of ${route.name}, is gone`)
        // Nobody could seal it, and nobody knows where it ends.
        else if (route.away(i)?.state === 'lost') continue
        else if (clusters[route.cluster(i)]!.isSealed(physical) === active)
          found.push(`${physical}, ${active ? 'active' : 'sealed'} in the route of ${route.name}, is not`)
        else if (
          !active &&
          there.partitions.some(
            ({ end }, partition) => end !== (returned?.ends[partition] ?? route.end(i, partition)),
          )
        )
          found.push(`${physical} does not end where the route of ${route.name} cut it`)
      }
    }
  }
  return found
}

/** A failover that is through has given its cluster up until a return is; one that was undone has left no trace. */
async function failoversApart({ plane }: SagaWorld): Promise<string[]> {
  const found: string[] = []
  const { failovers, sagas } = plane.store
  const givenUp = new Set<string>()
  for (const { id, kind, cluster, state, switchedAt, error } of (await failovers.list(1_000)).reverse()) {
    const saga = await sagas.get(id)
    const outcome = saga?.state === 'undone' ? (saga.cancelled ? 'cancelled' : 'failed') : saga?.state
    if (outcome !== state) found.push(`${kind} ${id} is ${state}, its saga is ${outcome}`)
    if ((state === 'failed' || state === 'cancelled') && error === null)
      found.push(`${kind} ${id} is ${state} without a reason`)
    if (kind === 'failover' && (switchedAt !== null) !== (state === 'done'))
      found.push(`failover ${id} is ${state}, and ${switchedAt === null ? 'not ' : ''}switched`)
    if (state !== 'done') continue
    if (kind === 'failover') givenUp.add(cluster)
    else givenUp.delete(cluster)
  }
  for (const { name, state, fenced } of await plane.store.clusters()) {
    const expected = givenUp.has(name)
    if (fenced !== expected || (plane.board.table.clusters.get(name)?.fenced ?? false) !== expected)
      found.push(`${name} is ${fenced ? '' : 'not '}fenced`)
    if ((state === 'unavailable') !== expected) found.push(`${name} is ${state}`)
  }
  for (const { name: tenant, home, standbyHome } of plane.board.table.tenants.values()) {
    if (givenUp.has(home) && standbyHome !== undefined && !givenUp.has(standbyHome))
      found.push(`tenant ${tenant} is at home on ${home}, which was given up`)
    for (const route of plane.board.table.topics(tenant)) {
      for (let i = 0; i < route.depth; i++) {
        const lost = route.failover !== 'none' && i < route.active && givenUp.has(route.cluster(i))
        if ((route.away(i)?.state === 'lost') !== lost)
          found.push(`${route.physicalTopic(i)} of topic ${route.name} is ${lost ? 'not ' : ''}lost`)
      }
    }
  }
  return found
}

/** Every physical topic is in a route, or waits for a failover, and nothing else is there. */
async function topicsApart({ plane, clusters }: SagaWorld): Promise<string[]> {
  const named = new Set<string>()
  const found: string[] = []
  const { reconcile } = plane.store
  for (const { name: tenant, home } of plane.board.table.tenants.values()) {
    for (const route of plane.board.table.topics(tenant)) {
      for (const key of chainOf(route)) named.add(key)
      named.add(keyOf({ cluster: home, topic: route.homeTopic }))
      if (clusters[home]?.topics.has(route.homeTopic) === false)
        found.push(`${route.homeTopic}, for the commits of topic ${route.name}, is not on ${home}`)
      for (const kept of [await reconcile.standby(route.id), await reconcile.standbyHome(route.id)]) {
        if (kept === undefined) continue
        named.add(keyOf(kept))
        if (clusters[kept.cluster]?.topics.has(kept.topic) === false)
          found.push(
            `${kept.topic}, which waits for a failover of topic ${route.name}, is not on ${kept.cluster}`,
          )
      }
      const standby = await reconcile.standby(route.id)
      if (standby !== undefined && chainOf(route).has(keyOf(standby)))
        found.push(`${standby.topic} waits for a failover of topic ${route.name}, and is in its route`)
    }
  }
  for (const [cluster, { topics }] of Object.entries(clusters)) {
    for (const topic of topics.keys())
      if (!named.has(keyOf({ cluster, topic })))
        found.push(`${topic} is on ${cluster}, and no route names it`)
  }
  return found
}

function chainOf(route: TopicRoute | undefined): Set<string> {
  if (route === undefined) return new Set()
  return new Set(
    Array.from({ length: route.depth }, (_, i) =>
      keyOf({ cluster: route.cluster(i), topic: route.physicalTopic(i) }),
    ),
  )
}

function keyOf({ cluster, topic }: { cluster: string; topic: string }): string {
  return `${cluster}/${topic}`
}
