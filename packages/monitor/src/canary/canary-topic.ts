import type { ClusterConnections } from '@braid/kafka-connection'
import { createPartitions, createTopics, errorCodes, errorName } from '@braid/kafka-protocol'

/** On every cluster, made by the monitor, so that each broker can be asked to take a record. */
export const canaryTopic = 'braid.canary'

const REPLICAS_MAX = 3
const CREATE_MAX_MS = 10_000
const configs = {
  'cleanup.policy': 'delete',
  'retention.ms': '600000',
  // Only whole segments are deleted.
  'segment.bytes': '1048576',
  'segment.ms': '600000',
}

/** Replicas of each partition, its leader first: one partition a broker, so that each leads one. */
export function canaryReplicas(brokers: readonly number[]): number[][] {
  const all = brokers.toSorted((a, b) => a - b)
  const count = Math.min(REPLICAS_MAX, all.length)
  return all.map((_, first) => Array.from({ length: count }, (_, i) => all[(first + i) % all.length]!))
}

/**
 * Makes the topic, or adds a partition for each broker that came since. Answers how many it has. Partitions of brokers that
 * are gone stay: others lead them.
 *
 * @throws Error with what the cluster says
 */
export async function ensureCanaryTopic(cluster: ClusterConnections): Promise<number> {
  await cluster.refreshBrokers()
  const brokers = (await cluster.brokers()).map(({ id }) => id)
  // Somebody may have deleted it.
  cluster.forgetTopic(canaryTopic)
  await cluster.refreshMetadata([canaryTopic]).catch(() => {})
  const there = cluster.partitionCount(canaryTopic)
  if (there < 0) return create(cluster, brokers)
  if (there < brokers.length) await grow(cluster, brokers, there)
  return Math.max(there, brokers.length)
}

async function create(cluster: ClusterConnections, brokers: readonly number[]): Promise<number> {
  const replicas = canaryReplicas(brokers)
  const controller = await cluster.controller('slow')
  const answer = await controller.call(
    createTopics,
    {
      topics: [
        {
          name: canaryTopic,
          // The assignments say.
          numPartitions: -1,
          replicationFactor: -1,
          assignments: replicas.map((brokerIds, partitionIndex) => ({ partitionIndex, brokerIds })),
          configs: Object.entries(configs).map(([name, value]) => ({ name, value })),
        },
      ],
      timeoutMs: CREATE_MAX_MS,
    },
    { timeoutMs: CREATE_MAX_MS },
  )
  for (const { errorCode, errorMessage } of answer.topics) {
    // Another monitor was first.
    if (errorCode === errorCodes.NONE || errorCode === errorCodes.TOPIC_ALREADY_EXISTS) continue
    throw new Error(
      `${cluster.name} does not make ${canaryTopic}: ${errorName(errorCode)} ${errorMessage ?? ''}`,
    )
  }
  return replicas.length
}

async function grow(cluster: ClusterConnections, brokers: readonly number[], there: number): Promise<void> {
  const controller = await cluster.controller('slow')
  const assignments = canaryReplicas(brokers)
    .slice(there)
    .map((brokerIds) => ({ brokerIds }))
  const topics = [{ name: canaryTopic, count: brokers.length, assignments }]
  const answer = await controller.call(
    createPartitions,
    { topics, timeoutMs: CREATE_MAX_MS },
    { timeoutMs: CREATE_MAX_MS },
  )
  for (const { errorCode, errorMessage } of answer.results) {
    if (errorCode === errorCodes.NONE || errorCode === errorCodes.INVALID_PARTITIONS) continue
    throw new Error(
      `${cluster.name} adds no partition to ${canaryTopic}: ${errorName(errorCode)} ${errorMessage ?? ''}`,
    )
  }
  cluster.forgetTopic(canaryTopic)
}
