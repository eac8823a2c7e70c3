import { beforeEach, describe, expect, test } from 'vitest'
import { ManualClock } from '../test/manual-clock.ts'
import { Deadline } from './deadline.ts'

let clock: ManualClock
let over: number
let deadline: Deadline
beforeEach(() => {
  clock = new ManualClock()
  over = 0
  deadline = new Deadline(clock, () => over++)
})

describe('the time limit of the oldest request', () => {
  test('is over after its time and a second look', () => {
    deadline.startFor(1, 1_000)
    clock.pass(1_000)
    expect(over).toBe(0)
    clock.pass(50)
    expect(over).toBe(1)
  })

  test('ten thousand requests take one timer', () => {
    for (let id = 0; id < 10_000; id++) deadline.startFor(id, 1_000)
    expect(clock.timers).toBe(1)
  })

  test('each request has its whole time', () => {
    deadline.startFor(1, 1_000)
    clock.pass(900)
    deadline.startFor(2, 1_000)
    clock.pass(999)
    expect(over).toBe(0)
    clock.pass(60)
    expect(over).toBe(1)
  })

  test('a shorter one behind a longer one counts from its turn', () => {
    deadline.startFor(1, 30_000)
    clock.pass(10)
    deadline.startFor(2, 100)
    clock.pass(151)
    expect(over).toBe(1)
  })

  test('nothing is over while nothing is under way', () => {
    deadline.startFor(1, 1_000)
    deadline.rest()
    clock.pass(10_000)
    expect(over).toBe(0)
    expect(clock.timers).toBe(0)
  })

  test('after a pause of the process an answer that waits to be read still counts', () => {
    deadline.startFor(1, 1_000)
    clock.freeze(60_000)
    expect(over).toBe(0)
    deadline.rest()
    clock.pass(10_000)
    expect(over).toBe(0)
  })

  test('the second look is for one request, not for the one behind it', () => {
    deadline.startFor(1, 1_000)
    clock.pass(1_000)
    deadline.startFor(2, 1_000)
    clock.pass(1_000)
    expect(over).toBe(0)
    clock.pass(50)
    expect(over).toBe(1)
  })

  test('rests while reading is paused, and starts anew', () => {
    deadline.startFor(1, 1_000)
    deadline.pause()
    clock.pass(60_000)
    expect(over).toBe(0)
    deadline.resume()
    clock.pass(999)
    expect(over).toBe(0)
    clock.pass(60)
    expect(over).toBe(1)
  })

  test('leaves no timer behind when cancelled', () => {
    deadline.startFor(1, 1_000)
    deadline.cancel()
    expect(clock.timers).toBe(0)
  })
})
