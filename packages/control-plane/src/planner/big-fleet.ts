// A company's fleet, made up: for benchmarks and demonstrations. The same seed gives the same fleet.
import type { FleetSnapshot, PlannedCluster, PlannedTopic, SlaClass } from './fleet.ts'

export interface BigFleetSize {
  readonly topics: number
  readonly clusters: number
}

const regions = ['ap', 'eu', 'us'] as const
const zones = ['a', 'b', 'c'] as const
const TOPICS_PER_TENANT = 50
const BROKERS = 6

/**
 * Clusters in three regions of three failure domains each; one in ten dedicated, one in ten for reading. Tenants
 * with about 50 topics, most of them small, some of them large; classes with and without standby. The write
 * clusters of 10,000 topics over 150 carry about a third of what they could, and keep room for failovers. No topic has a cluster yet.
 */
export function bigFleet(seed: number, { topics, clusters }: BigFleetSize): FleetSnapshot {
  const random = mulberry32(seed)
  const tenantCount = Math.max(1, Math.ceil(topics / TOPICS_PER_TENANT))
  const padded = (n: number): string => String(n).padStart(5, '0')
  const tenantName = (n: number): string => `team-${padded(n)}`

  const made = Array.from({ length: clusters }, (_, i): PlannedCluster => {
    const region = regions[i % regions.length]!
    const zone = zones[Math.floor(i / regions.length) % zones.length]!
    const kind = Math.floor(i / 9) % 10
    const tier = kind === 8 ? 'dedicated' : kind === 9 ? 'read' : 'shared'
    return {
      name: `${region}-${zone}-${padded(i)}`,
      tier,
      dedicatedTo: tier === 'dedicated' ? tenantName(Math.floor(i / 90) % tenantCount) : null,
      labels: { region, 'failure-domain': `${region}-${zone}` },
      brokers: BROKERS,
      capacity: {
        bytesInPerSecond: BROKERS * 50e6,
        bytesOutPerSecond: BROKERS * 150e6,
        partitions: BROKERS * 2_000,
      },
      state: 'active',
      otherPartitions: Math.floor(random() * 100),
    }
  })
  const homes = made.filter(({ tier }) => tier === 'shared').map(({ name }) => name)
  const tenants = Array.from({ length: tenantCount }, (_, i) => {
    const home = homes[Math.floor(random() * homes.length)] ?? ''
    const away = homes.filter((name) => name.slice(0, 4) !== home.slice(0, 4))
    return { name: tenantName(i), home, standbyHome: away[Math.floor(random() * away.length)] ?? null }
  })
  const dedicatedTenants = new Set(made.map(({ dedicatedTo }) => dedicatedTo))

  const placedTopics = Array.from({ length: topics }, (_, i): PlannedTopic => {
    const tenant = tenantName(i % tenantCount)
    const wish = random()
    // Two in a hundred are large: a skew that every company has.
    const large = random() < 0.02
    const bytes = Math.round(random() * (large ? 40e6 : 1.2e6))
    const readers = Math.floor(random() * 5)
    return {
      tenant,
      name: `topic-${padded(i)}`,
      partitions: large ? 24 : 1 + Math.floor(random() * 12),
      sla:
        dedicatedTenants.has(tenant) && wish < 0.5
          ? 'platinum'
          : wish < 0.5
            ? 'bronze'
            : wish < 0.8
              ? 'silver'
              : `gold-${regions[Math.floor(random() * regions.length)]}`,
      replicationFactor: null,
      expected: { bytesInPerSecond: bytes, readers },
      measured: random() < 0.5 ? { bytesInPerSecond: bytes * random(), readers } : null,
      cluster: null,
      pinnedTo: null,
      standby: null,
      stub: null,
      // Where a class wants a label, the tenant's home may lack it.
      transactional: wish < 0.5 && !dedicatedTenants.has(tenant) && random() < 0.05,
      movable: random() < 0.05 ? { ok: false, reason: 'the topic is compacted' } : { ok: true },
    }
  })
  return { clusters: made, slas, tenants, topics: placedTopics, replicas: [] }
}

const slas: readonly SlaClass[] = [
  slaClass('bronze', 'none', 2, {}),
  slaClass('silver', 'strict', 3, {}),
  slaClass('platinum', 'none', 3, {}, true),
  ...regions.map((region) => slaClass(`gold-${region}`, 'available', 3, { region })),
]

function slaClass(
  name: string,
  failover: SlaClass['availability']['failover'],
  replicationFactor: number,
  labels: Record<string, string>,
  dedicated = false,
): SlaClass {
  return {
    name,
    availability: { failover },
    durability: { replicationFactor, minInSyncReplicas: replicationFactor - 1, dual: false },
    latency: { dedicated, labels },
    maxRetentionMs: null,
  }
}

/** A small generator of even quality, 32 bits of state (Tommy Ettinger's Mulberry32). In [0, 1). */
function mulberry32(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let z = state
    z = Math.imul(z ^ (z >>> 15), z | 1)
    z ^= z + Math.imul(z ^ (z >>> 7), z | 61)
    return ((z ^ (z >>> 14)) >>> 0) / 2 ** 32
  }
}
