// Pure: what a stray batch becomes before it is appended again, and whether it has to be.
import type { ProducerState } from '@braid/kafka-connection'
import {
  baseOffset,
  baseSequence,
  batchBytes,
  type DecodedBatch,
  decodeBatch,
  encodeBatch,
  isTransactional,
  lastOffsetDelta,
  ProtocolError,
  patchProducer,
  producerEpoch,
  producerId,
  type RecordHeader,
} from '@braid/kafka-protocol'

/** Names where a record was found: cluster/physical topic/partition@offset. */
export const strayHeader = 'braid.stray.from'
/** Of one that its cluster took with it when it was lost: the logical offset that was answered for it. */
export const recoveredHeader = 'braid.recovered.offset'

const sequences = 2 ** 31

export interface StrayCopy {
  readonly bytes: Buffer
  readonly records: number
  readonly nextSequence: number
}

export interface CopyTo {
  readonly producerId: bigint
  readonly sequence: number
  readonly from: string
  readonly maxBytes: number
  /** Physical: records before it are not copied. */
  readonly firstOffset: bigint
  /** The logical offset of a physical one, of records that were part of the topic; undefined: they were not. */
  readonly logicalOf: ((physical: bigint) => bigint) | undefined
}

/**
 * The batch under another producer, its records marked by a header. A codec that is not unpacked here, or a batch
 * that would grow beyond the topic's limit, is copied as it is, without the header: its records matter more.
 */
export function strayBatch(bytes: Buffer, at: number, to: CopyTo): StrayCopy {
  const marked = unpacked(bytes, at)
  if (marked !== undefined) {
    const records = marked.records.filter(({ offset }) => offset >= to.firstOffset)
    const copy = encodeBatch({
      producerId: to.producerId,
      producerEpoch: 0,
      baseSequence: to.sequence,
      records: records.map(({ offset, timestamp, key, value, headers }) => ({
        timestamp,
        key,
        value,
        headers: [...headers, ...marks(offset, to)],
      })),
    })
    if (copy.length <= to.maxBytes) {
      const nextSequence = (to.sequence + records.length) % sequences
      return { bytes: copy, records: records.length, nextSequence }
    }
  }
  if (isTransactional(bytes, at)) {
    throw new Error(
      `the stray batch at offset ${baseOffset(bytes, at)} belongs to a transaction, and cannot be copied out of it`,
    )
  }
  const copy = Buffer.from(bytes.subarray(at, at + batchBytes(bytes, at)))
  patchProducer(copy, 0, { producerId: to.producerId, producerEpoch: 0, baseSequence: to.sequence })
  const records = lastOffsetDelta(copy, 0) + 1
  return { bytes: copy, records, nextSequence: (to.sequence + records) % sequences }
}

function marks(offset: bigint, { from, logicalOf }: CopyTo): RecordHeader[] {
  const found = { key: strayHeader, value: Buffer.from(`${from}@${offset}`) }
  if (logicalOf === undefined) return [found]
  return [found, { key: recoveredHeader, value: Buffer.from(String(logicalOf(offset))) }]
}

/** Whether a producer has come that far: within half of the sequences, ahead is ahead. */
export function hasReached(lastSequence: number, sequence: number): boolean {
  return (lastSequence - sequence + sequences) % sequences < sequences / 2
}

/** Whether a partition with these producers has the batch: same producer, same epoch, and its sequences passed. */
export function isKnownTo(producers: ReadonlyMap<bigint, ProducerState>, bytes: Buffer, at: number): boolean {
  const id = producerId(bytes, at)
  if (id < 0n) return false
  const state = producers.get(id)
  if (state === undefined || state.epoch !== producerEpoch(bytes, at)) return false
  const last = (baseSequence(bytes, at) + lastOffsetDelta(bytes, at)) % sequences
  return hasReached(state.lastSequence, last)
}

function unpacked(bytes: Buffer, at: number): DecodedBatch | undefined {
  try {
    return decodeBatch(bytes, at)
  } catch (error) {
    if (error instanceof ProtocolError && error.code === 'UNSUPPORTED_COMPRESSION') return undefined
    throw error
  }
}
