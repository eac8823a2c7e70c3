import { describeConfigs, errorCodes, metadata } from '@braid/kafka-protocol'
import type { BrokerConnection } from '../broker-connection.ts'
import type { ClusterConnections } from '../cluster-connections.ts'
import { topicRight } from '../rights.ts'
import { refused } from './on-controller.ts'
import { type ConfigValue, configSource, TOPIC_RESOURCE } from './topic-configs.ts'

export interface TopicDescription {
  readonly partitions: number
  /** of partition 0 */
  readonly replicationFactor: number
  /** the effective values */
  readonly configs: ReadonlyMap<string, ConfigValue>
}

/** Nothing has a leader yet, or not any more: it is there all the same. */
const there: ReadonlySet<number> = new Set([errorCodes.NONE, errorCodes.LEADER_NOT_AVAILABLE])
const absent: ReadonlySet<number> = new Set([
  errorCodes.UNKNOWN_TOPIC_OR_PARTITION,
  errorCodes.INVALID_TOPIC_EXCEPTION,
])

/**
 * Partitions and configs of many topics, by two requests to one broker; without those that are not there. Only the
 * configs named in `names` when that is given.
 */
export async function describeTopics(
  cluster: ClusterConnections,
  topics: readonly string[],
  names: readonly string[] | null = null,
): Promise<ReadonlyMap<string, TopicDescription>> {
  const found = new Map<string, TopicDescription>()
  if (topics.length === 0) return found
  const connection = await cluster.any('slow')
  const shapes = await shapesOf(cluster, connection, topics)
  if (shapes.size === 0) return found
  const answer = await connection.call(describeConfigs, {
    resources: Array.from(shapes.keys(), (resourceName) => ({
      resourceType: TOPIC_RESOURCE,
      resourceName,
      configurationKeys: names === null ? null : [...names],
    })),
  })
  for (const result of answer.results) {
    const topic = result.resourceName
    const shape = shapes.get(topic)
    if (shape === undefined || absent.has(result.errorCode)) continue
    if (result.errorCode !== 0) {
      const needed = topicRight('DescribeConfigs', topic)
      throw refused(cluster, `describe the configs of topic ${topic}`, result, needed)
    }
    const configs = new Map<string, ConfigValue>()
    for (const { name, value, configSource: source } of result.configs)
      configs.set(name, { value, source: configSource(source) })
    found.set(topic, { ...shape, configs })
  }
  return found
}

async function shapesOf(
  cluster: ClusterConnections,
  connection: BrokerConnection,
  topics: readonly string[],
): Promise<ReadonlyMap<string, Omit<TopicDescription, 'configs'>>> {
  const answer = await connection.call(metadata, {
    topics: topics.map((name) => ({ name })),
    allowAutoTopicCreation: false,
  })
  const shapes = new Map<string, Omit<TopicDescription, 'configs'>>()
  for (const { name, errorCode, partitions } of answer.topics) {
    if (name === null || absent.has(errorCode)) continue
    if (!there.has(errorCode)) {
      throw refused(
        cluster,
        `describe topic ${name}`,
        { errorCode, errorMessage: null },
        topicRight('Describe', name),
      )
    }
    shapes.set(name, {
      partitions: partitions.length,
      replicationFactor: partitions[0]?.replicaNodes.length ?? 1,
    })
  }
  return shapes
}
