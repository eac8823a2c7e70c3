import { expect, test } from 'vitest'
import { ManualClock } from '../test/manual-clock.ts'
import { Waits } from './waits.ts'

test('a wait lasts as long as it was asked to', async () => {
  const clock = new ManualClock()
  let over = false
  const waiting = new Waits(clock).wait(100).then(() => {
    over = true
  })
  clock.pass(99)
  await Promise.resolve()
  expect(over).toBe(false)
  clock.pass(1)
  await waiting
  expect(clock.timers).toBe(0)
})

test('closing ends all waits, leaves no timer, and lets none begin', async () => {
  const clock = new ManualClock()
  const waits = new Waits(clock)
  const waiting = [waits.wait(1_000), waits.wait(60_000)]
  waits.close()
  await Promise.all([...waiting, waits.wait(1_000)])
  expect(clock.timers).toBe(0)
  expect(waits.closed).toBe(true)
})
