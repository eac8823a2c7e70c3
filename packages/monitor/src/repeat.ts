import { type Log, reasonOf } from './log.ts'

/** Something done again and again, never twice at a time. */
export interface Repeated {
  /** How long the latest run took; undefined before its end. */
  readonly tookMs: number | undefined
  /** No further run begins; resolves when the one under way has ended. */
  stop(): Promise<void>
}

/** Runs at once, and then `everyMs` after each beginning; later when a run takes longer. One that fails is logged once. */
export function repeat(name: string, everyMs: number, log: Log, run: () => Promise<void> | void): Repeated {
  let timer: NodeJS.Timeout | undefined
  let stopped = false
  let failing: string | undefined
  let tookMs: number | undefined
  const once = async () => {
    const startedMs = performance.now()
    try {
      await run()
      failing = undefined
    } catch (error) {
      const why = reasonOf(error)
      if (failing !== why) log('warn', 'round-failed', { round: name, why })
      failing = why
    }
    tookMs = performance.now() - startedMs
    if (!stopped) timer = setTimeout(start, Math.max(0, everyMs - tookMs))
  }
  let underWay = Promise.resolve()
  const start = () => {
    underWay = once()
  }
  start()
  return {
    get tookMs() {
      return tookMs
    },
    stop: () => {
      stopped = true
      clearTimeout(timer)
      return underWay
    },
  }
}
