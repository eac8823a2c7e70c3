import { describeConfigs, incrementalAlterConfigs } from '@braid/kafka-protocol'
import type { ClusterConnections } from '../cluster-connections.ts'
import type { Lane } from '../pool.ts'
import { topicRight } from '../rights.ts'
import { onController, refused } from './on-controller.ts'

/** Kafka's number for topics (ConfigResource.Type). */
export const TOPIC_RESOURCE = 2
const SET = 0
const DELETE = 1

export type ConfigSource = 'topic' | 'broker' | 'cluster' | 'static' | 'default' | 'other'

/** Kafka's numbers (DescribeConfigsResponse.ConfigSource). */
const sources: readonly ConfigSource[] = ['other', 'topic', 'broker', 'cluster', 'static', 'default']

export function configSource(number: number): ConfigSource {
  return sources[number] ?? 'other'
}

export interface ConfigValue {
  readonly value: string | null
  /** where the effective value comes from; 'topic' is an override of the topic's own */
  readonly source: ConfigSource
}

export interface TopicConfigChange {
  readonly topic: string
  /** null deletes the topic's override */
  readonly configs: Readonly<Record<string, string | null>>
}

/** The effective values of all of a topic's configs. */
export async function describeTopicConfigs(
  cluster: ClusterConnections,
  topic: string,
): Promise<ReadonlyMap<string, ConfigValue>> {
  const connection = await cluster.any()
  const answer = await connection.call(describeConfigs, {
    resources: [{ resourceType: TOPIC_RESOURCE, resourceName: topic, configurationKeys: null }],
  })
  const values = new Map<string, ConfigValue>()
  for (const result of answer.results) {
    if (result.errorCode !== 0) {
      throw refused(
        cluster,
        `describe the configs of topic ${topic}`,
        result,
        topicRight('DescribeConfigs', topic),
      )
    }
    for (const { name, value, configSource: source } of result.configs) {
      values.set(name, { value, source: configSource(source) })
    }
  }
  return values
}

/** Resolves when the controller answered; brokers apply it some milliseconds later. */
export function alterTopicConfigs(
  cluster: ClusterConnections,
  topic: string,
  configs: Readonly<Record<string, string | null>>,
): Promise<void> {
  return changeTopicConfigs(cluster, [{ topic, configs }], 'slow')
}

/** One request for all topics. */
export async function changeTopicConfigs(
  cluster: ClusterConnections,
  changes: readonly TopicConfigChange[],
  lane: Lane,
): Promise<void> {
  if (changes.length === 0) return
  const answers = await onController(cluster, lane, async (connection) => {
    const answer = await connection.call(incrementalAlterConfigs, {
      resources: changes.map(({ topic, configs }) => ({
        resourceType: TOPIC_RESOURCE,
        resourceName: topic,
        configs: Object.entries(configs).map(([name, value]) => ({
          name,
          configOperation: value === null ? DELETE : SET,
          value,
        })),
      })),
      validateOnly: false,
    })
    return answer.responses
  })
  for (const answer of answers) {
    if (answer.errorCode === 0) continue
    const { resourceName: topic } = answer
    const needed = topicRight('AlterConfigs', topic)
    throw refused(cluster, `change the configs of topic ${topic}`, answer, needed)
  }
}
