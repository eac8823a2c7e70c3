import { vi } from 'vitest'

const macrotask = setImmediate
const STEP_MS = 5

/** Timers and the clock stand still until `elapse`. Use in beforeEach, with `realTime` in afterEach. */
export function virtualTime(): void {
  vi.useFakeTimers({
    toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date'],
    now: 1_000_000,
  })
}

export function realTime(): void {
  vi.useRealTimers()
}

/** Everything that happens without time passing has happened. */
export async function settled(): Promise<void> {
  for (let i = 0; i < 12; i++) await new Promise<void>((resolve) => macrotask(() => resolve()))
}

/** Time passes in small steps, so that what one timer starts can set the next. */
export async function elapse(ms: number): Promise<void> {
  for (let left = ms; left > 0; left -= STEP_MS) {
    vi.advanceTimersByTime(Math.min(left, STEP_MS))
    for (let i = 0; i < 3; i++) await new Promise<void>((resolve) => macrotask(() => resolve()))
  }
  await settled()
}
