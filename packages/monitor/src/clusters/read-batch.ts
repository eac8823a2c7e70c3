import type { ClusterConnections } from '@braid/kafka-connection'
import {
  attributes,
  BATCH_HEADER_BYTES,
  baseTimestamp,
  errorCodes,
  fetch,
  maxTimestamp,
} from '@braid/kafka-protocol'

export interface FetchedFrom {
  readonly topic: string
  readonly partition: number
  readonly offset: bigint
}

/** Of a batch in a log: the message timestamp is when the broker appended it (KIP-32). */
const LOG_APPEND_TIME = 8

/**
 * What a log has from an offset on: whole batches, as a broker gives them; the first of them whole whatever its size
 * (KIP-74). Undefined when nothing is there, or not at this leader.
 */
export async function readBatches(
  cluster: ClusterConnections,
  { topic, partition, offset }: FetchedFrom,
  maxBytes: number,
  timeoutMs: number,
): Promise<Buffer | undefined> {
  if (cluster.leader(topic, partition) < 0) await cluster.refreshMetadata([topic])
  const connection = await cluster.shared(cluster.leader(topic, partition))
  const answer = await connection.call(
    fetch,
    {
      maxWaitMs: 0,
      minBytes: 0,
      maxBytes,
      topics: [{ topic, partitions: [{ partition, fetchOffset: offset, partitionMaxBytes: maxBytes }] }],
    },
    { timeoutMs },
  )
  const found = answer.responses[0]?.partitions[0]
  if (found === undefined || found.errorCode !== errorCodes.NONE) {
    if (found?.errorCode === errorCodes.NOT_LEADER_OR_FOLLOWER) cluster.invalidate(topic, partition)
    return undefined
  }
  return found.records !== null && found.records.length >= BATCH_HEADER_BYTES ? found.records : undefined
}

/** When the first record of the batch at `at` was written, ms. Records behind it in the batch are not looked at. */
export function batchTimeMs(batches: Buffer, at: number): number {
  const appended = (attributes(batches, at) & LOG_APPEND_TIME) !== 0
  return Number(appended ? maxTimestamp(batches, at) : baseTimestamp(batches, at))
}
