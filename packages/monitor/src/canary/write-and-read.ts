import type { BrokerConnection } from '@braid/kafka-connection'
import { encodeBatch, errorCodes, errorName, fetch, produce, walkBatches } from '@braid/kafka-protocol'

/** A check that took part of the way, and how long each part took. */
export interface WrittenAndRead {
  /** Undefined when it failed. */
  readonly producedMs: number | undefined
  readonly fetchedMs: number | undefined
  /** What failed; undefined when nothing did. */
  readonly why: string | undefined
  /** Retriable, and the leader may be another. */
  readonly moved: boolean
}

const ACKS_ALL = -1
const READ_BYTES = 4_096

/**
 * Writes one record to each of these partitions, which the broker leads, and reads it back at the offset that it was
 * acknowledged at. Never rejects.
 */
export async function writeAndRead(
  connection: BrokerConnection,
  topic: string,
  partitions: readonly number[],
  timeoutMs: number,
  now: () => number,
): Promise<WrittenAndRead> {
  const sentMs = now()
  const record = encodeBatch({
    records: [{ key: null, value: Buffer.from('canary'), timestamp: BigInt(Date.now()) }],
  })
  let producedMs: number | undefined
  try {
    const produced = await connection.call(
      produce,
      {
        acks: ACKS_ALL,
        timeoutMs,
        topicData: [{ name: topic, partitionData: partitions.map((index) => ({ index, records: record })) }],
      },
      { timeoutMs },
    )
    const answers = produced.responses.flatMap(({ partitionResponses }) => partitionResponses)
    const refused = answers.find(({ errorCode }) => errorCode !== errorCodes.NONE)
    if (refused !== undefined) {
      const why = `${topic}-${refused.index}: ${errorName(refused.errorCode)}`
      return { producedMs: undefined, fetchedMs: undefined, why, moved: isMoved(refused.errorCode) }
    }
    producedMs = now() - sentMs
    const fetchSentMs = now()
    const fetched = await connection.call(
      fetch,
      {
        maxWaitMs: timeoutMs,
        minBytes: 1,
        topics: [
          {
            topic,
            partitions: answers.map(({ index, baseOffset }) => ({
              partition: index,
              fetchOffset: baseOffset,
              partitionMaxBytes: READ_BYTES,
            })),
          },
        ],
      },
      { timeoutMs },
    )
    const read = fetched.responses.flatMap(({ partitions }) => partitions)
    for (const { index, baseOffset } of answers) {
      const found = read.find(({ partitionIndex }) => partitionIndex === index)
      if (found === undefined || found.errorCode !== errorCodes.NONE || !holds(found.records, baseOffset)) {
        const why = `${topic}-${index}: offset ${baseOffset} was acknowledged and is not read: ${errorName(found?.errorCode ?? 0)}`
        return { producedMs, fetchedMs: undefined, why, moved: isMoved(found?.errorCode ?? 0) }
      }
    }
    return { producedMs, fetchedMs: now() - fetchSentMs, why: undefined, moved: false }
  } catch (error) {
    return { producedMs, fetchedMs: undefined, why: (error as Error).message, moved: true }
  }
}

const isMoved = (errorCode: number): boolean =>
  errorCode === errorCodes.NOT_LEADER_OR_FOLLOWER || errorCode === errorCodes.UNKNOWN_TOPIC_OR_PARTITION

function holds(records: Buffer | null, offset: bigint): boolean {
  let found = false
  if (records !== null)
    walkBatches(records, (at) => {
      if (records.readBigInt64BE(at) === offset) found = true
    })
  return found
}
