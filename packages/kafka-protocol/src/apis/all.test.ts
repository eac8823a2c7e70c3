import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ProtocolError } from '../protocol-error.ts'
import { Reader } from '../reader.ts'
import type { AnyApi } from '../schema/api.ts'
import type { Field, Fields, FieldType } from '../schema/fields.ts'
import { hasVersion } from '../schema/versions.ts'
import { Writer } from '../writer.ts'
import { apis } from './all.ts'

type Message = Record<string, unknown>

interface Side {
  readonly title: string
  readonly version: number
  readonly flexible: boolean
  readonly fields: Fields
  encode(w: Writer, message: unknown): void
  decode(r: Reader): unknown
}

function sidesOf(api: AnyApi): Side[] {
  const sides: Side[] = []
  for (let version = api.minVersion; version <= api.maxVersion; version++) {
    const flexible = version >= api.flexibleVersion
    sides.push(
      {
        title: `${api.name} request v${version}`,
        version,
        flexible,
        fields: api.request,
        encode: (w, message) => api.encodeRequest(w, version, message),
        decode: (r) => api.decodeRequest(r, version),
      },
      {
        title: `${api.name} response v${version}`,
        version,
        flexible,
        fields: api.response,
        encode: (w, message) => api.encodeResponse(w, version, message),
        decode: (r) => api.decodeResponse(r, version),
      },
    )
  }
  return sides
}

const sides = [...apis.values()].flatMap(sidesOf)

// ---- any message of a definition, complete, with the default where the version lacks a field

const isPresent = (field: Field, side: Side): boolean =>
  hasVersion(field.versions, side.version) && (field.tag === undefined || side.flexible)

const arbitraryBytes = fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes))

function arbitraryOf(type: FieldType, side: Side): fc.Arbitrary<unknown> {
  switch (type.kind) {
    case 'bool':
      return fc.boolean()
    case 'int8':
      return fc.integer({ min: -0x80, max: 0x7f })
    case 'int16':
      return fc.integer({ min: -0x8000, max: 0x7fff })
    case 'int32':
      return fc.integer()
    case 'int64':
      return fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
    case 'float64':
      return fc.double({ noNaN: true })
    case 'string':
      return fc.oneof(fc.string({ maxLength: 80 }), fc.string({ unit: 'grapheme', maxLength: 80 }))
    case 'uuid':
      return fc.uuid()
    case 'bytes':
    case 'records':
      return arbitraryBytes
    case 'struct':
      return arbitraryMessage(type.fields, side)
    case 'array':
      return fc.array(arbitraryOf(type.of, side), { maxLength: 3 })
  }
}

function arbitraryMessage(fields: Fields, side: Side): fc.Arbitrary<Message> {
  const values = Object.entries(fields).map(([name, field]): [string, fc.Arbitrary<unknown>] => {
    if (!isPresent(field, side)) return [name, fc.constant(field.default)]
    const value = arbitraryOf(field.type, side)
    return [name, hasVersion(field.nullable, side.version) ? fc.option(value, { freq: 4 }) : value]
  })
  return fc.record(Object.fromEntries(values), { noNullPrototype: true })
}

function encoded(side: Side, message: unknown): Buffer {
  const w = new Writer(8)
  side.encode(w, message)
  return w.finish()
}

/** What decoding came to: a message, or a ProtocolError; anything else fails the test. */
function decodeHostile(side: Side, bytes: Buffer): void {
  try {
    side.decode(new Reader(bytes))
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error
    expect(error.at).toBeLessThanOrEqual(bytes.length)
  }
}

describe.each(sides)('$title', (side) => {
  test('what is encoded is decoded, every byte of it', () => {
    fc.assert(
      fc.property(arbitraryMessage(side.fields, side), (message) => {
        const bytes = encoded(side, message)
        const reader = new Reader(bytes)
        const back = side.decode(reader)
        if (!isDeepStrictEqual(back, message)) expect(back).toEqual(message)
        expect(reader.remaining).toBe(0)
      }),
      { numRuns: 25 },
    )
  })

  test('a message that ends early is refused', () => {
    fc.assert(
      fc.property(
        arbitraryMessage(side.fields, side),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (message, share) => {
          const bytes = encoded(side, message)
          const cut = bytes.subarray(0, Math.floor(share * (bytes.length - 1)))
          // Only a message without bytes (ListGroups request v0) has no end to lose.
          if (bytes.length > 0) expect(() => side.decode(new Reader(cut))).toThrow(ProtocolError)
        },
      ),
      { numRuns: 15 },
    )
  })

  test('garbage and damaged messages give a ProtocolError or a message, nothing else', () => {
    const damaged = fc
      .tuple(
        arbitraryMessage(side.fields, side),
        fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 }),
      )
      .map(([message, changes]) => {
        const bytes = Buffer.from(encoded(side, message))
        for (const [at, byte] of changes) if (bytes.length > 0) bytes[at % bytes.length] = byte
        return bytes
      })
    const garbage = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes))
    fc.assert(
      fc.property(fc.oneof(damaged, garbage), (bytes) => decodeHostile(side, bytes)),
      { numRuns: 25 },
    )
  })
})

test('the table has each API once, under its key', () => {
  expect(apis.size).toBe(28)
  for (const [key, api] of apis) expect(api.key).toBe(key)
})

test('a version that is not defined is refused, on each of the four ways', () => {
  for (const api of apis.values()) {
    for (const version of [api.minVersion - 1, api.maxVersion + 1, 0x7fff]) {
      const refused = expect.objectContaining({ code: 'UNSUPPORTED_VERSION' })
      expect(() => api.encodeRequest(new Writer(), version, {})).toThrow(refused)
      expect(() => api.decodeRequest(new Reader(Buffer.alloc(99)), version)).toThrow(refused)
      expect(() => api.encodeResponse(new Writer(), version, {})).toThrow(refused)
      expect(() => api.decodeResponse(new Reader(Buffer.alloc(99)), version)).toThrow(refused)
    }
  }
})
