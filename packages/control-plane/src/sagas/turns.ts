/** Lets a bounded number work at a time; the others wait in the order in which they came. */
export class Turns {
  private readonly max: number
  private readonly waiting: (() => void)[] = []
  private taken = 0

  constructor(max: number) {
    this.max = max
  }

  /** Rejects, without having begun, when `stop` is aborted while it waits. */
  async take<T>(stop: AbortSignal, work: () => Promise<T>): Promise<T> {
    if (this.taken >= this.max) await this.turn(stop)
    else this.taken++
    try {
      return await work()
    } finally {
      const next = this.waiting.shift()
      if (next === undefined) this.taken--
      else next()
    }
  }

  private async turn(stop: AbortSignal): Promise<void> {
    stop.throwIfAborted()
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const giveUp = () => {
      const at = this.waiting.indexOf(resolve)
      if (at < 0) return
      this.waiting.splice(at, 1)
      reject(stop.reason)
    }
    this.waiting.push(resolve)
    stop.addEventListener('abort', giveUp)
    await promise.finally(() => stop.removeEventListener('abort', giveUp))
  }
}
