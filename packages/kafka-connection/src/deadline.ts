import type { Clock, Timer } from './clock.ts'

/** A second look before giving up: after a pause of the whole process the answer may be waiting to be read. */
const SECOND_LOOK_MS = 50

/**
 * The time limit of the oldest request of a connection. One timer at most, which is not moved when a request is
 * answered: it looks when it fires how much time the one that is oldest then still has.
 */
export class Deadline {
  readonly #clock: Clock
  readonly #onOver: () => void
  #timer: Timer | undefined
  #timerDueMs = 0
  #dueMs = Number.POSITIVE_INFINITY
  #timeoutMs = 0
  #subject = 0
  #suspect: number | undefined
  #paused = false

  constructor(clock: Clock, onOver: () => void) {
    this.#clock = clock
    this.#onOver = onOver
  }

  /** It is this request's turn now. */
  startFor(subject: number, timeoutMs: number): void {
    this.#subject = subject
    this.#timeoutMs = timeoutMs
    if (this.#paused) return
    this.#dueMs = this.#clock.now() + timeoutMs
    if (this.#timer === undefined || this.#dueMs < this.#timerDueMs) this.#arm(timeoutMs)
  }

  /** Nothing is under way. */
  rest(): void {
    this.#dueMs = Number.POSITIVE_INFINITY
    this.#timeoutMs = 0
  }

  pause(): void {
    this.#paused = true
    this.#dueMs = Number.POSITIVE_INFINITY
  }

  resume(): void {
    if (!this.#paused) return
    this.#paused = false
    if (this.#timeoutMs > 0) this.startFor(this.#subject, this.#timeoutMs)
  }

  cancel(): void {
    this.rest()
    this.#timer?.cancel()
    this.#timer = undefined
  }

  #arm(afterMs: number): void {
    this.#timer?.cancel()
    this.#timerDueMs = this.#clock.now() + afterMs
    this.#timer = this.#clock.after(afterMs, () => this.#look())
  }

  #look(): void {
    this.#timer = undefined
    if (this.#dueMs === Number.POSITIVE_INFINITY) return
    const leftMs = this.#dueMs - this.#clock.now()
    if (leftMs > 0) {
      // Node rounds timers down: ask for whole milliseconds, so as not to fire a moment too early again and again.
      this.#arm(Math.ceil(leftMs))
    } else if (this.#suspect !== this.#subject) {
      this.#suspect = this.#subject
      this.#arm(SECOND_LOOK_MS)
    } else {
      this.#onOver()
    }
  }
}
