import { gunzipSync } from 'node:zlib'
import { ProtocolError } from '../protocol-error.ts'
import { Reader } from '../reader.ts'
import { Writer } from '../writer.ts'
import * as header from './batch-header.ts'
import { BATCH_HEADER_BYTES, BATCH_LENGTH_FROM, CRC_FROM, MAGIC_V2 } from './batch-header.ts'
import { crc32c } from './crc32c.ts'

export interface RecordHeader {
  readonly key: string
  readonly value: Buffer | null
}

export interface RecordInput {
  readonly key?: Buffer | null
  readonly value: Buffer | null
  readonly headers?: readonly RecordHeader[]
  /** Milliseconds; 0 when absent (this package has no clock). */
  readonly timestamp?: bigint
}

export interface BatchInput {
  readonly records: readonly RecordInput[]
  readonly baseOffset?: bigint
  readonly producerId?: bigint
  readonly producerEpoch?: number
  readonly baseSequence?: number
}

export interface DecodedRecord {
  readonly offset: bigint
  readonly timestamp: bigint
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: readonly RecordHeader[]
}

export interface DecodedBatch {
  readonly baseOffset: bigint
  readonly partitionLeaderEpoch: number
  readonly attributes: number
  readonly producerId: bigint
  readonly producerEpoch: number
  readonly baseSequence: number
  readonly records: readonly DecodedRecord[]
}

/** What a compressed batch may become, unless told otherwise. */
const UNPACKED_MAX_BYTES = 64 << 20
/** Length, attributes, two deltas, key, value and header count take one byte each at least. */
const RECORD_BYTES_MIN = 7
const GZIP = 1

/** A batch of format 2, not compressed. */
export function encodeBatch(batch: BatchInput): Buffer {
  const { records } = batch
  const w = new Writer(BATCH_HEADER_BYTES + 64 * records.length)
  const baseTimestamp = records[0]?.timestamp ?? 0n
  let maxTimestamp = baseTimestamp
  for (const { timestamp = 0n } of records) if (timestamp > maxTimestamp) maxTimestamp = timestamp
  w.int64(batch.baseOffset ?? 0n)
  w.int32(0) // length, below
  w.int32(-1) // leader epoch: the broker's to say
  w.int8(MAGIC_V2)
  w.int32(0) // CRC, below
  w.int16(0)
  w.int32(Math.max(0, records.length - 1))
  w.int64(baseTimestamp)
  w.int64(maxTimestamp)
  w.int64(batch.producerId ?? -1n)
  w.int16(batch.producerEpoch ?? -1)
  w.int32(batch.baseSequence ?? -1)
  w.int32(records.length)
  records.forEach((record, i) => {
    const fields = encodeRecord(record, i, baseTimestamp)
    w.varint(fields.length)
    w.raw(fields)
  })
  const bytes = w.finish()
  bytes.writeInt32BE(bytes.length - BATCH_LENGTH_FROM, 8)
  bytes.writeUInt32BE(crc32c(bytes, CRC_FROM), 17)
  return bytes
}

function encodeRecord(record: RecordInput, offsetDelta: number, baseTimestamp: bigint): Buffer {
  const { key = null, value, headers = [], timestamp = 0n } = record
  const w = new Writer(32 + (key?.length ?? 0) + (value?.length ?? 0))
  w.int8(0)
  w.varlong(timestamp - baseTimestamp)
  w.varint(offsetDelta)
  writeField(w, key)
  writeField(w, value)
  w.varint(headers.length)
  for (const { key: name, value: content } of headers) {
    writeField(w, Buffer.from(name))
    writeField(w, content)
  }
  return w.finish()
}

function writeField(w: Writer, content: Buffer | null): void {
  if (content === null) {
    w.varint(-1)
    return
  }
  w.varint(content.length)
  w.raw(content)
}

/**
 * The records of a batch, uncompressed or gzip. Keys and values are slices.
 *
 * @throws ProtocolError as checkBatch, BAD_CRC, and UNSUPPORTED_COMPRESSION for snappy, lz4 and zstd
 */
export function decodeBatch(b: Buffer, at: number, unpackedMaxBytes = UNPACKED_MAX_BYTES): DecodedBatch {
  header.checkBatch(b, at)
  const end = at + header.batchBytes(b, at)
  if (crc32c(b, at + CRC_FROM, end) !== header.crc(b, at)) {
    throw new ProtocolError('BAD_CRC', at + 17, 'the batch does not match its CRC')
  }
  const baseOffset = header.baseOffset(b, at)
  const baseTimestamp = header.baseTimestamp(b, at)
  const count = header.recordCount(b, at)
  const r = unpack(b, at, end, unpackedMaxBytes)
  if (count > r.remaining / RECORD_BYTES_MIN) {
    throw new ProtocolError('BAD_BATCH', at + 57, `${count} records in ${r.remaining} bytes`)
  }
  const records: DecodedRecord[] = []
  for (let i = 0; i < count; i++) records.push(decodeRecord(r, baseOffset, baseTimestamp))
  return {
    baseOffset,
    partitionLeaderEpoch: header.partitionLeaderEpoch(b, at),
    attributes: header.attributes(b, at),
    producerId: header.producerId(b, at),
    producerEpoch: header.producerEpoch(b, at),
    baseSequence: header.baseSequence(b, at),
    records,
  }
}

function unpack(b: Buffer, at: number, end: number, maxOutputLength: number): Reader {
  const from = at + BATCH_HEADER_BYTES
  const codec = header.compression(b, at)
  if (codec === 0) return new Reader(b, from, end)
  if (codec !== GZIP) {
    const name = header.compressionNames[codec] ?? `codec ${codec}`
    throw new ProtocolError('UNSUPPORTED_COMPRESSION', at + 21, `${name} batches are not unpacked here`)
  }
  try {
    return new Reader(gunzipSync(b.subarray(from, end), { maxOutputLength }))
  } catch (cause) {
    throw new ProtocolError(
      'BAD_BATCH',
      from,
      `gzip: ${cause instanceof Error ? cause.message : String(cause)}`,
    )
  }
}

function decodeRecord(r: Reader, baseOffset: bigint, baseTimestamp: bigint): DecodedRecord {
  const bytes = r.varint()
  const end = r.offset + bytes
  if (bytes < 0 || bytes > r.remaining)
    throw new ProtocolError('BAD_LENGTH', r.offset, `a record of ${bytes} bytes`)
  r.int8() // attributes: none are defined
  const timestamp = baseTimestamp + r.varlong()
  const offset = baseOffset + BigInt(r.varint())
  const key = readField(r)
  const value = readField(r)
  const count = r.varint()
  if (count < 0 || count > r.remaining)
    throw new ProtocolError('BAD_LENGTH', r.offset, `${count} record headers`)
  const headers: RecordHeader[] = []
  for (let i = 0; i < count; i++) {
    const name = readField(r)
    if (name === null) throw new ProtocolError('BAD_NULL', r.offset, 'a record header without a key')
    headers.push({ key: name.toString(), value: readField(r) })
  }
  if (r.offset !== end)
    throw new ProtocolError('BAD_LENGTH', r.offset, `the record should end at byte ${end}`)
  return { offset, timestamp, key, value, headers }
}

function readField(r: Reader): Buffer | null {
  const bytes = r.varint()
  if (bytes === -1) return null
  const at = r.offset
  r.skip(bytes)
  return r.buffer.subarray(at, at + bytes)
}
