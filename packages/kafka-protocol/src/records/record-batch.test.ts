import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ProtocolError } from '../protocol-error.ts'
import * as header from './batch-header.ts'
import { corruptProbe } from './corrupt-probe.ts'
import { crc32c } from './crc32c.ts'
import { decodeBatch, encodeBatch } from './record-batch.ts'

const code = (expected: string) => expect.objectContaining({ name: 'ProtocolError', code: expected })
const bytes = (maxLength: number) => fc.uint8Array({ maxLength }).map((array) => Buffer.from(array))

const int64 = (bits: bigint) => fc.bigInt({ min: -(2n ** bits), max: 2n ** bits - 1n })
const record = fc.record({
  key: fc.option(bytes(20)),
  value: fc.option(bytes(200)),
  headers: fc.array(fc.record({ key: fc.string({ maxLength: 10 }), value: fc.option(bytes(10)) }), {
    maxLength: 3,
  }),
  timestamp: int64(50n),
})
const batches = fc.record({
  records: fc.array(record, { minLength: 1, maxLength: 10 }),
  baseOffset: fc.bigInt({ min: 0n, max: 2n ** 62n }),
  producerId: int64(63n),
  producerEpoch: fc.integer({ min: -1, max: 0x7fff }),
  baseSequence: fc.integer({ min: -1 }),
})

/** One batch with every field different, so that no accessor can read another's. */
function distinct(): Buffer {
  const b = Buffer.alloc(70)
  b.writeBigInt64BE(0x0102030405060708n, 0)
  b.writeInt32BE(58, 8)
  b.writeInt32BE(11, 12)
  b.writeInt8(2, 16)
  b.writeUInt32BE(0xdeadbeef, 17)
  b.writeInt16BE(0x0031, 21)
  b.writeInt32BE(22, 23)
  b.writeBigInt64BE(33n, 27)
  b.writeBigInt64BE(44n, 35)
  b.writeBigInt64BE(55n, 43)
  b.writeInt16BE(66, 51)
  b.writeInt32BE(77, 53)
  b.writeInt32BE(23, 57)
  return b
}

/** Replaces the records of a batch and sets codec, length and CRC to match. */
function repacked(batch: Buffer, codec: number, records: Buffer): Buffer {
  const packed = Buffer.concat([batch.subarray(0, header.BATCH_HEADER_BYTES), records])
  packed.writeInt32BE(packed.length - header.BATCH_LENGTH_FROM, 8)
  packed.writeInt16BE(codec, 21)
  packed.writeUInt32BE(crc32c(packed, header.CRC_FROM), 17)
  return packed
}

describe('the header of a batch', () => {
  test.each([0, 13])('is read in place, at %i', (at) => {
    const b = Buffer.concat([Buffer.alloc(at, 0xff), distinct()])
    expect({
      baseOffset: header.baseOffset(b, at),
      batchLength: header.batchLength(b, at),
      batchBytes: header.batchBytes(b, at),
      partitionLeaderEpoch: header.partitionLeaderEpoch(b, at),
      magic: header.magic(b, at),
      crc: header.crc(b, at),
      attributes: header.attributes(b, at),
      compression: header.compressionNames[header.compression(b, at)],
      lastOffsetDelta: header.lastOffsetDelta(b, at),
      nextOffset: header.nextOffset(b, at),
      baseTimestamp: header.baseTimestamp(b, at),
      maxTimestamp: header.maxTimestamp(b, at),
      producerId: header.producerId(b, at),
      producerEpoch: header.producerEpoch(b, at),
      baseSequence: header.baseSequence(b, at),
      recordCount: header.recordCount(b, at),
      isTransactional: header.isTransactional(b, at),
      isControl: header.isControl(b, at),
    }).toEqual({
      baseOffset: 0x0102030405060708n,
      batchLength: 58,
      batchBytes: 70,
      partitionLeaderEpoch: 11,
      magic: 2,
      crc: 0xdeadbeef,
      attributes: 0x31,
      compression: 'gzip',
      lastOffsetDelta: 22,
      nextOffset: 0x0102030405060708n + 23n,
      baseTimestamp: 33n,
      maxTimestamp: 44n,
      producerId: 55n,
      producerEpoch: 66,
      baseSequence: 77,
      recordCount: 23,
      isTransactional: true,
      isControl: true,
    })
  })

  test('offset and leader epoch may be rewritten: the CRC does not cover them', () => {
    const batch = encodeBatch({ records: [{ value: Buffer.from('v') }] })
    header.setBaseOffset(batch, 0, 1_200n)
    header.setPartitionLeaderEpoch(batch, 0, 9)
    expect(decodeBatch(batch, 0)).toMatchObject({ baseOffset: 1_200n, partitionLeaderEpoch: 9 })
  })

  test.each([
    ['cut short', (b: Buffer) => b.subarray(0, 69), 'TRUNCATED'],
    ['without a magic byte', (b: Buffer) => b.subarray(0, 16), 'TRUNCATED'],
    ['of format 0', (b: Buffer) => b.fill(0, 16, 17), 'UNSUPPORTED_MESSAGE_FORMAT'],
    ['of format 1', (b: Buffer) => b.fill(1, 16, 17), 'UNSUPPORTED_MESSAGE_FORMAT'],
    ['of format 3', (b: Buffer) => b.fill(3, 16, 17), 'BAD_BATCH'],
    ['shorter than its header', (b: Buffer) => b.fill(Buffer.from([0, 0, 0, 48]), 8, 12), 'BAD_BATCH'],
    ['of negative length', (b: Buffer) => b.fill(0xff, 8, 12), 'BAD_BATCH'],
    ['of 2 GiB', (b: Buffer) => b.fill(Buffer.from([0x7f, 0xff, 0xff, 0xff]), 8, 12), 'TRUNCATED'],
    ['with a negative count', (b: Buffer) => b.fill(0xff, 57, 61), 'BAD_BATCH'],
    ['with a negative offset delta', (b: Buffer) => b.fill(0xff, 23, 27), 'BAD_BATCH'],
  ])('one %s is refused', (_, damage, expected) => {
    expect(() => header.checkBatch(distinct(), 0)).not.toThrow()
    expect(() => header.checkBatch(damage(distinct()), 0)).toThrow(code(expected))
  })
})

