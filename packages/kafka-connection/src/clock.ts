/** Time, as an argument. Tests give their own. */
export interface Clock {
  /** milliseconds, monotonic */
  now(): number
  after(ms: number, run: () => void): Timer
}

export interface Timer {
  cancel(): void
}

export const systemClock: Clock = {
  now: () => performance.now(),
  after: (ms, run) => {
    const timeout = setTimeout(run, ms)
    return { cancel: () => clearTimeout(timeout) }
  },
}
