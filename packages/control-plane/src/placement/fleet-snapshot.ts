// What the planner looks at, made of what the store and the routes say, and of what clusters last said of themselves.
import { DEPTH_MAX, type TopicRoute } from '@braid/routing-model'
import type { Plane } from '../plane.ts'
import { type FleetSnapshot, type PlannedCluster, type PlannedTopic, topicKey } from '../planner/index.ts'
import type { ClusterRow } from '../store/rows.ts'
import type { SlaRow } from '../store/sla-queries.ts'
import type { TopicSpecRow } from '../store/topic-queries.ts'
import type { Freshness } from './known-facts.ts'

/** More than there may be of anything by name. */
const allMax = 1_000_000

/** Asks clusters that were not asked lately. Not inside a transaction: it may take seconds. */
export async function freshFleetSnapshot(plane: Plane, freshness?: Freshness): Promise<FleetSnapshot> {
  const clusters = await plane.store.clusters()
  await plane.facts.refresh(
    clusters.map(({ name }) => name),
    freshness,
  )
  return fleetSnapshot(plane)
}

/** As far as it is known; waits for no cluster. One that does not answer is unavailable. */
export function fleetSnapshot(plane: Plane): Promise<FleetSnapshot> {
  const { store } = plane
  return store.transaction(async () => {
    const specs = await store.topicSpecs.all()
    const moving = new Set((await store.operations.migrationsUnderway()).map(({ topicId }) => topicId))
    const tenants = await store.tenantSpecs.list(allMax)
    const homes = new Map(tenants.map(({ name, home }) => [name, home]))
    const topics = specs.flatMap((spec): PlannedTopic[] => {
      const route = plane.board.table.topic(spec.tenant, spec.name)
      const home = homes.get(spec.tenant)
      if (route?.id !== spec.id || home === undefined) return []
      return [plannedTopic(spec, route, home, moving.has(spec.id))]
    })
    const counted = countedPartitions(topics)
    return {
      clusters: (await store.clusters()).map((row) => plannedCluster(plane, row, counted.get(row.name) ?? 0)),
      slas: (await store.slas.list(allMax)).map(plannedSla),
      tenants: tenants.map(({ name, home, standbyHome }) => ({ name, home, standbyHome })),
      topics,
      replicas: [],
    }
  })
}

function plannedTopic(spec: TopicSpecRow, route: TopicRoute, home: string, moves: boolean): PlannedTopic {
  const { tenant, name, partitions, sla, replicationFactor, expected, pinnedTo, standby } = spec
  const cluster = route.cluster(route.active)
  const isHomeTopic = cluster === home && route.physicalTopic(route.active) === route.homeTopic
  return {
    tenant,
    name,
    partitions,
    sla,
    replicationFactor,
    expected,
    measured: null,
    cluster,
    pinnedTo,
    standby,
    stub: isHomeTopic ? null : home,
    transactional: false,
    movable: movable(spec, route, moves),
  }
}

function movable({ configs }: TopicSpecRow, route: TopicRoute, moves: boolean): PlannedTopic['movable'] {
  if (moves) return { ok: false, reason: 'it is being moved at this moment' }
  if (route.depth >= DEPTH_MAX) {
    return {
      ok: false,
      reason: `it has ${route.depth} loglets, the most there may be: shorten its retention`,
    }
  }
  const policies = configs['cleanup.policy']?.split(',').map((policy) => policy.trim()) ?? []
  if (policies.includes('compact')) {
    return { ok: false, reason: 'it is compacted, and cannot be split over clusters' }
  }
  return { ok: true }
}

function plannedCluster(plane: Plane, row: ClusterRow, counted: number): PlannedCluster {
  const { name, tier, dedicatedTo, labels, bytesInMax, bytesOutMax, partitionsMax } = row
  const known = plane.facts.get(name)
  const facts = known?.facts
  return {
    name,
    tier,
    dedicatedTo,
    labels,
    brokers: facts?.brokers ?? 0,
    capacity: { bytesInPerSecond: bytesInMax, bytesOutPerSecond: bytesOutMax, partitions: partitionsMax },
    // Its own state comes first: a cluster that is drained is not to be filled when it answers again.
    state: known?.kind === 'answered' || row.state !== 'active' ? row.state : 'unavailable',
    otherPartitions: Math.max(0, (facts?.partitions ?? counted) - counted),
  }
}

function plannedSla({ name, availability, durability, latency, retentionMaxMs }: SlaRow) {
  return { name, availability, durability, latency, maxRetentionMs: retentionMaxMs }
}

/** What the snapshot counts on each cluster by topic. */
function countedPartitions(topics: readonly PlannedTopic[]): ReadonlyMap<string, number> {
  const counted = new Map<string, number>()
  for (const { cluster, stub, standby, partitions } of topics) {
    for (const on of [cluster, stub, standby]) {
      if (on !== null) counted.set(on, (counted.get(on) ?? 0) + partitions)
    }
  }
  return counted
}

/** By topicKey: every cluster that has a loglet of the topic, or its place for commits. */
export function chainsOf(plane: Plane): ReadonlyMap<string, readonly string[]> {
  const chains = new Map<string, readonly string[]>()
  for (const { name: tenant, home } of plane.board.table.tenants.values()) {
    for (const route of plane.board.table.topics(tenant)) {
      const clusters = new Set([home])
      for (let i = 0; i < route.depth; i++) clusters.add(route.cluster(i))
      chains.set(topicKey({ tenant, name: route.name }), [...clusters])
    }
  }
  return chains
}
