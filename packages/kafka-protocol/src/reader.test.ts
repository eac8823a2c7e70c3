import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { fetch } from './apis/01-fetch.ts'
import { ELEMENTS_MAX, Reader } from './reader.ts'
import { Writer } from './writer.ts'

const read = (hex: string) => new Reader(Buffer.from(hex.replaceAll(' ', ''), 'hex'))
const code = (expected: string) => expect.objectContaining({ name: 'ProtocolError', code: expected })

function written(write: (w: Writer) => void): Buffer {
  const w = new Writer(1)
  write(w)
  return w.finish()
}

/** Writes with one method, reads with the other; the value must come back and nothing be left over. */
function comesBack<T>(
  values: fc.Arbitrary<T>,
  write: (w: Writer, value: T) => void,
  back: (r: Reader) => T,
): void {
  fc.assert(
    fc.property(values, (value) => {
      const r = new Reader(written((w) => write(w, value)))
      expect(back(r)).toEqual(value)
      expect(r.remaining).toBe(0)
    }),
  )
}

const text = fc.oneof(fc.string({ maxLength: 200 }), fc.string({ unit: 'grapheme', maxLength: 200 }))
const bytes = fc.uint8Array({ maxLength: 300 }).map((array): Buffer => Buffer.from(array))

describe('what is written is read', () => {
  test('numbers', () => {
    comesBack(
      fc.integer({ min: -0x80, max: 0x7f }),
      (w, v) => w.int8(v),
      (r) => r.int8(),
    )
    comesBack(
      fc.integer({ min: -0x8000, max: 0x7fff }),
      (w, v) => w.int16(v),
      (r) => r.int16(),
    )
    comesBack(
      fc.integer(),
      (w, v) => w.int32(v),
      (r) => r.int32(),
    )
    comesBack(
      fc.nat(0xffff_ffff),
      (w, v) => w.uint32(v),
      (r) => r.uint32(),
    )
    comesBack(
      fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
      (w, v) => w.int64(v),
      (r) => r.int64(),
    )
    comesBack(
      fc.double({ noNaN: true }),
      (w, v) => w.float64(v),
      (r) => r.float64(),
    )
    comesBack(
      fc.boolean(),
      (w, v) => w.boolean(v),
      (r) => r.boolean(),
    )
    comesBack(
      fc.nat(0xffff_ffff),
      (w, v) => w.unsignedVarint(v),
      (r) => r.unsignedVarint(),
    )
    comesBack(
      fc.integer(),
      (w, v) => w.varint(v),
      (r) => r.varint(),
    )
    comesBack(
      fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
      (w, v) => w.varlong(v),
      (r) => r.varlong(),
    )
  })

  test('strings, bytes, ids', () => {
    comesBack(
      text,
      (w, v) => w.string(v),
      (r) => r.string(),
    )
    comesBack(
      fc.option(text),
      (w, v) => w.nullableString(v),
      (r) => r.nullableString(),
    )
    comesBack(
      text,
      (w, v) => w.compactString(v),
      (r) => r.compactString(),
    )
    comesBack(
      fc.option(text),
      (w, v) => w.compactNullableString(v),
      (r) => r.compactNullableString(),
    )
    comesBack(
      bytes,
      (w, v) => w.bytes(v),
      (r) => r.bytes(),
    )
    comesBack(
      fc.option(bytes),
      (w, v) => w.nullableBytes(v),
      (r) => r.nullableBytes(),
    )
    comesBack(
      bytes,
      (w, v) => w.compactBytes(v),
      (r) => r.compactBytes(),
    )
    comesBack(
      fc.option(bytes),
      (w, v) => w.compactNullableBytes(v),
      (r) => r.compactNullableBytes(),
    )
    comesBack(
      fc.uuid(),
      (w, v) => w.uuid(v),
      (r) => r.uuid(),
    )
  })
})

describe('the bytes are those of the protocol', () => {
  test.each([
    ['int64', written((w) => w.int64(-2n)), 'fffffffffffffffe'],
    ['varint 300', written((w) => w.varint(300)), 'd804'],
    ['varint -1', written((w) => w.varint(-1)), '01'],
    ['varlong', written((w) => w.varlong(2n ** 63n - 1n)), 'feffffffffffffffff01'],
    ['string', written((w) => w.string('é')), '0002c3a9'],
    ['null string', written((w) => w.nullableString(null)), 'ffff'],
    ['compact string', written((w) => w.compactString('ab')), '036162'],
    ['compact null', written((w) => w.compactNullableBytes(null)), '00'],
    ['array of null', written((w) => w.arrayLength(-1)), 'ffffffff'],
    ['compact array of two', written((w) => w.compactArrayLength(2)), '03'],
    ['float64', written((w) => w.float64(1)), '3ff0000000000000'],
    [
      'uuid',
      written((w) => w.uuid('00112233-4455-6677-8899-aabbccddeeff')),
      '00112233445566778899aabbccddeeff',
    ],
  ])('%s', (_, buffer, hex) => expect(buffer.toString('hex')).toBe(hex))

  test('a reader stays in its window', () => {
    const r = new Reader(Buffer.from('0001020304', 'hex'), 1, 3)
    expect(r.int16()).toBe(0x0102)
    expect(() => r.int8()).toThrow(code('TRUNCATED'))
    expect(() => new Reader(Buffer.from('0005', 'hex'), 0, 1).unsignedVarint()).not.toThrow()
    expect(() => new Reader(Buffer.from('05', 'hex'), 0, 0).unsignedVarint()).toThrow(code('TRUNCATED'))
    expect(() => new Reader(Buffer.from('8005', 'hex'), 0, 1).unsignedVarint()).toThrow(code('TRUNCATED'))
  })
})

