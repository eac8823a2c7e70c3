import { type ListOffsetsRequestInput, listOffsets } from '@braid/kafka-protocol'
import type { ClusterConnections } from '../cluster-connections.ts'
import { askLeaders } from './by-leader.ts'

/** Timestamps that stand for places. */
export const LATEST = -1n
export const EARLIEST = -2n
/** An ordinary consumer: the latest offset is the high watermark. */
export const CONSUMER = -1
/** Kafka's debugging consumer: the latest offset is the log end, replicated or not. */
export const DEBUGGING = -2

export type LogEnd = 'earliest' | 'highWatermark' | 'logEnd'

const questions: Readonly<Record<LogEnd, { timestamp: bigint; replicaId: number }>> = {
  earliest: { timestamp: EARLIEST, replicaId: CONSUMER },
  highWatermark: { timestamp: LATEST, replicaId: CONSUMER },
  logEnd: { timestamp: LATEST, replicaId: DEBUGGING },
}

export function listOffsetsRequest(
  topic: string,
  partitions: readonly number[],
  timestamp: bigint,
  replicaId: number,
): ListOffsetsRequestInput {
  return {
    replicaId,
    topics: [
      { name: topic, partitions: partitions.map((partitionIndex) => ({ partitionIndex, timestamp })) },
    ],
  }
}

/** By partition, 0 to `partitions` - 1. Asks again while leaders change, at most `metadataTimeoutMs`. */
export async function logEnds(
  cluster: ClusterConnections,
  topic: string,
  partitions: number,
  which: LogEnd,
): Promise<bigint[]> {
  const { timestamp, replicaId } = questions[which]
  const ends: bigint[] = new Array(partitions).fill(-1n)
  const all = Array.from({ length: partitions }, (_, partition) => partition)
  await askLeaders(cluster, topic, all, 'Describe', async (connection, group) => {
    const answer = await connection.call(listOffsets, listOffsetsRequest(topic, group, timestamp, replicaId))
    const answers = answer.topics.flatMap((t) => t.partitions)
    for (const { partitionIndex, errorCode, offset } of answers)
      if (errorCode === 0) ends[partitionIndex] = offset
    return answers.map(({ partitionIndex, errorCode }) => ({ partition: partitionIndex, errorCode }))
  })
  return ends
}
