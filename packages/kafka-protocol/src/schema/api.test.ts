import { describe, expect, test } from 'vitest'
import { produce } from '../apis/00-produce.ts'
import { fetch } from '../apis/01-fetch.ts'
import { metadata } from '../apis/03-metadata.ts'
import { Reader } from '../reader.ts'
import { ZERO_UUID } from '../uuid.ts'
import { Writer } from '../writer.ts'
import { defineApi } from './api.ts'
import { array, int32, string, struct } from './fields.ts'

const sample = defineApi({
  key: 900,
  name: 'Sample',
  versions: '0-3',
  flexible: '2+',
  request: {
    name: string({ nullable: '1+' }),
    limit: int32({ versions: '1+', default: 7 }),
    note: string({ versions: '2+', nullable: '2+', tag: 5, default: null }),
    place: struct({ x: int32({ default: -1 }), y: int32({ default: -1 }) }, { versions: '2+', tag: 2 }),
    parts: array({ size: int32() }, { versions: '3+', nullable: '3+', tag: 0, default: [] }),
  },
  response: {},
})

function bytesOf(version: number, request: Parameters<typeof sample.encodeRequest>[2]): string {
  const w = new Writer()
  sample.encodeRequest(w, version, request)
  return w.finish().toString('hex')
}

const decode = (version: number, hex: string) =>
  sample.decodeRequest(new Reader(Buffer.from(hex, 'hex')), version)

describe('a definition', () => {
  test('writes what the version has and ignores the rest', () => {
    expect(bytesOf(0, { name: 'ab', limit: 9, note: 'gone' })).toBe('00026162')
    expect(bytesOf(1, { name: null })).toBe('ffff00000007')
    expect(bytesOf(2, { name: 'ab' })).toBe('0361620000000700')
  })

  test('writes tagged fields in the order of their tags, and only those that differ from the default', () => {
    expect(bytesOf(3, { name: null, note: 'n', place: { x: 1 }, parts: [{ size: 3 }] })).toBe(
      '0000000007' + '03' + '0006020000000300' + '020900000001ffffffff00' + '0502026e',
    )
    expect(bytesOf(3, { name: null, note: null, place: { x: -1, y: -1 }, parts: [] })).toBe('000000000700')
    expect(bytesOf(3, { name: null, parts: null })).toBe('0000000007010001' + '00')
  })

  test('a tagged field of more than 127 bytes keeps its neighbours in place', () => {
    for (const length of [126, 127, 128, 16_382, 16_384, 2_100_000]) {
      const request = { name: 'x', note: 'n'.repeat(length), place: { x: 5, y: 6 } }
      expect(decode(2, bytesOf(2, request))).toEqual({ ...request, limit: 7, parts: [] })
    }
  })

  test('reads every field in every version, absent ones as their default', () => {
    expect(decode(0, '00026162')).toEqual({
      name: 'ab',
      limit: 7,
      note: null,
      place: { x: -1, y: -1 },
      parts: [],
    })
  })

  test('passes over tagged fields that it does not know', () => {
    const known = '020900000001ffffffff00'
    expect(decode(2, `0000000007${'03'}${'0103aabbcc'}${known}${'6300'}`)).toMatchObject({
      place: { x: 1, y: -1 },
    })
  })

  test('refuses a tagged field whose content does not fill its size', () => {
    const wrong = '0201' + '020a' + '00000001ffffffff00' + '00'
    expect(() => decode(2, `0000000007${wrong.slice(2)}`)).toThrow()
    expect(() => decode(2, '000000000701' + '020a00000001ffffffff0000')).toThrow(
      expect.objectContaining({ code: 'BAD_LENGTH' }),
    )
    expect(() => decode(2, '000000000701' + '0264' + '00000001')).toThrow(
      expect.objectContaining({ code: 'TRUNCATED' }),
    )
  })

  test('refuses null where the version has none', () => {
    const refused = expect.objectContaining({ code: 'BAD_NULL' })
    expect(() => bytesOf(0, { name: null })).toThrow(refused)
    expect(() => metadata.encodeRequest(new Writer(), 0, { topics: null })).toThrow(refused)
    expect(() => decode(0, 'ffff')).toThrow(refused)
    expect(() => metadata.decodeRequest(new Reader(Buffer.from('ffffffff', 'hex')), 0)).toThrow(refused)
  })

  test('arrays that are absent are fresh, a struct that is absent cannot be changed', () => {
    const one = decode(0, '00026162')
    one.parts?.push({ size: 1 })
    expect(decode(0, '00026162').parts).toEqual([])
    expect(Object.isFrozen(one.place)).toBe(true)
  })
})

describe('the real ones', () => {
  test('records come back as a slice of what was read, not as a copy', () => {
    const w = new Writer()
    const records = Buffer.from('seventy bytes')
    produce.encodeRequest(w, 9, {
      acks: -1,
      timeoutMs: 1,
      topicData: [{ name: 'orders', partitionData: [{ index: 0, records }] }],
    })
    const frame = w.finish()
    const back = produce.decodeRequest(new Reader(frame), 9).topicData[0]!.partitionData[0]!.records!
    expect(back.equals(records)).toBe(true)
    expect(back.buffer).toBe(frame.buffer)
  })

  test('a spliced writer hands large records on as they are', () => {
    const records = Buffer.alloc(5_000, 1)
    const small = Buffer.from('small')
    const response = {
      errorCode: 0,
      throttleTimeMs: 0,
      responses: [
        {
          topic: 'orders',
          partitions: [records, small, records].map((bytes, partitionIndex) => ({
            partitionIndex,
            errorCode: 0,
            highWatermark: 9n,
            abortedTransactions: null,
            records: bytes,
          })),
        },
      ],
    }
    const plain = new Writer()
    fetch.encodeResponse(plain, 12, response)
    const spliced = new Writer(16, 4_096)
    const mark = spliced.reserveInt32()
    fetch.encodeResponse(spliced, 12, response)
    expect(spliced.length).toBe(4 + plain.length)
    spliced.fillInt32(mark, spliced.length - 4)
    const parts = spliced.parts()
    expect(parts.filter((part) => part === records)).toHaveLength(2)
    const whole = Buffer.concat(parts)
    expect(whole.readInt32BE(0)).toBe(plain.length)
    expect(whole.subarray(4).equals(plain.finish())).toBe(true)
  })

  test('defaults are Kafka’s own', () => {
    const request = metadata.decodeRequest(new Reader(Buffer.from('00000000', 'hex')), 1)
    expect(request).toEqual({
      topics: [],
      allowAutoTopicCreation: true,
      includeClusterAuthorizedOperations: false,
      includeTopicAuthorizedOperations: false,
    })
    const answer = Buffer.from(`00000000${'00000001'}0000${'000161'}${'00000000'}`, 'hex')
    expect(metadata.decodeResponse(new Reader(answer), 0).topics[0]).toEqual({
      errorCode: 0,
      name: 'a',
      topicId: ZERO_UUID,
      isInternal: false,
      partitions: [],
      topicAuthorizedOperations: -(2 ** 31),
    })
  })
})