describe('hostile bytes', () => {
  test('lengths that cannot be true', () => {
    expect(() => read('7fff 61').string()).toThrow(code('TRUNCATED'))
    expect(() => read('fffe').nullableString()).toThrow(code('BAD_LENGTH'))
    expect(() => read('ffff').string()).toThrow(code('BAD_NULL'))
    expect(() => read('00').compactBytes()).toThrow(code('BAD_NULL'))
    expect(() => read('7fffffff 00').bytes()).toThrow(code('TRUNCATED'))
    expect(() => read('80000000').bytes()).toThrow(code('BAD_LENGTH'))
    expect(() => read('ffffffff0f').compactString()).toThrow(code('TRUNCATED'))
    expect(() => read('00').skip(-1)).toThrow(code('BAD_LENGTH'))
  })

  test('counts above the bytes that are there', () => {
    expect(() => read('7fffffff 0000').arrayLength()).toThrow(code('BAD_LENGTH'))
    expect(() => read('fffffffe').arrayLength()).toThrow(code('BAD_LENGTH'))
    expect(() => read('ffffffff0f').compactArrayLength()).toThrow(code('BAD_LENGTH'))
    expect(read('ffffffff').arrayLength()).toBe(-1)
    expect(read('00').compactArrayLength()).toBe(-1)
  })

  test('varints that do not end', () => {
    expect(() => read('ffffffffffff').unsignedVarint()).toThrow(code('BAD_VARINT'))
    expect(() => read('ffffffff1f').unsignedVarint()).toThrow(code('BAD_VARINT'))
    expect(read('ffffffff0f').unsignedVarint()).toBe(0xffff_ffff)
    expect(() => read('ffffffffffffffffffff7f').varlong()).toThrow(code('BAD_VARINT'))
    expect(() => read('ffffffffffffffffff7f').varlong()).toThrow(code('BAD_VARINT'))
    expect(() => read('80').varlong()).toThrow(code('TRUNCATED'))
  })

  test('a frame of empty structs is refused before it fills the memory', () => {
    // Three bytes a topic: an empty name, no partitions, no tags.
    const topics = 2_000_000
    const frame = Buffer.alloc(30 + 3 * topics)
    const w = new Writer(64)
    w.int32(-1)
    w.int32(0)
    w.int32(0)
    w.int32(0)
    w.int8(0)
    w.int32(0)
    w.int32(-1)
    w.compactArrayLength(topics)
    const head = w.finish()
    frame.fill(1)
    head.copy(frame)
    const before = process.memoryUsage().heapUsed
    expect(() => fetch.decodeRequest(new Reader(frame), 12)).toThrow(code('TOO_MANY_ELEMENTS'))
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(50 << 20)
  })

  test('the bound on elements counts over the whole frame and can be raised', () => {
    const r = read('00')
    r.spendElements(ELEMENTS_MAX)
    expect(() => r.spendElements(1)).toThrow(code('TOO_MANY_ELEMENTS'))
    const trusting = read('00')
    trusting.elementsLeft = ELEMENTS_MAX * 2
    expect(() => trusting.spendElements(ELEMENTS_MAX + 1)).not.toThrow()
  })
})

describe('a writer', () => {
  test('refuses what the format cannot hold', () => {
    expect(() => new Writer().string('x'.repeat(0x8000))).toThrow(code('BAD_LENGTH'))
    expect(() => new Writer().uuid('not-a-uuid')).toThrow(code('BAD_LENGTH'))
  })

  test('gives what was written, spliced or not', () => {
    const big = Buffer.alloc(100, 7)
    const w = new Writer(4, 100)
    w.raw(big)
    w.raw(big)
    w.int8(1)
    expect(w.length).toBe(201)
    expect(w.parts().map((part) => part.length)).toEqual([100, 100, 1])
    expect(w.finish().equals(Buffer.concat([big, big, Buffer.from([1])]))).toBe(true)
    expect(new Writer().parts()).toEqual([Buffer.alloc(0)])
  })
})
