import fc from 'fast-check'
import { expect, test } from 'vitest'
import { backoffMs } from './backoff.ts'

test('a wait lies under a ceiling that doubles and ends', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 2_000 }),
      fc.double({ min: 0, max: 0.999, noNaN: true }),
      (tries, luck) => {
        const ms = backoffMs(tries, { backoffFirstMs: 20, backoffMaxMs: 1_000, random: () => luck })
        expect(ms).toBeGreaterThanOrEqual(0)
        expect(ms).toBeLessThanOrEqual(Math.min(1_000, 20 * 2 ** (tries - 1)))
      },
    ),
  )
})

test('the jitter is full: anything from nothing to the ceiling', () => {
  const waits = [0, 0.5, 1].map((luck) =>
    backoffMs(3, { backoffFirstMs: 20, backoffMaxMs: 1_000, random: () => luck }),
  )
  expect(waits).toEqual([0, 40, 80])
})
