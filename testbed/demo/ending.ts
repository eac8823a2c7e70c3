/**
 * What a run has started, ended in reverse, once: when it is through, when it throws, and on SIGINT or SIGTERM. A
 * second Ctrl-C does not leave things behind either, it only has to wait.
 */
export class Ending {
  readonly #ends: (() => Promise<void>)[] = []
  #ending: Promise<void> | undefined
  /** Aborted when the run is asked to end early. */
  readonly signal: AbortSignal
  readonly #onSignal: (name: NodeJS.Signals) => void

  constructor() {
    const controller = new AbortController()
    this.signal = controller.signal
    this.#onSignal = (name) => controller.abort(new Error(`ended by ${name}`))
    process.on('SIGINT', this.#onSignal)
    process.on('SIGTERM', this.#onSignal)
  }

  /** To be called as soon as something is there that has to go again. */
  add(end: () => Promise<void>): void {
    this.#ends.push(end)
  }

  end(): Promise<void> {
    this.#ending ??= this.#end()
    return this.#ending
  }

  async #end(): Promise<void> {
    const failures: unknown[] = []
    for (const end of this.#ends.toReversed()) await end().catch((error: unknown) => failures.push(error))
    process.off('SIGINT', this.#onSignal)
    process.off('SIGTERM', this.#onSignal)
    if (failures.length > 0) throw new AggregateError(failures, 'not everything ended in order')
  }
}

/** The promise, unless the run is asked to end first. */
export async function unlessEnded<T>(signal: AbortSignal, promise: Promise<T>): Promise<T> {
  signal.throwIfAborted()
  let listener: (() => void) | undefined
  const aborted = new Promise<never>((_, reject) => {
    listener = () => reject(signal.reason)
    signal.addEventListener('abort', listener, { once: true })
  })
  try {
    return await Promise.race([promise, aborted])
  } finally {
    signal.removeEventListener('abort', listener!)
  }
}
