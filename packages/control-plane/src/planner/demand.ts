// What a topic asks of the clusters that carry it.
import type { FleetSnapshot, PlannedReplica, PlannedTenant, PlannedTopic, SlaClass } from './fleet.ts'
import { topicKey } from './fleet.ts'
import { bytesPerSecond, count } from './words.ts'

/** Kafka's customary replication factor, for topics that ask for none, where there are enough brokers. */
const REPLICATION_FACTOR_DEFAULT = 3

/**
 * A topic with everything that its class, its tenant and its replicas say about it.
 *
 * **Traffic is the larger of expected and measured**, bytes and readers each for itself: what was promised to
 * an owner stays reserved through quiet hours, and a wish that was too small does not overfill a cluster.
 * Rounded up to whole bytes and readers, so that sums are exact in any order.
 */
export interface Demand {
  readonly topic: PlannedTopic
  readonly key: string
  /** Why nothing can be said about it; null when all is known. */
  readonly problem: string | null
  readonly home: string | null
  readonly standbyHome: string | null
  readonly bytesInPerSecond: number
  /** All of them, wherever they read. */
  readonly readers: number
  /** Of these, those that read from a replica. */
  readonly readersElsewhere: number
  /** Flows that feed its replicas: each reads once. */
  readonly flows: number
  /** The clusters of its replicas. */
  readonly replicaClusters: readonly string[]
  /** 1 with dual durability, whose copy on the standby is fed by one more reader. */
  readonly copies: number
  /** As asked for, by the topic or its class; null leaves it to the cluster. */
  readonly replicationFactor: number | null
  readonly minInSyncReplicas: number
  readonly wantsStandby: boolean
  readonly dual: boolean
  readonly dedicated: boolean
  readonly labels: readonly (readonly [string, string])[]
}

/** Turns topics into demands. */
export function demandsOf(snapshot: FleetSnapshot): (topic: PlannedTopic) => Demand {
  const slas = new Map(snapshot.slas.map((sla) => [sla.name, withLabelList(sla)]))
  const tenants = new Map(snapshot.tenants.map((tenant) => [tenant.name, tenant]))
  const replicas = Map.groupBy(snapshot.replicas, ({ tenant, topic }) => topicKey({ tenant, name: topic }))
  return (topic) => {
    const key = topicKey(topic)
    return demandOf(topic, key, {
      sla: topic.sla === null ? null : slas.get(topic.sla),
      tenant: tenants.get(topic.tenant),
      replicas: replicas.get(key) ?? [],
    })
  }
}

type Labels = Demand['labels']
const withLabelList = (sla: SlaClass): { sla: SlaClass; labels: Labels } => ({
  sla,
  labels: Object.entries(sla.latency.labels).toSorted(([a], [b]) => (a < b ? -1 : 1)),
})

function demandOf(
  topic: PlannedTopic,
  key: string,
  known: {
    /** Null: the topic has none; undefined: there is none of its name. */
    sla: { sla: SlaClass; labels: Labels } | null | undefined
    tenant: PlannedTenant | undefined
    replicas: readonly PlannedReplica[]
  },
): Demand {
  const { expected, measured } = topic
  const sla = known.sla?.sla
  const readers = Math.ceil(Math.max(expected.readers, measured?.readers ?? 0))
  const dual = sla?.durability.dual ?? false
  return {
    topic,
    key,
    problem:
      known.tenant === undefined
        ? `there is no tenant ${topic.tenant}`
        : known.sla === undefined
          ? `there is no SLA class ${topic.sla}`
          : null,
    home: known.tenant?.home ?? null,
    standbyHome: known.tenant?.standbyHome ?? null,
    bytesInPerSecond: Math.ceil(Math.max(expected.bytesInPerSecond, measured?.bytesInPerSecond ?? 0)),
    readers,
    readersElsewhere: Math.min(
      readers,
      known.replicas.reduce((sum, replica) => sum + Math.ceil(replica.readers), 0),
    ),
    flows: known.replicas.length,
    replicaClusters: known.replicas.map(({ cluster }) => cluster),
    copies: dual ? 1 : 0,
    replicationFactor: topic.replicationFactor ?? sla?.durability.replicationFactor ?? null,
    minInSyncReplicas: sla?.durability.minInSyncReplicas ?? 1,
    wantsStandby: dual || (sla !== undefined && sla.availability.failover !== 'none'),
    dual,
    dedicated: sla?.latency.dedicated ?? false,
    labels: known.sla?.labels ?? [],
  }
}

export const replicationFactorOn = (demand: Demand, brokers: number): number =>
  demand.replicationFactor ?? Math.max(1, Math.min(REPLICATION_FACTOR_DEFAULT, brokers))

/** Whatever reads at the active loglet: readers that no replica serves, flows, and the copy of a dual topic. */
export const readersHere = (demand: Demand): number =>
  demand.readers - demand.readersElsewhere + demand.flows + demand.copies

/** `bytesOut = (readers + replicationFactor - 1) x bytesIn`: every follower reads each byte once, too. */
export const fanOut = (bytesInPerSecond: number, readers: number, replicationFactor: number): number =>
  (readers + replicationFactor - 1) * bytesInPerSecond

/** `5 MB/s x (6 readers + 3 - 1) = 40 MB/s`. */
export function fanOutInWords(demand: Demand, replicationFactor: number): string {
  const { bytesInPerSecond: bytes, readers, readersElsewhere, flows, copies } = demand
  const terms = [
    count(readers - readersElsewhere, 'reader'),
    ...(flows > 0 ? [count(flows, 'flow')] : []),
    ...(copies > 0 ? [`${copies} copy`] : []),
    `${replicationFactor} - 1`,
  ]
  const total = fanOut(bytes, readersHere(demand), replicationFactor)
  return `${bytesPerSecond(bytes)} x (${terms.join(' + ')}) = ${bytesPerSecond(total)}`
}
