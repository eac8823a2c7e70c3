// What is asked of one saga while it runs in this process. That it was asked for stands in the journal; this only
// wakes the run up.

export class SagaControl {
  private readonly cancelling = new AbortController()
  private pause = new AbortController()
  private readonly listeners = new Set<() => void>()

  /** Aborted when it shall be undone. */
  get cancelled(): AbortSignal {
    return this.cancelling.signal
  }

  /** Aborted when it shall pause; another one after it was told to go on. */
  get pausing(): AbortSignal {
    return this.pause.signal
  }

  cancelNow(): void {
    this.cancelling.abort()
    this.ring()
  }

  pauseNow(): void {
    this.pause.abort()
  }

  goOn(): void {
    if (this.pause.signal.aborted) this.pause = new AbortController()
    this.ring()
  }

  /** Called whenever what it waits for may have come. Returns how to stop that. */
  onRing(listener: () => void): () => void {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  private ring(): void {
    for (const listener of this.listeners) listener()
  }
}
