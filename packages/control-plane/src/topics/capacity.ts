import type { ClusterFacts } from '../clusters/kafka-cluster.ts'
import { Refusal } from '../refusal.ts'
import type { ClusterRow } from '../store/rows.ts'

/** Throws unless the cluster can take a topic of so many partitions and replicas. */
export function checkCapacity(
  cluster: Pick<ClusterRow, 'name' | 'partitionsMax'>,
  facts: ClusterFacts,
  topic: { name: string; partitions: number; replicationFactor?: number | undefined },
): void {
  const { partitionsMax, name } = cluster
  if (partitionsMax !== null && facts.partitions + topic.partitions > partitionsMax) {
    throw new Refusal(
      'NO_ROOM',
      `${name} has no room for the ${topic.partitions} partitions of topic ${topic.name}: it has ${facts.partitions} of at most ${partitionsMax}; choose another cluster, or raise its limit`,
    )
  }
  const { replicationFactor } = topic
  if (replicationFactor !== undefined && facts.brokers < replicationFactor) {
    throw new Refusal(
      'TOO_FEW_BROKERS',
      `topic ${topic.name} has replication factor ${replicationFactor}, and ${name} has ${facts.brokers} ${facts.brokers === 1 ? 'broker' : 'brokers'}: choose a larger cluster`,
    )
  }
}
