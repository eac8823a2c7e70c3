import {
  BATCH_HEADER_BYTES,
  baseOffset,
  batchBytes,
  magic,
  nextOffset,
  recordCount,
  setBaseOffset,
  setPartitionLeaderEpoch,
} from '@braid/kafka-protocol'

const MAGIC_V2 = 2

/**
 * Batches with the client's offsets, in place: base offset and leader epoch stand outside of the CRC. What
 * lies at or beyond the cut belongs to no loglet and is left out. `count` is told how many records each batch has.
 */
export function mapRecords(
  records: Buffer,
  shift: bigint,
  end: bigint,
  count: { deliveredRecords: number } = { deliveredRecords: 0 },
): Buffer {
  let at = 0
  let delivered = 0
  let kept = records
  while (at + BATCH_HEADER_BYTES <= records.length) {
    const bytes = batchBytes(records, at)
    // Message sets of old stand as they are: what is written here would be their checksum.
    if (bytes < BATCH_HEADER_BYTES || magic(records, at) !== MAGIC_V2) break
    if (shift !== 0n || end >= 0n) {
      const offset = baseOffset(records, at)
      if (end >= 0n && offset >= end) {
        kept = records.subarray(0, at)
        break
      }
      if (shift !== 0n) setBaseOffset(records, at, offset + shift)
    }
    setPartitionLeaderEpoch(records, at, -1)
    if (at + bytes <= records.length) delivered += recordCount(records, at)
    at += bytes
  }
  count.deliveredRecords += delivered
  return kept
}

export interface WithoutHoles {
  readonly records: Buffer
  /** Where the last batch that was left out ends; -1n when none was. */
  readonly leftOutTo: bigint
}

/** The batches that stand in no hole, moved together in place. One that is there in part is left out too. */
export function withoutHoles(records: Buffer, isInHole: (offset: bigint) => boolean): WithoutHoles {
  let at = 0
  let kept = 0
  let leftOutTo = -1n
  while (at + BATCH_HEADER_BYTES <= records.length) {
    const bytes = batchBytes(records, at)
    if (bytes < BATCH_HEADER_BYTES || at + bytes > records.length || magic(records, at) !== MAGIC_V2) break
    if (isInHole(baseOffset(records, at))) leftOutTo = nextOffset(records, at)
    else {
      if (kept < at) records.copyWithin(kept, at, at + bytes)
      kept += bytes
    }
    at += bytes
  }
  return leftOutTo < 0n ? { records, leftOutTo } : { records: records.subarray(0, kept), leftOutTo }
}
