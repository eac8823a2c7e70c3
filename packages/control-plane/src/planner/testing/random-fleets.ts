// Fleets of all kinds, small enough that rules collide: also such as break rules already.
import fc from 'fast-check'
import type {
  ClusterState,
  ClusterTier,
  FleetSnapshot,
  PlannedCluster,
  PlannedTopic,
  SlaClass,
} from '../fleet.ts'

const regions = ['eu', 'us'] as const
const tenantNames = ['acme', 'blue', 'core'] as const
const slaNames = ['bronze', 'bronze', 'silver', 'silver', 'gold', 'dual', 'own'] as const

const sla = (name: string, more: Omit<SlaClass, 'name' | 'maxRetentionMs'>): SlaClass => ({
  name,
  ...more,
  maxRetentionMs: null,
})
const durable = (replicationFactor: number, dual = false) => ({
  replicationFactor,
  minInSyncReplicas: Math.max(1, replicationFactor - 1),
  dual,
})
const slas: readonly SlaClass[] = [
  sla('bronze', {
    availability: { failover: 'none' },
    durability: durable(1),
    latency: { dedicated: false, labels: {} },
  }),
  sla('silver', {
    availability: { failover: 'strict' },
    durability: durable(2),
    latency: { dedicated: false, labels: {} },
  }),
  sla('gold', {
    availability: { failover: 'available' },
    durability: durable(3),
    latency: { dedicated: false, labels: { region: 'eu' } },
  }),
  sla('dual', {
    availability: { failover: 'none' },
    durability: durable(2, true),
    latency: { dedicated: false, labels: {} },
  }),
  sla('own', {
    availability: { failover: 'none' },
    durability: durable(2),
    latency: { dedicated: true, labels: {} },
  }),
]

/** Nothing in most of `weight` + 1 cases. */
const rarely = <T>(value: fc.Arbitrary<T>, weight = 6): fc.Arbitrary<T | null> =>
  fc.oneof({ arbitrary: fc.constant(null), weight }, { arbitrary: value, weight: 1 })
const limit = (min: number, max: number) => fc.option(fc.integer({ min, max }), { nil: null, freq: 3 })

const clusterNames = Array.from({ length: 7 }, (_, i) => `c${i}`)
const cluster = (name: string): fc.Arbitrary<PlannedCluster> =>
  fc
    .record({
      tier: fc.constantFrom<ClusterTier[]>('shared', 'shared', 'shared', 'shared', 'dedicated', 'read'),
      owner: fc.constantFrom(...tenantNames),
      region: fc.constantFrom(...regions),
      domain: fc.option(fc.constantFrom('x', 'y', 'z'), { nil: null }),
      brokers: fc.constantFrom(1, 2, 3, 3, 3, 4),
      bytesInPerSecond: limit(10, 100),
      bytesOutPerSecond: limit(20, 400),
      partitions: limit(10, 120),
      state: rarely(fc.constantFrom<ClusterState[]>('cordoned', 'draining', 'unavailable')),
      otherPartitions: fc.integer({ min: 0, max: 4 }),
    })
    .map(({ tier, owner, region, domain, brokers, state, otherPartitions, ...capacity }) => ({
      name,
      tier,
      dedicatedTo: tier === 'dedicated' ? owner : null,
      labels: { region, ...(domain !== null && { 'failure-domain': domain }) },
      brokers,
      capacity,
      state: state ?? 'active',
      otherPartitions,
    }))

const traffic = fc.record({
  bytesInPerSecond: fc.integer({ min: 0, max: 12 }),
  readers: fc.integer({ min: 0, max: 5 }),
})
const anyCluster = fc.option(fc.constantFrom(...clusterNames), { nil: null, freq: 2 })

const topic = (name: string): fc.Arbitrary<PlannedTopic> =>
  fc.record({
    name: fc.constant(name),
    tenant: fc.constantFrom(...tenantNames),
    partitions: fc.integer({ min: 1, max: 8 }),
    sla: fc.option(fc.constantFrom(...slaNames), { nil: null }),
    replicationFactor: rarely(fc.integer({ min: 1, max: 3 })),
    expected: traffic,
    measured: fc.option(traffic, { nil: null }),
    cluster: anyCluster,
    pinnedTo: rarely(fc.constantFrom(...clusterNames), 12),
    standby: anyCluster,
    stub: anyCluster,
    transactional: rarely(fc.constant(true)).map((yes) => yes === true),
    movable: fc.constantFrom(
      { ok: true } as const,
      { ok: true } as const,
      { ok: false, reason: 'compacted' } as const,
    ),
  })

/** Anything: topics lie about as if rules were made afterwards. */
export const randomFleet: fc.Arbitrary<FleetSnapshot> = fc
  .record({
    clusters: fc.constantFrom(1, 3, 4, 5, 6, 7, 7, 7),
    topics: fc.integer({ min: 0, max: 20 }),
  })
  .chain((size) =>
    fc.record({
      clusters: fc.tuple(...clusterNames.slice(0, size.clusters).map(cluster)),
      slas: fc.constant(slas),
      tenants: fc.tuple(
        ...tenantNames.map((name) =>
          fc.record({
            name: fc.constant(name),
            home: fc.constantFrom(...clusterNames.slice(0, size.clusters)),
            standbyHome: anyCluster,
          }),
        ),
      ),
      topics: fc.tuple(
        ...Array.from({ length: size.topics }, (_, i) => `t${String(i).padStart(2, '0')}`).map(topic),
      ),
      replicas: fc.constant([]),
    }),
  )
  .map((fleet) => ({ ...fleet, topics: fleet.topics.map((each) => asItCouldBe(fleet, each)) }))

/** A topic that is nowhere has no standby and no stub, and at home it needs none. */
function asItCouldBe({ tenants }: FleetSnapshot, topic: PlannedTopic): PlannedTopic {
  if (topic.cluster === null) return { ...topic, standby: null, stub: null }
  const atHome = tenants.some(({ name, home }) => name === topic.tenant && home === topic.cluster)
  return atHome && topic.stub !== topic.cluster ? { ...topic, stub: null } : topic
}

/** The same fleet, each of its lists in another order. */
export const shuffled = (fleet: FleetSnapshot): fc.Arbitrary<FleetSnapshot> =>
  fc.record({
    clusters: inAnyOrder(fleet.clusters),
    slas: inAnyOrder(fleet.slas),
    tenants: inAnyOrder(fleet.tenants),
    topics: inAnyOrder(fleet.topics),
    replicas: inAnyOrder(fleet.replicas),
  })

const inAnyOrder = <T>(all: readonly T[]): fc.Arbitrary<T[]> =>
  fc.shuffledSubarray([...all], { minLength: all.length, maxLength: all.length })
