import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  BATCH_HEADER_BYTES,
  baseSequence,
  batchBytes,
  CRC_FROM,
  crc,
  producerEpoch,
  producerId,
} from './batch-header.ts'
import { crc32c, crc32cAdvance, crc32cPatch } from './crc32c.ts'
import { patchProducer } from './patch-producer.ts'
import { encodeBatch } from './record-batch.ts'

/** The definition, bit by bit. */
function slowly(bytes: Uint8Array): number {
  let value = 0xffff_ffff
  for (const byte of bytes) {
    value ^= byte
    for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0x82f6_3b78 : value >>> 1
  }
  return ~value >>> 0
}

describe('crc32c', () => {
  // RFC 3720, appendix B.4, and the check value of the CRC catalogue.
  test.each([
    ['123456789', Buffer.from('123456789'), 0xe306_9283],
    ['nothing', Buffer.alloc(0), 0],
    ['32 zeros', Buffer.alloc(32), 0x8a91_36aa],
    ['32 ones', Buffer.alloc(32, 0xff), 0x62a8_ab43],
    ['ascending', Buffer.from(Array.from({ length: 32 }, (_, i) => i)), 0x46dd_794e],
    ['descending', Buffer.from(Array.from({ length: 32 }, (_, i) => 31 - i)), 0x113f_db5c],
  ])('of %s', (_, bytes, expected) => expect(crc32c(bytes)).toBe(expected))

  test('equals the definition, for any stretch', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(200), fc.nat(200), (bytes, a, b) => {
        const [from, to] = [Math.min(a, b, bytes.length), Math.min(Math.max(a, b), bytes.length)]
        expect(crc32c(bytes, from, to)).toBe(slowly(bytes.subarray(from, to)))
      }),
    )
  })
})

describe('moving on', () => {
  test('equals running over the zero bytes', () => {
    // Without start and end values: crc(zeros) = raw(~0 then zeros), complemented.
    for (const zeros of [0, 1, 2, 3, 7, 8, 255, 256, 1_000, 65_537, 1_000_003]) {
      expect(~crc32cAdvance(0xffff_ffff, zeros) >>> 0).toBe(crc32c(Buffer.alloc(zeros)))
    }
  })

  test('adds up, also at sizes that nobody would run over', () => {
    fc.assert(
      fc.property(fc.nat(0xffff_ffff), fc.nat(2 ** 30 - 1), fc.nat(2 ** 30 - 1), (value, a, b) => {
        expect(crc32cAdvance(crc32cAdvance(value, a), b)).toBe(crc32cAdvance(value, a + b))
      }),
    )
  })

  test('a patched CRC is the one of the changed bytes', () => {
    const texts = fc.uint8Array({ minLength: 1, maxLength: 500 })
    fc.assert(
      fc.property(texts, fc.nat(), fc.uint8Array({ maxLength: 20 }), (bytes, place, change) => {
        const at = place % bytes.length
        const difference = change.subarray(0, bytes.length - at)
        const changed = Uint8Array.from(bytes)
        difference.forEach((byte, i) => {
          changed[at + i]! ^= byte
        })
        const after = bytes.length - at - difference.length
        expect(crc32cPatch(crc32c(bytes), difference, after)).toBe(crc32c(changed))
      }),
    )
  })
})

describe('patchProducer', () => {
  const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
  const fields = fc.record({
    producerId: int64,
    producerEpoch: fc.integer({ min: -1, max: 0x7fff }),
    baseSequence: fc.integer({ min: -1 }),
  })

  test('gives the batch that would have been made so', () => {
    const values = fc.array(fc.uint8Array({ maxLength: 100 }), { minLength: 1, maxLength: 20 })
    fc.assert(
      fc.property(values, fields, fields, fc.nat(30), (contents, before, after, at) => {
        const records = contents.map((value) => ({ value: Buffer.from(value) }))
        const batch = encodeBatch({ records, ...before })
        const room = Buffer.concat([Buffer.alloc(at, 9), batch, Buffer.alloc(5, 9)])
        patchProducer(room, at, after)
        expect(room.subarray(at, at + batch.length).equals(encodeBatch({ records, ...after }))).toBe(true)
        expect(room.subarray(at + batch.length).equals(Buffer.alloc(5, 9))).toBe(true)
      }),
    )
  })

  test('a batch of megabytes has the CRC that recomputing gives', () => {
    const batch = encodeBatch({ records: [{ value: Buffer.alloc(3_000_017, 'x') }] })
    const next = { producerId: 2n ** 62n + 77n, producerEpoch: 3, baseSequence: 1_234 }
    patchProducer(batch, 0, next)
    expect(crc(batch, 0)).toBe(crc32c(batch, CRC_FROM, batchBytes(batch, 0)))
    expect(producerId(batch, 0)).toBe(next.producerId)
    expect(producerEpoch(batch, 0)).toBe(3)
    expect(baseSequence(batch, 0)).toBe(1_234)
  })

  test('a batch without records', () => {
    const batch = encodeBatch({ records: [] })
    expect(batch.length).toBe(BATCH_HEADER_BYTES)
    patchProducer(batch, 0, { producerId: 5n, producerEpoch: 0, baseSequence: 0 })
    expect(crc(batch, 0)).toBe(crc32c(batch, CRC_FROM))
  })
})
