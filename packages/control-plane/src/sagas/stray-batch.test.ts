import { baseSequence, crc32c, decodeBatch, encodeBatch, producerId } from '@braid/kafka-protocol'
import { describe, expect, test } from 'vitest'
import { type BatchIn, type CopyTo, recoveredHeader, strayBatch, strayHeader } from './stray-batch.ts'

const wrap = 2 ** 31
const to: CopyTo = {
  producerId: 2n ** 61n,
  sequence: 5,
  from: 'a/orders.x/0',
  maxBytes: 1_000_000,
  firstOffset: 0n,
  logicalOf: undefined,
}

const batch = (baseOffset: bigint, ...values: string[]): BatchIn => ({
  at: 0,
  bytes: encodeBatch({
    baseOffset,
    producerId: 7n,
    producerEpoch: 0,
    baseSequence: Number(baseOffset),
    records: values.map((value) => ({ key: Buffer.from('k'), value: Buffer.from(value), timestamp: 9n })),
  }),
})

/** In a codec that is not unpacked here. */
function snappy(baseOffset: bigint, value: string): BatchIn {
  const { bytes, at } = batch(baseOffset, value)
  bytes.writeInt16BE(2, 21)
  bytes.writeUInt32BE(crc32c(bytes, 21), 17)
  return { bytes, at }
}

const valuesIn = (bytes: Buffer) => decodeBatch(bytes, 0).records.map(({ value }) => String(value))

describe('a copy', () => {
  test('is made of as many batches as there are, their records marked by where each was found', () => {
    const copy = strayBatch([batch(10n, 'a', 'b'), batch(17n, 'c')], { ...to, logicalOf: (at) => at + 100n })
    expect(copy).toMatchObject({ records: 3, batches: 2, nextSequence: 8 })
    expect([producerId(copy.bytes, 0), baseSequence(copy.bytes, 0)]).toEqual([2n ** 61n, 5])
    const marks = decodeBatch(copy.bytes, 0).records.map(({ timestamp, key, value, headers }) => [
      timestamp,
      String(key),
      String(value),
      ...headers.map((header) => `${header.key}=${header.value}`),
    ])
    expect(marks).toEqual([
      [9n, 'k', 'a', `${strayHeader}=a/orders.x/0@10`, `${recoveredHeader}=110`],
      [9n, 'k', 'b', `${strayHeader}=a/orders.x/0@11`, `${recoveredHeader}=111`],
      [9n, 'k', 'c', `${strayHeader}=a/orders.x/0@17`, `${recoveredHeader}=117`],
    ])
  })

  test('is no larger than the topic takes, and than half a megabyte', () => {
    const large = 'x'.repeat(300_000)
    const two = [batch(0n, large), batch(1n, large)]
    expect(strayBatch(two, to).batches).toBe(1)
    const many = Array.from({ length: 50 }, (_, i) => batch(BigInt(i), 'y'.repeat(100)))
    const { bytes, batches } = strayBatch(many, { ...to, maxBytes: 2_000 })
    expect(bytes.length).toBeLessThanOrEqual(2_000)
    expect(batches).toBeGreaterThan(5)
    expect(batches).toBeLessThan(50)
  })

  test('of one that cannot be unpacked is that one as it is, and the ones before it are another', () => {
    const [first, odd, last] = [batch(0n, 'a'), snappy(1n, 'b'), batch(2n, 'c')] as const
    expect(strayBatch([first, odd, last], to)).toMatchObject({ batches: 1, records: 1 })
    const copy = strayBatch([odd, last], to)
    expect(copy).toMatchObject({ batches: 1, records: 1, nextSequence: 6 })
    expect(copy.bytes.subarray(61)).toEqual(odd.bytes.subarray(61))
    expect([producerId(copy.bytes, 0), baseSequence(copy.bytes, 0)]).toEqual([2n ** 61n, 5])
  })

  test('of one that is corrupt is refused, and what lies before it is copied', () => {
    const corrupt = batch(1n, 'b')
    corrupt.bytes.writeUInt8(0xff, corrupt.bytes.length - 2)
    expect(strayBatch([batch(0n, 'a'), corrupt], to).batches).toBe(1)
    expect(() => strayBatch([corrupt], to)).toThrow(/CRC/)
  })

  test('that would outgrow the topic by its marks goes without them', () => {
    const one = batch(0n, 'x'.repeat(500))
    const copy = strayBatch([one, batch(1n, 'y')], { ...to, maxBytes: one.bytes.length })
    expect(copy.batches).toBe(1)
    expect(decodeBatch(copy.bytes, 0).records[0]!.headers).toEqual([])
  })

  test('leaves out what lies before its first offset, which may be all', () => {
    const copy = strayBatch([batch(0n, 'a', 'b'), batch(2n, 'c')], { ...to, firstOffset: 1n })
    expect(valuesIn(copy.bytes)).toEqual(['b', 'c'])
    expect(strayBatch([batch(0n, 'a')], { ...to, firstOffset: 1n })).toMatchObject({
      records: 0,
      nextSequence: 5,
    })
  })

  test('has sequences that wrap', () => {
    const copy = strayBatch([batch(0n, 'a', 'b'), batch(2n, 'c')], { ...to, sequence: wrap - 2 })
    expect([baseSequence(copy.bytes, 0), copy.nextSequence]).toEqual([wrap - 2, 1])
  })
})
