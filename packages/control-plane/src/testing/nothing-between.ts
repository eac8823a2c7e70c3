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
    ...routesApart(world),
    ...topicsApart(world),
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

/** The active loglet takes records, those before it end where their routes say. */
function routesApart({ plane, clusters }: SagaWorld): string[] {
  const found: string[] = []
  for (const { name: tenant } of plane.board.table.tenants.values()) {
    for (const route of plane.board.table.topics(tenant)) {
      if (route.prepared !== undefined)
        found.push(`topic ${route.name} is prepared for ${route.prepared.topic}`)
      for (let i = 0; i < route.depth; i++) {
        const physical = route.physicalTopic(i)
        const there = clusters[route.cluster(i)]?.topics.get(physical)
        const active = i === route.active
        if (there === undefined) found.push(`${physical}, in the route of ${route.name}, is gone`)
        else if (clusters[route.cluster(i)]!.isSealed(physical) === active)
          found.push(`${physical}, ${active ? 'active' : 'sealed'} in the route of ${route.name}, is not`)
        else if (!active && there.partitions.some(({ end }, partition) => end !== route.end(i, partition)))
          found.push(`${physical} does not end where the route of ${route.name} cut it`)
      }
    }
  }
  return found
}

/** Every physical topic is in a route, and nothing else is there. */
function topicsApart({ plane, clusters }: SagaWorld): string[] {
  const named = new Set<string>()
  for (const { name: tenant, home } of plane.board.table.tenants.values()) {
    for (const route of plane.board.table.topics(tenant)) {
      for (const key of chainOf(route)) named.add(key)
      named.add(keyOf({ cluster: home, topic: route.homeTopic }))
    }
  }
  return Object.entries(clusters).flatMap(([cluster, { topics }]) =>
    [...topics.keys()]
      .filter((topic) => !named.has(keyOf({ cluster, topic })))
      .map((topic) => `${topic} is on ${cluster}, and no route names it`),
  )
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
