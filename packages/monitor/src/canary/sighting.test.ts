import { expect, test } from 'vitest'
import { afterPulse, afterWrites, type Outcome, type Sighting, unseen, voteOf } from './sighting.ts'

const ok = (sentMs: number): Outcome => ({ ok: true, sentMs })
const failed = (sentMs: number): Outcome => ({ ok: false, sentMs, why: 'no broker answered' })
const pulses = (...outcomes: Outcome[]): Sighting => outcomes.reduce(afterPulse, unseen)

test('nothing is said of a cluster that nobody has asked', () => {
  expect(voteOf(unseen, 5_000)).toEqual({ state: 'unknown', forMs: 0, detail: null })
})

test('a cluster that does not answer is down since the first failure was sent', () => {
  const sighting = pulses(ok(0), ok(500), failed(1_000), failed(2_000))
  expect(voteOf(sighting, 3_000)).toEqual({ state: 'down', forMs: 2_000, detail: 'no broker answered' })
})

test('one that never answered is down', () => {
  expect(voteOf(pulses(failed(100)), 1_100)).toMatchObject({ state: 'down', forMs: 1_000 })
})

test('it is up again with the first answer', () => {
  expect(voteOf(pulses(ok(0), failed(1_000), ok(3_000)), 4_000)).toMatchObject({ state: 'up', forMs: 1_000 })
})

test('one that answers and takes no records is down after 15 s, and counts from the first that failed', () => {
  const refuses = [10_000, 11_000, 12_000].reduce(
    (sighting, sentMs) => afterWrites(sighting, { ok: false, sentMs, why: 'NOT_ENOUGH_REPLICAS' }),
    afterWrites(pulses(ok(0)), ok(9_000)),
  )
  expect(voteOf(refuses, 24_999)).toMatchObject({ state: 'up' })
  expect(voteOf(refuses, 25_000)).toMatchObject({ state: 'down', forMs: 15_000 })
  expect(voteOf(refuses, 25_000).detail).toContain('NOT_ENOUGH_REPLICAS')
  expect(voteOf(afterWrites(refuses, ok(25_000)), 26_000)).toMatchObject({ state: 'up' })
})

test('what it says fits into a report', () => {
  const sighting = afterPulse(unseen, { ok: false, sentMs: 0, why: 'x'.repeat(1_000) })
  expect(voteOf(sighting, 1.5)).toMatchObject({ forMs: 2, detail: 'x'.repeat(300) })
})
