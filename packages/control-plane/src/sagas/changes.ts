// Who waits for a record to change: long polls by revision.

const tellAfterMs = 2

export class Changes {
  private readonly closing: AbortSignal
  private readonly watchers = new Map<string, Set<() => void>>()
  private readonly changed = new Set<string>()

  constructor(closing: AbortSignal) {
    this.closing = closing
  }

  /** Told a moment later: whoever watches must not stand in the way of a switch. */
  note(id: string): void {
    if (this.changed.size === 0) setTimeout(() => this.tell(), tellAfterMs).unref()
    this.changed.add(id)
  }

  /**
   * What `read` gives once `isNew` says so, or as it is after `waitMs`. It is read again whenever one of `ids` was
   * noted. Undefined when the process stops first.
   */
  async until<T>(
    ids: readonly string[],
    read: () => Promise<T>,
    isNew: (value: T) => boolean,
    waitMs: number,
  ): Promise<T | undefined> {
    let changed = Promise.withResolvers<void>()
    let late = false
    const wake = () => changed.resolve()
    const timer = setTimeout(() => {
      late = true
      wake()
    }, waitMs).unref()
    // Before it is read: what changes in between counts.
    for (const id of ids) this.watch(id, wake)
    this.closing.addEventListener('abort', wake)
    try {
      for (;;) {
        const value = await read()
        if (isNew(value) || waitMs === 0) return value
        if (this.closing.aborted) return undefined
        await changed.promise
        changed = Promise.withResolvers<void>()
        if (this.closing.aborted) return undefined
        if (late) return await read()
      }
    } finally {
      clearTimeout(timer)
      for (const id of ids) this.unwatch(id, wake)
      this.closing.removeEventListener('abort', wake)
    }
  }

  private watch(id: string, wake: () => void): void {
    const known = this.watchers.get(id)
    if (known === undefined) this.watchers.set(id, new Set([wake]))
    else known.add(wake)
  }

  private unwatch(id: string, wake: () => void): void {
    const known = this.watchers.get(id)
    known?.delete(wake)
    if (known?.size === 0) this.watchers.delete(id)
  }

  private tell(): void {
    const changed = [...this.changed]
    this.changed.clear()
    for (const id of changed) for (const wake of this.watchers.get(id) ?? []) wake()
  }
}
