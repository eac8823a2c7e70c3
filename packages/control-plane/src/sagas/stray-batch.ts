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
} from '@braid/kafka-protocol'

/** Names where a record was found: cluster/physical topic/partition@offset. */
export const strayHeader = 'braid.stray.from'

const sequences = 2 ** 31

export interface StrayCopy {
  readonly bytes: Buffer
  readonly nextSequence: number
}

/**
 * The batch under another producer, its records marked by a header. A codec that is not unpacked here, or a batch
 * that would grow beyond the topic's limit, is copied without the header: its records matter more.
 */
export function strayBatch(
  bytes: Buffer,
  at: number,
  to: { producerId: bigint; sequence: number; from: string; maxBytes: number },
): StrayCopy {
  const marked = unpacked(bytes, at)
  if (marked !== undefined) {
    const copy = encodeBatch({
      producerId: to.producerId,
      producerEpoch: 0,
      baseSequence: to.sequence,
      records: marked.records.map(({ offset, timestamp, key, value, headers }) => ({
        timestamp,
        key,
        value,
        headers: [...headers, { key: strayHeader, value: Buffer.from(`${to.from}@${offset}`) }],
      })),
    })
    if (copy.length <= to.maxBytes) {
      return { bytes: copy, nextSequence: (to.sequence + marked.records.length) % sequences }
    }
  }
  if (isTransactional(bytes, at)) {
    throw new Error(
      `the stray batch at offset ${baseOffset(bytes, at)} belongs to a transaction, and cannot be copied out of it`,
    )
  }
  const copy = Buffer.from(bytes.subarray(at, at + batchBytes(bytes, at)))
  patchProducer(copy, 0, { producerId: to.producerId, producerEpoch: 0, baseSequence: to.sequence })
  return { bytes: copy, nextSequence: (to.sequence + lastOffsetDelta(copy, 0) + 1) % sequences }
}

/** Whether a partition with these producers has the batch: same producer, same epoch, and its sequences passed. */
export function isKnownTo(producers: ReadonlyMap<bigint, ProducerState>, bytes: Buffer, at: number): boolean {
  const id = producerId(bytes, at)
  if (id < 0n) return false
  const state = producers.get(id)
  if (state === undefined || state.epoch !== producerEpoch(bytes, at)) return false
  const last = (baseSequence(bytes, at) + lastOffsetDelta(bytes, at)) % sequences
  // Sequences wrap at 2^31: within half of them, ahead is ahead.
  return (state.lastSequence - last + sequences) % sequences < sequences / 2
}

function unpacked(bytes: Buffer, at: number): DecodedBatch | undefined {
  try {
    return decodeBatch(bytes, at)
  } catch (error) {
    if (error instanceof ProtocolError && error.code === 'UNSUPPORTED_COMPRESSION') return undefined
    throw error
  }
}