describe('walking batches', () => {
  const walk = (b: Buffer): number[][] => {
    const seen: number[][] = []
    header.walkBatches(b, (at, length) => seen.push([at, length]))
    return seen
  }

  test('visits each whole one and passes over a last one that is cut anywhere', () => {
    const whole = Buffer.concat([distinct(), distinct()])
    expect(walk(whole)).toEqual([
      [0, 70],
      [70, 70],
    ])
    for (let length = 70; length < 140; length++) expect(walk(whole.subarray(0, length))).toEqual([[0, 70]])
    expect(walk(Buffer.alloc(0))).toEqual([])
  })

  test('refuses what is no batch, and ends on anything', () => {
    expect(() => walk(Buffer.concat([distinct(), Buffer.alloc(100)]))).toThrow(
      code('UNSUPPORTED_MESSAGE_FORMAT'),
    )
    fc.assert(
      fc.property(bytes(300), (garbage) => {
        garbage[16] = 2
        try {
          walk(garbage)
        } catch (error) {
          expect(error).toBeInstanceOf(ProtocolError)
        }
      }),
    )
  })
})

describe('records', () => {
  test('come back with their offsets', () => {
    fc.assert(
      fc.property(batches, (batch) => {
        const back = decodeBatch(encodeBatch(batch), 0)
        const records = batch.records.map((r, i) => ({ ...r, offset: batch.baseOffset + BigInt(i) }))
        expect(back).toEqual({ ...batch, records, attributes: 0, partitionLeaderEpoch: -1 })
      }),
    )
  })

  test('out of a gzip batch too', () => {
    const batch = encodeBatch({
      records: [{ key: Buffer.from('k'), value: Buffer.from('v'), timestamp: 5n }],
    })
    const packed = repacked(batch, 1, gzipSync(batch.subarray(header.BATCH_HEADER_BYTES)))
    expect(decodeBatch(packed, 0).records).toEqual(decodeBatch(batch, 0).records)
  })

  test('a gzip batch that unpacks to more than the bound is refused', () => {
    const bomb = repacked(encodeBatch({ records: [] }), 1, gzipSync(Buffer.alloc(10 << 20)))
    expect(() => decodeBatch(bomb, 0, 1 << 20)).toThrow(code('BAD_BATCH'))
    expect(() => decodeBatch(repacked(bomb, 1, Buffer.from('no gzip')), 0)).toThrow(code('BAD_BATCH'))
  })

  test.each([2, 3, 4, 7])('codec %i is named, not guessed at', (codec) => {
    const batch = encodeBatch({ records: [{ value: null }] })
    const packed = repacked(batch, codec, batch.subarray(header.BATCH_HEADER_BYTES))
    expect(() => decodeBatch(packed, 0)).toThrow(code('UNSUPPORTED_COMPRESSION'))
  })

  test('a flipped bit is found', () => {
    const batch = encodeBatch({ records: [{ value: Buffer.from('value') }] })
    for (let at = header.CRC_FROM; at < batch.length; at++) {
      const damaged = Buffer.from(batch)
      damaged[at]! ^= 1
      expect(() => decodeBatch(damaged, 0)).toThrow(ProtocolError)
    }
  })

  test('a count that the bytes cannot hold is refused before anything is made', () => {
    const batch = encodeBatch({ records: [{ value: null }] })
    batch.writeInt32BE(0x7fff_ffff, 57)
    expect(() => decodeBatch(repacked(batch, 0, batch.subarray(61)), 0)).toThrow(code('BAD_BATCH'))
  })

  test('hostile records behind a good CRC give a ProtocolError or records', () => {
    fc.assert(
      fc.property(bytes(200), fc.nat(5), (garbage, count) => {
        const batch = encodeBatch({ records: [] })
        batch.writeInt32BE(count, 57)
        try {
          decodeBatch(repacked(batch, 0, garbage), 0)
        } catch (error) {
          expect(error).toBeInstanceOf(ProtocolError)
        }
      }),
    )
  })
})

test('the corrupt probe is a whole batch of 70 bytes whose CRC is wrong', () => {
  const probe = corruptProbe()
  expect(probe.length).toBe(70)
  expect(() => header.checkBatch(probe, 0)).not.toThrow()
  expect(header.recordCount(probe, 0)).toBe(1)
  expect(() => decodeBatch(probe, 0)).toThrow(code('BAD_CRC'))
})
