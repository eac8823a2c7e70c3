import fc from 'fast-check'
import { expect, test } from 'vitest'
import { baseAfterLost, type KnownOfTopic } from './gap.ts'

const now = Date.UTC(2026, 0)
const question = (known: Partial<KnownOfTopic> | undefined, more: object = {}) => ({
  known: known && { ends: [0n], at: now, ageMs: 0, peakRecordsPerSecond: 0, ...known },
  bases: known?.ends?.map(() => 0n) ?? [0n],
  createdAt: now,
  now,
  ...more,
})

test('the least gap is a million, and bases are whole millions', () => {
  expect(baseAfterLost(question({ ends: [0n] }))).toBe(1_000_000n)
  expect(baseAfterLost(question({ ends: [1n, 7n] }))).toBe(2_000_000n)
})

test('a topic that grows quickly is given a minute at its peak', () => {
  const known = { ends: [5_000_000n], peakRecordsPerSecond: 50_000 }
  expect(baseAfterLost(question(known))).toBe(8_000_000n)
})

test('whatever a topic was seen to do, since it was looked at it may have been filled', () => {
  const known = { ends: [5_000_000n], peakRecordsPerSecond: 0, ageMs: 7_000 }
  expect(baseAfterLost(question(known))).toBe(12_000_000n)
})

test('a rate that was never measured is taken to be more than a broker takes', () => {
  expect(baseAfterLost(question({ ends: [3n], peakRecordsPerSecond: null }))).toBe(61_000_000n)
})

test('a topic of which nothing is known may have been written to since it was made', () => {
  expect(baseAfterLost(question(undefined, { createdAt: now - 3_600_000 }))).toBe(3_660_000_000n)
  // Also when its leaders were asked and did not tell.
  const untold = question({ ends: [-1n] }, { createdAt: now - 3_600_000 })
  expect(baseAfterLost(untold)).toBe(3_660_000_000n)
})

test('one that was adopted may be as old as Kafka', () => {
  const years = BigInt((now - Date.UTC(2011, 0)) / 1_000)
  expect(baseAfterLost(question(undefined, { createdAt: null }))).toBe((years + 60n) * 1_000_000n)
})

test('a partition that did not tell is not taken to be as short as the others', () => {
  const known = { ends: [10n, -1n], peakRecordsPerSecond: 1 }
  const asked = question(known, { bases: [0n, 0n], createdAt: now - 10_000 })
  expect(baseAfterLost(asked)).toBe(70_000_000n)
})

test('for any topic: beyond whatever it can have grown to, and never before where it begins', () => {
  const partition = fc.record({
    base: fc.bigInt({ min: 0n, max: 2n ** 50n }),
    /** Of the lost loglet, when it was looked at. */
    length: fc.bigInt({ min: 0n, max: 2n ** 40n }),
    told: fc.boolean(),
  })
  fc.assert(
    fc.property(
      fc.array(partition, { minLength: 1, maxLength: 8 }),
      fc.integer({ min: 0, max: 2_000_000 }),
      fc.integer({ min: 0, max: 86_400_000 }),
      fc.integer({ min: 0, max: 60_000 }),
      (partitions, perSecond, ageMs, lateMs) => {
        const base = baseAfterLost({
          known: {
            ends: partitions.map(({ base, length, told }) => (told ? base + length : -1n)),
            at: now - ageMs,
            ageMs,
            peakRecordsPerSecond: perSecond,
          },
          bases: partitions.map(({ base }) => base),
          createdAt: now - ageMs,
          now,
        })
        expect(base % 1_000_000n).toBe(0n)
        for (const { base: start, length, told } of partitions) {
          const end = told ? start + length : start
          // It went on at its peak until it was lost, a while after the decision.
          const grown = BigInt(Math.floor((perSecond * (ageMs + lateMs)) / 1_000))
          expect(base).toBeGreaterThanOrEqual(end + grown)
          expect(base).toBeGreaterThanOrEqual(end + 1_000_000n)
        }
      },
    ),
  )
})
