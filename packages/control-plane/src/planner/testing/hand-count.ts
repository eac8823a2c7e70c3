// The hard rules once more, written as plainly as can be and with nothing taken from the planner: a mistake in
// the planner's own predicates would hide from tests that ask those predicates.
import type { FleetSnapshot, PlannedCluster, PlannedTopic } from '../fleet.ts'

/** What is wrong: with topics by rule and cluster, and with clusters by how much they are over. */
export interface HandCount {
  readonly topics: ReadonlySet<string>
  readonly over: ReadonlyMap<string, number>
}

export function handCount(fleet: FleetSnapshot): HandCount {
  const wrong = new Set<string>()
  const cluster = (name: string | null) => fleet.clusters.find((each) => each.name === name)
  for (const topic of fleet.topics) {
    const sla = fleet.slas.find(({ name }) => name === topic.sla)
    const tenant = fleet.tenants.find(({ name }) => name === topic.tenant)!
    const parts = [
      ['active', cluster(topic.cluster)],
      ['standby', cluster(topic.standby)],
    ] as const
    for (const [part, at] of parts) {
      if (at === undefined) continue
      const no = (rule: string) => wrong.add(`${topic.name} ${part} ${at.name} ${rule}`)
      if (at.tier === 'read') no('on a read cluster')
      if (sla?.latency.dedicated && at.dedicatedTo !== topic.tenant) no('not dedicated')
      if (!sla?.latency.dedicated && at.tier === 'dedicated') no('dedicated')
      for (const [key, value] of Object.entries(sla?.latency.labels ?? {}))
        if (at.labels[key] !== value) no('label')
      if (factor(fleet, topic, at) > at.brokers) no('too few brokers')
      if ((sla?.durability.minInSyncReplicas ?? 1) > factor(fleet, topic, at)) no('in-sync')
      if (topic.transactional && at.name !== (part === 'active' ? tenant.home : tenant.standbyHome))
        no('not at home')
      if (part === 'active' && topic.pinnedTo !== null && topic.pinnedTo !== at.name) no('pinned elsewhere')
    }
    const [active, standby] = [cluster(topic.cluster), cluster(topic.standby)]
    if (active && standby && domain(active) === domain(standby)) wrong.add(`${topic.name} in one domain`)
  }
  const over = new Map<string, number>()
  for (const each of fleet.clusters) {
    const { bytesInPerSecond, bytesOutPerSecond, partitions } = each.capacity
    const note = (what: string, load: number, capacity: number | null) => {
      if (capacity !== null && load > capacity) over.set(`${each.name} ${what}`, load - capacity)
    }
    note('partitions', partitionsOn(fleet, each), partitions)
    // Whichever domain fails, or none.
    for (const failing of [null, ...new Set(fleet.clusters.map(domain))]) {
      const load = trafficOn(fleet, each, failing)
      note(`bytes in when ${failing} fails`, load.bytesIn, bytesInPerSecond)
      note(`bytes out when ${failing} fails`, load.bytesOut, bytesOutPerSecond)
    }
  }
  return { topics: wrong, over }
}

const domain = ({ name, labels }: PlannedCluster): string => labels['failure-domain'] ?? name

function factor(fleet: FleetSnapshot, topic: PlannedTopic, at: PlannedCluster): number {
  const ofClass = fleet.slas.find(({ name }) => name === topic.sla)?.durability.replicationFactor
  return topic.replicationFactor ?? ofClass ?? Math.min(3, at.brokers)
}

function partitionsOn(fleet: FleetSnapshot, at: PlannedCluster): number {
  const places = fleet.topics.flatMap(({ cluster, standby, stub, partitions }) =>
    [cluster, standby, stub].filter((name) => name === at.name).map(() => partitions),
  )
  const copies = fleet.replicas
    .filter(({ cluster }) => cluster === at.name)
    .map(
      (copy) =>
        fleet.topics.find(({ tenant, name }) => tenant === copy.tenant && name === copy.topic)!.partitions,
    )
  return at.otherPartitions + [...places, ...copies].reduce((sum, n) => sum + n, 0)
}

function trafficOn(
  fleet: FleetSnapshot,
  at: PlannedCluster,
  failing: string | null,
): { bytesIn: number; bytesOut: number } {
  let [bytesIn, bytesOut] = [0, 0]
  for (const topic of fleet.topics) {
    const bytes = Math.max(topic.expected.bytesInPerSecond, topic.measured?.bytesInPerSecond ?? 0)
    const copies = fleet.replicas.filter((copy) => copy.tenant === topic.tenant && copy.topic === topic.name)
    const dual = fleet.slas.find(({ name }) => name === topic.sla)?.durability.dual ?? false
    const all = Math.max(topic.expected.readers, topic.measured?.readers ?? 0)
    const elsewhere = Math.min(
      all,
      copies.reduce((sum, { readers }) => sum + readers, 0),
    )
    const readers = all - elsewhere + copies.length + (dual ? 1 : 0)
    const followers = factor(fleet, topic, at) - 1
    const active = fleet.clusters.find(({ name }) => name === topic.cluster)
    const takesOver =
      topic.standby === at.name && failing !== null && active !== undefined && domain(active) === failing
    if (topic.cluster === at.name || takesOver) {
      bytesIn += bytes
      bytesOut += bytes * (readers + followers)
    } else if (topic.standby === at.name && dual) {
      bytesIn += bytes
      bytesOut += bytes * followers
    }
    for (const copy of copies) {
      if (copy.cluster !== at.name) continue
      bytesIn += bytes
      bytesOut += bytes * (copy.readers + Math.min(factor(fleet, topic, at), at.brokers) - 1)
    }
  }
  return { bytesIn, bytesOut }
}
