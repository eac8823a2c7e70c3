import type { MovingTopicState } from '../workloads/moving-topic.ts'

/** Shows a run while it goes on: lines for a log, and for a terminal a last line that changes in place. */
export interface ProgressView {
  say(line: string): void
  show(state: MovingTopicState): void
  end(): void
}

export interface Screen {
  readonly isTTY?: boolean
  readonly columns?: number
  write(text: string): unknown
}

export function progressView(screen: Screen, now: () => number = () => performance.now()): ProgressView {
  return screen.isTTY === true ? new LiveView(screen, now) : new LineView(screen, now)
}

const lineEveryMs = 5_000

/** Says what changes, and every five seconds how far the clients are. */
class LineView implements ProgressView {
  readonly #screen: Screen
  readonly #now: () => number
  readonly #startedMs: number
  #lastMs = Number.NEGATIVE_INFINITY
  #lastStep = ''

  constructor(screen: Screen, now: () => number) {
    this.#screen = screen
    this.#now = now
    this.#startedMs = now()
  }

  say(line: string): void {
    const seconds = ((this.#now() - this.#startedMs) / 1_000).toFixed(1)
    this.#screen.write(`${seconds.padStart(6)} s  ${line}\n`)
  }

  show(state: MovingTopicState): void {
    if (state.kind === 'working') {
      if (this.#now() - this.#lastMs < lineEveryMs) return
      this.#lastMs = this.#now()
    }
    if (state.kind === 'moving') {
      const step = `${state.migration.id} ${state.migration.step} ${state.migration.state}`
      if (step === this.#lastStep) return
      this.#lastStep = step
    }
    this.say(describe(state))
  }

  end(): void {}
}

/** The same, with what only counts up kept in one line at the bottom. */
class LiveView implements ProgressView {
  readonly #screen: Screen
  readonly #lines: LineView
  #status = ''

  constructor(screen: Screen, now: () => number) {
    this.#screen = screen
    this.#lines = new LineView(screen, now)
  }

  say(line: string): void {
    this.#above(() => this.#lines.say(line))
  }

  show(state: MovingTopicState): void {
    if (state.kind !== 'working') {
      this.#above(() => this.#lines.show(state))
      return
    }
    const width = Math.max(20, (this.#screen.columns ?? 80) - 1)
    this.#status = `  ${describe(state)}`.slice(0, width)
    this.#screen.write(`\r\x1b[2K${this.#status}`)
  }

  end(): void {
    if (this.#status === '') return
    this.#status = ''
    this.#screen.write('\r\x1b[2K')
  }

  #above(write: () => void): void {
    this.#screen.write('\r\x1b[2K')
    write()
    this.#screen.write(this.#status)
  }
}

export function describe(state: MovingTopicState): string {
  switch (state.kind) {
    case 'starting':
      return `starting ${state.what}`
    case 'working': {
      const { acknowledged, received } = state.progress
      return `on ${state.at} · ${acknowledged} written · ${received} read · ${state.moves} moves`
    }
    case 'moving': {
      const { topic, from, to, step, state: phase } = state.migration
      return `moving ${topic} ${from.cluster} → ${to.cluster} · ${phase === 'running' ? step : phase}`
    }
    case 'moved': {
      const { topic, from, to, sealMs, at, startedAt } = state.move
      return `moved ${topic} ${from} → ${to} in ${(at - startedAt).toFixed(0)} ms, sealed within ${sealMs.toFixed(0)} ms`
    }
    case 'lost':
    case 'ending':
      return state.what
  }
}
