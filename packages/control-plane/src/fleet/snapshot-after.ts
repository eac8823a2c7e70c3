// The planner's view of the fleet once the file is in force, with every topic where it is now.
import type { FleetSnapshot, PlannedCluster, PlannedTopic, SlaClass } from '../planner/index.ts'
import { topicKey } from '../planner/index.ts'
import type { FleetChanges } from './changes.ts'
import type { ClusterDocument, Reached, SlaDocument, TopicDocument } from './world.ts'

/** Clusters that are new and were not reached are not in it. Neither are topics that are new: see plannedTopic. */
export function snapshotAfter(
  before: FleetSnapshot,
  changes: FleetChanges,
  reached: ReadonlyMap<string, Reached>,
): FleetSnapshot {
  const clusters = new Map(before.clusters.map((cluster) => [cluster.name, cluster]))
  const changed = new Map(changes.topic.update.map(({ after }) => [topicKey(after), after]))
  const removed = new Set(changes.topic.remove.map(topicKey))
  return {
    clusters: [...changes.cluster.all.values()].flatMap((document) => {
      const planned = plannedCluster(document, clusters.get(document.name), reached.get(document.name))
      return planned === undefined ? [] : [planned]
    }),
    slas: [...changes.sla.all.values()].map(plannedSla),
    tenants: [...changes.tenant.all.values()].map(({ name, home, standbyHome }) => ({
      name,
      home,
      standbyHome,
    })),
    topics: before.topics
      .filter((topic) => !removed.has(topicKey(topic)))
      .map((topic) => {
        const document = changed.get(topicKey(topic))
        return document === undefined ? topic : plannedTopic(document, topic)
      }),
    replicas: before.replicas,
  }
}

export function plannedTopic(document: TopicDocument, now: PlannedTopic | undefined): PlannedTopic {
  const { tenant, name, partitions, sla, replicationFactor, expected, cluster: pinnedTo } = document
  const place = now ?? {
    measured: null,
    cluster: null,
    standby: null,
    stub: null,
    transactional: false,
    movable: { ok: true } as const,
  }
  return { ...place, tenant, name, partitions, sla, replicationFactor, expected, pinnedTo }
}

export function plannedSla({
  name,
  availability,
  durability,
  latency,
  retentionMaxMs,
}: SlaDocument): SlaClass {
  return { name, availability, durability, latency, maxRetentionMs: retentionMaxMs }
}

function plannedCluster(
  document: ClusterDocument,
  now: PlannedCluster | undefined,
  answer: Reached | undefined,
): PlannedCluster | undefined {
  const { name, tier, dedicatedTo, labels, capacity } = document
  if (now !== undefined) return { ...now, tier, dedicatedTo, labels, capacity }
  if (answer?.kind !== 'reached') return undefined
  const { brokers, partitions } = answer
  return { name, tier, dedicatedTo, labels, capacity, brokers, state: 'active', otherPartitions: partitions }
}
