import { createPartitions as createPartitionsApi } from '@braid/kafka-protocol'
import type { ClusterConnections } from '../cluster-connections.ts'
import { topicRight } from '../rights.ts'
import { onController, refused } from './on-controller.ts'

export interface MorePartitions {
  readonly topic: string
  /** of the topic by then, not how many more */
  readonly partitions: number
}

/**
 * One request for all topics. Rejects with BROKER_ERROR (`kafkaError` 37 when a topic has as many already, or more) or
 * NOT_AUTHORIZED, and what was refused for one topic may be done for another. Follow with `waitForLeaders`.
 */
export async function createPartitions(
  cluster: ClusterConnections,
  topics: readonly MorePartitions[],
): Promise<void> {
  if (topics.length === 0) return
  const timeoutMs = cluster.options.requestTimeoutMs
  const answers = await onController(cluster, 'slow', async (connection) => {
    const answer = await connection.call(createPartitionsApi, {
      topics: topics.map(({ topic, partitions }) => ({ name: topic, count: partitions, assignments: null })),
      timeoutMs,
      validateOnly: false,
    })
    return answer.results
  })
  // Cached counts are those from before.
  for (const { topic } of topics) cluster.forgetTopic(topic)
  for (const answer of answers) {
    if (answer.errorCode === 0) continue
    throw refused(cluster, `add partitions to topic ${answer.name}`, answer, topicRight('Alter', answer.name))
  }
}
