import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Holes, holesFromJson, holesToJson, holesWithin, pastHole } from './holes.ts'

/** Ranges of partition 0 within [0, 60), some of which touch. */
const holes: fc.Arbitrary<Holes> = fc
  .array(fc.tuple(fc.integer({ min: 0, max: 5 }), fc.integer({ min: 1, max: 5 })), { maxLength: 6 })
  .map((gaps) => {
    let at = 0
    const ranges = gaps.flatMap(([gap, length]) => {
      const from = at + gap
      at = from + length
      return [BigInt(from), BigInt(at)]
    })
    return new Map(ranges.length === 0 ? [] : [[0, BigInt64Array.from(ranges)]])
  })

/** Offset by offset. */
function isIn(all: Holes, offset: bigint): boolean {
  const ranges = all.get(0) ?? []
  for (let i = 0; i < ranges.length; i += 2) if (ranges[i]! <= offset && offset < ranges[i + 1]!) return true
  return false
}

test('an offset in a hole is moved to the first one after it that is in none', () => {
  fc.assert(
    fc.property(holes, fc.bigInt(0n, 70n), (all, offset) => {
      let expected = offset
      while (isIn(all, expected)) expected++
      expect(pastHole(all, 0, offset)).toBe(expected)
      expect(pastHole(all, 1, offset)).toBe(offset)
      expect(pastHole(undefined, 0, offset)).toBe(offset)
    }),
  )
})

test('offsets within holes are counted one by one', () => {
  fc.assert(
    fc.property(holes, fc.bigInt(0n, 70n), fc.bigInt(0n, 70n), (all, from, to) => {
      let expected = 0n
      for (let offset = from; offset < to; offset++) if (isIn(all, offset)) expected++
      expect(holesWithin(all, 0, from, to)).toBe(expected)
    }),
  )
})

test('they are the same after a walk over the wire', () => {
  fc.assert(
    fc.property(holes, (all) => {
      const back = holesFromJson(JSON.parse(JSON.stringify(holesToJson(all))), 1, 'orders')
      expect(back ?? new Map()).toEqual(all)
    }),
  )
})

test.each([
  [{ 0: ['5'] }, 'pairs of offsets'],
  [{ 0: ['5', '5'] }, 'do not ascend'],
  [{ 0: ['5', '7', '6', '9'] }, 'do not ascend'],
  [{ 0: ['5', '-7'] }, 'is no offset'],
  [{ 2: ['5', '7'] }, 'no such one'],
  [{ x: ['5', '7'] }, 'no such one'],
])('%j is refused: %s', (json, why) => {
  expect(() => holesFromJson(json as never, 2, 'orders')).toThrow(why)
})
