/**
 * The header of a record batch (magic 2), read and written in place. `at` is where the batch starts in `b`.
 *
 *      0 baseOffset int64        16 magic int8 (2)          35 maxTimestamp int64    57 recordCount int32
 *      8 batchLength int32       17 crc uint32              43 producerId int64      61 records
 *     12 leaderEpoch int32       21 attributes int16        51 producerEpoch int16
 *                                23 lastOffsetDelta int32   53 baseSequence int32
 *                                27 baseTimestamp int64
 *
 * batchLength counts from byte 12. The CRC covers from byte 21 on, so base offset and leader epoch may be rewritten freely.
 */
import { ProtocolError } from '../protocol-error.ts'

export const BATCH_HEADER_BYTES = 61
/** Where batchLength starts to count. */
export const BATCH_LENGTH_FROM = 12
/** Where the CRC starts to cover. */
export const CRC_FROM = 21
export const MAGIC_V2 = 2

const MAGIC_AT = 16
const COMPRESSION_MASK = 0x07
const TRANSACTIONAL_BIT = 0x10
const CONTROL_BIT = 0x20

export const compressionNames = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const

export const baseOffset = (b: Buffer, at: number): bigint => b.readBigInt64BE(at)
export const batchLength = (b: Buffer, at: number): number => b.readInt32BE(at + 8)
/** The whole batch, from base offset to the last record. */
export const batchBytes = (b: Buffer, at: number): number => BATCH_LENGTH_FROM + b.readInt32BE(at + 8)
export const partitionLeaderEpoch = (b: Buffer, at: number): number => b.readInt32BE(at + 12)
export const magic = (b: Buffer, at: number): number => b.readInt8(at + MAGIC_AT)
export const crc = (b: Buffer, at: number): number => b.readUInt32BE(at + 17)
export const attributes = (b: Buffer, at: number): number => b.readInt16BE(at + 21)
export const lastOffsetDelta = (b: Buffer, at: number): number => b.readInt32BE(at + 23)
export const baseTimestamp = (b: Buffer, at: number): bigint => b.readBigInt64BE(at + 27)
export const maxTimestamp = (b: Buffer, at: number): bigint => b.readBigInt64BE(at + 35)
/** -1 for a producer without idempotence. */
export const producerId = (b: Buffer, at: number): bigint => b.readBigInt64BE(at + 43)
export const producerEpoch = (b: Buffer, at: number): number => b.readInt16BE(at + 51)
export const baseSequence = (b: Buffer, at: number): number => b.readInt32BE(at + 53)
export const recordCount = (b: Buffer, at: number): number => b.readInt32BE(at + 57)
/** An index of compressionNames. */
export const compression = (b: Buffer, at: number): number => attributes(b, at) & COMPRESSION_MASK
export const isTransactional = (b: Buffer, at: number): boolean =>
  (attributes(b, at) & TRANSACTIONAL_BIT) !== 0
export const isControl = (b: Buffer, at: number): boolean => (attributes(b, at) & CONTROL_BIT) !== 0
/** The offset after the batch's last record. */
export const nextOffset = (b: Buffer, at: number): bigint =>
  baseOffset(b, at) + BigInt(lastOffsetDelta(b, at) + 1)

export const setBaseOffset = (b: Buffer, at: number, offset: bigint): void => {
  b.writeBigInt64BE(offset, at)
}
export const setPartitionLeaderEpoch = (b: Buffer, at: number, epoch: number): void => {
  b.writeInt32BE(epoch, at + 12)
}

/**
 * Checks that a batch of format 2 stands at `at`, whole. Not its CRC: the broker does that.
 *
 * @throws ProtocolError TRUNCATED, BAD_BATCH or UNSUPPORTED_MESSAGE_FORMAT
 */
export function checkBatch(b: Buffer, at: number): void {
  const left = b.length - at
  if (at < 0 || left <= MAGIC_AT)
    throw new ProtocolError('TRUNCATED', at, `${left} bytes are no record batch`)
  const format = magic(b, at)
  if (format === 0 || format === 1) {
    throw new ProtocolError(
      'UNSUPPORTED_MESSAGE_FORMAT',
      at + MAGIC_AT,
      `message format ${format}, only 2 is spoken`,
    )
  }
  if (format !== MAGIC_V2) throw new ProtocolError('BAD_BATCH', at + MAGIC_AT, `message format ${format}`)
  const bytes = batchBytes(b, at)
  if (bytes < BATCH_HEADER_BYTES) throw new ProtocolError('BAD_BATCH', at + 8, `a batch of ${bytes} bytes`)
  if (bytes > left) throw new ProtocolError('TRUNCATED', at + 8, `a batch of ${bytes} bytes, ${left} there`)
  const count = recordCount(b, at)
  if (count < 0) throw new ProtocolError('BAD_BATCH', at + 57, `${count} records`)
  const delta = lastOffsetDelta(b, at)
  if (delta < 0) throw new ProtocolError('BAD_BATCH', at + 23, `a last offset delta of ${delta}`)
}

/**
 * Calls `visit` for each whole batch, in order, with where it starts and its bytes. A broker cuts an answer at a byte
 * bound, so the last batch may be there in part: it is passed over. Where nothing readable starts, it throws as checkBatch.
 */
export function walkBatches(b: Buffer, visit: (at: number, bytes: number) => void): void {
  let at = 0
  while (b.length - at > MAGIC_AT) {
    const bytes = batchBytes(b, at)
    if (bytes >= BATCH_HEADER_BYTES && bytes > b.length - at && magic(b, at) === MAGIC_V2) return
    checkBatch(b, at)
    visit(at, bytes)
    at += bytes
  }
}
