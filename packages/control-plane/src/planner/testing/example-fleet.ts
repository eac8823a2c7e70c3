// A fleet that people can keep in their heads, for scenarios: two regions, three classes, two teams.
import type { FleetSnapshot, PlannedCluster, PlannedTopic, SlaClass } from '../fleet.ts'

export const MB = 1_000_000

/** By default: shared, three brokers, in failure domain `region-zone` as its name says, 200 MB/s of bytes out. */
export function cluster(name: string, more: Partial<PlannedCluster> = {}): PlannedCluster {
  const [region = '', zone = ''] = name.split('-')
  return {
    name,
    tier: 'shared',
    dedicatedTo: null,
    labels: { region, 'failure-domain': `${region}-${zone}` },
    brokers: 3,
    capacity: { bytesInPerSecond: 100 * MB, bytesOutPerSecond: 200 * MB, partitions: 1_000 },
    state: 'active',
    otherPartitions: 0,
    ...more,
  }
}

type TopicChanges = Partial<Omit<PlannedTopic, 'expected'>> & { megabytesIn?: number; readers?: number }

/** By default: of team shop, bronze, 6 partitions, 5 MB/s in, 2 readers, not placed. */
export function topic(
  name: string,
  { megabytesIn = 5, readers = 2, ...more }: TopicChanges = {},
): PlannedTopic {
  return {
    tenant: 'shop',
    name,
    partitions: 6,
    sla: 'bronze',
    replicationFactor: null,
    expected: { bytesInPerSecond: megabytesIn * MB, readers },
    measured: null,
    cluster: null,
    pinnedTo: null,
    standby: null,
    stub: null,
    transactional: false,
    movable: { ok: true },
    ...more,
  }
}

const slas: readonly SlaClass[] = [
  {
    name: 'bronze',
    availability: { failover: 'none' },
    durability: { replicationFactor: 2, minInSyncReplicas: 1, dual: false },
    latency: { dedicated: false, labels: {} },
    maxRetentionMs: null,
  },
  {
    name: 'gold',
    availability: { failover: 'strict' },
    durability: { replicationFactor: 3, minInSyncReplicas: 2, dual: false },
    latency: { dedicated: false, labels: { region: 'eu' } },
    maxRetentionMs: null,
  },
  {
    name: 'platinum',
    availability: { failover: 'none' },
    durability: { replicationFactor: 3, minInSyncReplicas: 2, dual: false },
    latency: { dedicated: true, labels: {} },
    maxRetentionMs: null,
  },
]

export function exampleFleet(parts: Partial<FleetSnapshot> = {}): FleetSnapshot {
  return {
    clusters: [
      cluster('eu-a-1'),
      cluster('eu-a-2'),
      cluster('eu-b-1'),
      cluster('us-a-1'),
      cluster('eu-read', { tier: 'read', labels: { region: 'eu' } }),
      cluster('eu-bank', { tier: 'dedicated', dedicatedTo: 'bank', labels: { region: 'eu' } }),
    ],
    slas,
    tenants: [
      { name: 'bank', home: 'eu-b-1', standbyHome: 'eu-a-2' },
      { name: 'shop', home: 'eu-a-1', standbyHome: 'eu-b-1' },
    ],
    topics: [],
    replicas: [],
    ...parts,
  }
}
