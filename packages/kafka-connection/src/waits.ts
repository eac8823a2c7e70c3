import type { Clock } from './clock.ts'

/** Waits that all end at once when the cluster's connections are closed, so that none outlives them. */
export class Waits {
  readonly #clock: Clock
  readonly #wakers = new Set<() => void>()
  #closed = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get closed(): boolean {
    return this.#closed
  }

  /** Resolves after `ms`, or at `close`: whoever waited looks at `closed` first. */
  wait(ms: number): Promise<void> {
    if (this.#closed) return Promise.resolve()
    return new Promise((resolve) => {
      const wake = () => {
        timer.cancel()
        this.#wakers.delete(wake)
        resolve()
      }
      const timer = this.#clock.after(ms, wake)
      this.#wakers.add(wake)
    })
  }

  close(): void {
    this.#closed = true
    for (const wake of [...this.#wakers]) wake()
  }
}
