/**
 * The right to write to topics that fail over. A cluster that cannot be reached cannot be sealed, so whoever writes
 * to it has to stop by itself: the control plane switches such topics only when every access point has heard that it
 * must stop, or its lease has run out.
 *
 * It runs from when the renewal was sent. The control plane counts from when it received it, which is later, so an
 * access point always stops first.
 */
export class WriteLease {
  #untilMs = Number.NEGATIVE_INFINITY
  readonly #listeners = new Set<() => void>()

  /** A renewal that was sent at `sentAtMs`, of the clock that `holds` is asked with, was answered with so long. */
  granted(sentAtMs: number, leaseMs: number): void {
    // Answers may overtake each other; each of them is a promise by itself.
    if (sentAtMs + leaseMs <= this.#untilMs) return
    this.#untilMs = sentAtMs + leaseMs
    for (const listener of [...this.#listeners]) listener()
  }

  holds(nowMs: number): boolean {
    return nowMs < this.#untilMs
  }

  /** Calls the listener after every grant, until the function that it answers is called. */
  onGranted(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Gives it back: nothing that needs it leaves from here on, until it is granted again. */
  end(): void {
    this.#untilMs = Number.NEGATIVE_INFINITY
  }
}
