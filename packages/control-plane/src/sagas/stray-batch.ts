// Pure: what stray batches become before they are appended again, and whether they have to be.
import type { ProducerState } from '@braid/kafka-connection'
import {
  baseOffset,
  baseSequence,
  batchBytes,
  type DecodedBatch,
  type DecodedRecord,
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

/** A batch among others. */
export interface BatchIn {
  readonly bytes: Buffer
  readonly at: number
}

/** One batch, of the first ones of those that it was to be made of. */
export interface StrayCopy {
  readonly bytes: Buffer
  /** 0: there is nothing to append. */
  readonly records: number
  readonly nextSequence: number
  /** So many are in it. */
  readonly batches: number
}

/** A copy is not made larger than this out of small batches: it is one request, in memory on both sides. */
const mergedMaxBytes = 512 * 1024
/** At most, of a record's own fields and of those of a header. */
const recordOverhead = 40
const headerOverhead = 10

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
 * As many of the batches as one batch takes, under another producer, their records marked by a header. A codec that is not
 * unpacked here, or a batch that would grow beyond the topic's limit, is copied as it is, by itself and without the header:
 * its records matter more.
 */
export function strayBatch(batches: readonly BatchIn[], to: CopyTo): StrayCopy {
  const limit = Math.min(mergedMaxBytes, to.maxBytes)
  const merged: MarkedRecord[] = []
  let [taken, bytes] = [0, 0]
  for (const batch of batches) {
    const records = taken === 0 ? markedRecords(batch, to) : ifWhole(() => markedRecords(batch, to))
    if (records === undefined) break
    bytes += records.reduce((sum, record) => sum + sizeOf(record), 0)
    if (taken > 0 && bytes > limit) break
    for (const record of records) merged.push(record)
    taken++
  }
  if (taken > 0) {
    const copy = encodeBatch({
      producerId: to.producerId,
      producerEpoch: 0,
      baseSequence: to.sequence,
      records: merged,
    })
    if (copy.length <= to.maxBytes) {
      const nextSequence = (to.sequence + merged.length) % sequences
      return { bytes: copy, records: merged.length, nextSequence, batches: taken }
    }
    if (taken > 1) return strayBatch(batches.slice(0, 1), to)
  }
  return asItIs(batches[0]!, to)
}

function asItIs({ bytes, at }: BatchIn, to: CopyTo): StrayCopy {
  if (isTransactional(bytes, at)) {
    throw new Error(
      `the stray batch at offset ${baseOffset(bytes, at)} belongs to a transaction, and cannot be copied out of it`,
    )
  }
  const copy = Buffer.from(bytes.subarray(at, at + batchBytes(bytes, at)))
  patchProducer(copy, 0, { producerId: to.producerId, producerEpoch: 0, baseSequence: to.sequence })
  const records = lastOffsetDelta(copy, 0) + 1
  return { bytes: copy, records, nextSequence: (to.sequence + records) % sequences, batches: 1 }
}

/** What is wrong with a later one is said when it is the first. */
function ifWhole<T>(work: () => T): T | undefined {
  try {
    return work()
  } catch (error) {
    if (error instanceof ProtocolError) return undefined
    throw error
  }
}

type MarkedRecord = Pick<DecodedRecord, 'timestamp' | 'key' | 'value' | 'headers'>

/** Undefined when it cannot be unpacked. */
function markedRecords({ bytes, at }: BatchIn, to: CopyTo): MarkedRecord[] | undefined {
  const found = unpacked(bytes, at)?.records.filter(({ offset }) => offset >= to.firstOffset)
  return found?.map(({ offset, timestamp, key, value, headers }) => ({
    timestamp,
    key,
    value,
    headers: [...headers, ...marks(offset, to)],
  }))
}

function sizeOf({ key, value, headers }: MarkedRecord): number {
  let bytes = recordOverhead + (key?.length ?? 0) + (value?.length ?? 0)
  for (const { key: name, value: content } of headers)
    bytes += headerOverhead + Buffer.byteLength(name) + (content?.length ?? 0)
  return bytes
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

/** The one before it; they wrap at 2^31. */
export const sequenceBefore = (sequence: number): number => sequencesFrom(1, sequence)

/** How many lie in [from, to). */
export const sequencesFrom = (from: number, to: number): number => (to - from + sequences) % sequences

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
