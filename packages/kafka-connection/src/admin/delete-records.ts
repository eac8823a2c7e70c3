import { deleteRecords as deleteRecordsApi } from '@braid/kafka-protocol'
import type { ClusterConnections } from '../cluster-connections.ts'
import { askLeaders } from './by-leader.ts'

/** Moves the log start of each partition up to `before` (-1n: to the high watermark); answers the new log starts. */
export async function deleteRecords(
  cluster: ClusterConnections,
  topic: string,
  partitions: readonly { readonly partition: number; readonly before: bigint }[],
): Promise<Map<number, bigint>> {
  const before = new Map(partitions.map((entry) => [entry.partition, entry.before]))
  const starts = new Map<number, bigint>()
  const { requestTimeoutMs } = cluster.options
  await askLeaders(cluster, topic, [...before.keys()], 'Delete', async (connection, group) => {
    const answer = await connection.call(deleteRecordsApi, {
      topics: [
        {
          name: topic,
          partitions: group.map((partitionIndex) => ({
            partitionIndex,
            offset: before.get(partitionIndex) ?? -1n,
          })),
        },
      ],
      timeoutMs: requestTimeoutMs,
    })
    const answers = answer.topics.flatMap((t) => t.partitions)
    for (const { partitionIndex, errorCode, lowWatermark } of answers) {
      if (errorCode === 0) starts.set(partitionIndex, lowWatermark)
    }
    return answers.map(({ partitionIndex, errorCode }) => ({ partition: partitionIndex, errorCode }))
  })
  return starts
}
