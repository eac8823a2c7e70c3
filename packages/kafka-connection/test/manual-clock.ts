import type { Clock } from '../src/clock.ts'

/** Time that passes when a test says so. */
export class ManualClock implements Clock {
  #nowMs = 1_000
  #timers: { dueMs: number; run: () => void }[] = []

  now(): number {
    return this.#nowMs
  }

  after(ms: number, run: () => void) {
    const timer = { dueMs: this.#nowMs + ms, run }
    this.#timers.push(timer)
    return {
      cancel: () => {
        this.#timers = this.#timers.filter((other) => other !== timer)
      },
    }
  }

  get timers(): number {
    return this.#timers.length
  }

  /** Runs what becomes due, in order of time. */
  pass(ms: number): void {
    const untilMs = this.#nowMs + ms
    for (;;) {
      const next = this.#timers.filter((t) => t.dueMs <= untilMs).sort((a, b) => a.dueMs - b.dueMs)[0]
      if (next === undefined) break
      this.#timers = this.#timers.filter((other) => other !== next)
      this.#nowMs = next.dueMs
      next.run()
    }
    this.#nowMs = untilMs
  }

  /** The process stands still, and finds all timers due at once when it goes on. */
  freeze(ms: number): void {
    this.#nowMs += ms
    const due = this.#timers.filter((t) => t.dueMs <= this.#nowMs)
    this.#timers = this.#timers.filter((t) => t.dueMs > this.#nowMs)
    for (const timer of due) timer.run()
  }
}
