import { describe, expect, test } from 'vitest'
import { type GroupState, stateOf, WINDOW_SAMPLES, type Window, windowAfter, worstOf } from './group-state.ts'

/** Samples a second apart, of [committed, lag]. */
function after(samples: readonly (readonly [committed: number, lag: number])[], from?: Window): Window {
  let window = from
  for (const [i, [committed, lag]] of samples.entries()) {
    const startMs = (from?.samples.at(-1)?.atMs ?? 0) + 1_000
    window = windowAfter(window, {
      atMs: startMs + i * 1_000,
      committed: BigInt(committed),
      lag: BigInt(lag),
    })
  }
  return window!
}

const times = <T>(count: number, of: (i: number) => T): T[] => Array.from({ length: count }, (_, i) => of(i))
const state = (samples: readonly (readonly [number, number])[], members = true): GroupState =>
  stateOf(after(samples), members)

describe("Burrow's rules over a window of samples", () => {
  test('a group without lag is well, also when it has not committed for long', () => {
    expect(state(times(12, () => [5, 0]))).toBe('OK')
  })

  test('one that has lag and catches up is well', () => {
    expect(state(times(12, (i) => [i * 10, 500 - i * 10]))).toBe('OK')
  })

  test('one whose lag was zero somewhere in the window keeps up', () => {
    expect(state(times(12, (i) => [i, i === 6 ? 0 : i + 1]))).toBe('OK')
  })

  test('one that reads and never gets nearer is warned of', () => {
    expect(state(times(12, (i) => [i, 100 + i]))).toBe('WARNING')
    expect(state(times(12, (i) => [i, 100]))).toBe('WARNING')
  })

  test('one that is there and does not get on has stalled', () => {
    expect(state(times(12, (i) => [7, 10 + i]))).toBe('STALL')
    expect(state(times(12, () => [7, 10]))).toBe('STALL')
  })

  test('one that nobody is in has stopped', () => {
    expect(
      state(
        times(12, () => [7, 10]),
        false,
      ),
    ).toBe('STOP')
  })

  test('nothing is said of half a window', () => {
    expect(state(times(WINDOW_SAMPLES - 1, () => [7, 10]))).toBe('OK')
    expect(state(times(WINDOW_SAMPLES, () => [7, 10]))).toBe('STALL')
  })

  test('one that commits rarely is given the time that its commits take', () => {
    // Every 30 samples it commits. In between the window shows no move at all.
    const rare = after(times(118, (i) => [Math.floor(i / 30), 10]))
    expect(stateOf(rare, true)).toBe('OK')
    const ended = after(
      times(70, () => [3, 10]),
      rare,
    )
    expect(stateOf(ended, true)).toBe('STALL')
  })

  test('a zero in the window does not hide one that has stopped since', () => {
    const kept = after(times(10, (i) => [i, 0]))
    expect(
      stateOf(
        after(
          times(12, () => [9, 50]),
          kept,
        ),
        false,
      ),
    ).toBe('STOP')
  })

  test('an offset that went back is warned of', () => {
    expect(state(times(12, (i) => [i < 8 ? 100 + i : 50 + i, 10 - (i % 3)]))).toBe('WARNING')
  })

  test('a group is as well as its worst partition', () => {
    expect(worstOf(['OK', 'STALL', 'WARNING'])).toBe('STALL')
    expect(worstOf([])).toBe('OK')
  })
})
