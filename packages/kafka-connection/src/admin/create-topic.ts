import { createTopics, deleteTopics, errorCodes, listOffsets } from '@braid/kafka-protocol'
import type { ClusterConnections } from '../cluster-connections.ts'
import { ConnectionError } from '../errors.ts'
import { brokerError, isRefusal, topicRight } from '../rights.ts'
import { byLeader, canPass } from './by-leader.ts'
import { CONSUMER, LATEST, listOffsetsRequest } from './log-ends.ts'
import { onController, refused } from './on-controller.ts'

/** From version 4 on, -1 stands for the cluster's default. */
const DEFAULT_REPLICATION = -1
/** Version 6 names topics by id too, which we do not need. */
const DELETE_BY_NAME_CAP = 5
const POLL_FIRST_MS = 5
const POLL_MAX_MS = 100

export interface NewTopic {
  readonly topic: string
  readonly partitions: number
  /** the cluster's default when absent */
  readonly replicationFactor?: number
  readonly configs?: Readonly<Record<string, string>>
}

/** Rejects with BROKER_ERROR (`kafkaError` 36 when the topic exists) or NOT_AUTHORIZED. Follow with `waitForLeaders`. */
export async function createTopic(cluster: ClusterConnections, newTopic: NewTopic): Promise<void> {
  const { topic, partitions, replicationFactor = DEFAULT_REPLICATION, configs = {} } = newTopic
  const timeoutMs = cluster.options.requestTimeoutMs
  const answers = await onController(cluster, 'slow', async (connection) => {
    const answer = await connection.call(createTopics, {
      topics: [
        {
          name: topic,
          numPartitions: partitions,
          replicationFactor,
          assignments: [],
          configs: Object.entries(configs).map(([name, value]) => ({ name, value })),
        },
      ],
      timeoutMs,
    })
    return answer.topics
  })
  for (const answer of answers)
    if (answer.errorCode !== 0)
      throw refused(cluster, `create topic ${topic}`, answer, topicRight('Create', topic))
}

/** Resolves when every partition has a leader that answers for it, and the metadata cache knows them all. */
export async function waitForLeaders(
  cluster: ClusterConnections,
  topic: string,
  partitions: number,
  timeoutMs: number,
): Promise<void> {
  const { clock } = cluster.options
  const startedMs = clock.now()
  const pending = new Set(Array.from({ length: partitions }, (_, partition) => partition))
  let why = 'no broker was asked'
  for (let pollMs = POLL_FIRST_MS; ; pollMs = Math.min(POLL_MAX_MS, pollMs * 2)) {
    try {
      if (byLeader(cluster, topic, pending).has(-1)) await cluster.refreshMetadata([topic])
      for (const [leader, group] of byLeader(cluster, topic, pending)) {
        if (leader < 0) continue
        const connection = await cluster.shared(leader)
        const answer = await connection.call(listOffsets, listOffsetsRequest(topic, group, LATEST, CONSUMER))
        for (const { partitionIndex, errorCode } of answer.topics.flatMap((t) => t.partitions)) {
          if (errorCode === 0) pending.delete(partitionIndex)
          else if (isRefusal(errorCode)) {
            const what = `${cluster.name} broker ${leader} does not tell the end of ${topic}-${partitionIndex}`
            throw brokerError(cluster.name, what, errorCode, topicRight('Describe', topic))
          } else {
            why = `partition ${partitionIndex} answers ${errorCode}`
            cluster.invalidate(topic, partitionIndex)
          }
        }
      }
      if (pending.size === 0) return
    } catch (error) {
      const passes =
        error instanceof ConnectionError && (error.code === 'UNKNOWN_TOPIC' || error.code === 'NO_LEADER')
      if (!passes && !canPass(error)) throw error
      if (cluster.closed) throw error
      why = (error as Error).message
    }
    if (clock.now() - startedMs >= timeoutMs || cluster.closed) {
      throw new ConnectionError(
        'NO_LEADER',
        `${cluster.name} topic ${topic}: no leader answers for ${pending.size} of ${partitions} partitions after ` +
          `${timeoutMs} ms (${why})`,
        { cluster: cluster.name },
      )
    }
    await cluster.wait(pollMs)
  }
}

/** true when it was deleted, false when there was none. */
export async function deleteTopic(cluster: ClusterConnections, topic: string): Promise<boolean> {
  const timeoutMs = cluster.options.requestTimeoutMs
  const answers = await onController(cluster, 'slow', async (connection) => {
    const version = connection.versionOf(deleteTopics, DELETE_BY_NAME_CAP)
    const answer = await connection.call(deleteTopics, { topicNames: [topic], timeoutMs }, { version })
    return answer.responses
  })
  cluster.forgetTopic(topic)
  for (const answer of answers) {
    if (answer.errorCode === errorCodes.UNKNOWN_TOPIC_OR_PARTITION) return false
    if (answer.errorCode !== 0)
      throw refused(cluster, `delete topic ${topic}`, answer, topicRight('Delete', topic))
  }
  return true
}
