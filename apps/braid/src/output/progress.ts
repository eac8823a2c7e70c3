import type { Migration } from '@braid/control-api'
import type { Output } from '../io.ts'
import { moveTitle, type StepView, stepLine, stepViews } from './migration-view.ts'

export interface Progress {
  /** Takes a new state of the record. */
  show(migration: Migration): void
  /** Leaves what stands there and shows no more. */
  close(): void
}

/** On a terminal the steps are redrawn in place as they go; elsewhere each change of a step is a line. */
export const migrationProgress = (output: Output): Progress =>
  output.isTTY ? new LiveProgress(output) : new PlainProgress(output)

class PlainProgress implements Progress {
  private readonly output: Output
  private readonly said = new Map<string, string>()
  private titled = false

  constructor(output: Output) {
    this.output = output
  }

  show(migration: Migration): void {
    if (!this.titled) this.output.write(`${moveTitle(migration)}\n`)
    this.titled = true
    for (const view of stepViews(migration, Date.now())) {
      if (view.status === 'waiting' || this.said.get(view.step) === view.status) continue
      this.said.set(view.step, view.status)
      // A step that begins is worth a line only by its name: its time is not known yet.
      const line = view.status === 'doing' ? { ...view, elapsedMs: undefined } : view
      this.output.write(`${stepLine(line)}\n`)
    }
  }

  close(): void {}
}

const redrawMs = 100
const clearLine = '\x1b[K'
const up = (lines: number): string => (lines > 0 ? `\x1b[${lines}A\r` : '')

class LiveProgress implements Progress {
  private readonly output: Output
  private readonly timer: NodeJS.Timeout
  private latest: Migration | undefined
  private drawn = 0

  constructor(output: Output) {
    this.output = output
    this.timer = setInterval(() => this.draw(), redrawMs)
  }

  show(migration: Migration): void {
    this.latest = migration
    this.draw()
  }

  close(): void {
    clearInterval(this.timer)
    this.draw()
  }

  private draw(): void {
    if (this.latest === undefined) return
    const steps = stepViews(this.latest, Date.now())
    const lines = [moveTitle(this.latest), ...steps.filter(isBegun).map(stepLine)]
    this.output.write(up(this.drawn) + lines.map((line) => `${line}${clearLine}\n`).join(''))
    this.drawn = lines.length
  }
}

const isBegun = (view: StepView): boolean => view.status !== 'waiting'
