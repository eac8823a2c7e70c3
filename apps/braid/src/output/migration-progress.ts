import type { Migration } from '@braid/control-api'
import type { Output } from '../io.ts'
import { duration } from './duration.ts'
import { LiveText } from './live-text.ts'
import { moveTitle, type StepView, stepLine, stepViews } from './migration-view.ts'
import { counted } from './quantity.ts'

export interface Progress {
  /** Takes a new state of the records of one group: they are sealed and switched together. */
  show(migrations: readonly Migration[]): void
  /** Leaves what stands there and shows no more. */
  close(): void
}

/** On a terminal the steps are redrawn in place as they go; elsewhere each change of a step is a line. */
export const migrationProgress = (output: Output): Progress =>
  output.isTTY ? new LiveProgress(output) : new PlainProgress(output)

/** Of one topic its own title; of many how many, and where to. */
function titleOf(migrations: readonly Migration[]): string {
  const [first] = migrations
  if (first === undefined) return ''
  if (migrations.length === 1) return moveTitle(first)
  const switched = migrations.filter(({ state }) => state === 'switched' || state === 'done').length
  const together = `${counted(migrations.length, 'topic')} from ${first.from.cluster} to ${first.to.cluster}, together`
  return switched === 0 ? together : `${together}: ${switched} switched`
}

/** The one that is furthest behind: the others wait for it. */
const slowest = (migrations: readonly Migration[]): Migration =>
  migrations.reduce((a, b) => (b.attempts.length < a.attempts.length ? b : a))

class PlainProgress implements Progress {
  private readonly output: Output
  private readonly said = new Map<string, string>()
  private titled = false

  constructor(output: Output) {
    this.output = output
  }

  show(migrations: readonly Migration[]): void {
    if (!this.titled) this.output.write(`${titleOf(migrations)}\n`)
    this.titled = true
    for (const view of stepViews(slowest(migrations), Date.now())) {
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

class LiveProgress implements Progress {
  private readonly live: LiveText
  private readonly timer: NodeJS.Timeout
  private latest: readonly Migration[] = []

  constructor(output: Output) {
    this.live = new LiveText(output)
    this.timer = setInterval(() => this.draw(), redrawMs)
  }

  show(migrations: readonly Migration[]): void {
    this.latest = migrations
    this.draw()
  }

  close(): void {
    clearInterval(this.timer)
    this.draw()
  }

  private draw(): void {
    if (this.latest.length === 0) return
    const migration = slowest(this.latest)
    const steps = stepViews(migration, Date.now())
    const lines = [titleOf(this.latest), ...steps.filter(isBegun).map(stepLine)]
    const pauseMs = pauseSoFarMs(migration, steps)
    if (pauseMs !== undefined) lines.push(`clients that write have waited ${duration(pauseMs)} so far`)
    this.live.draw(lines.join('\n'))
  }
}

/** From the seal on, until the switch has ended. */
function pauseSoFarMs(migration: Migration, steps: readonly StepView[]): number | undefined {
  if (migration.state !== 'running') return undefined
  const waits = steps.filter(
    ({ step, status }) => (step === 'SEAL' || step === 'SWITCH') && status !== 'waiting',
  )
  if (waits.length === 0) return undefined
  return waits.reduce((sum, { elapsedMs = 0 }) => sum + elapsedMs, 0)
}

const isBegun = (view: StepView): boolean => view.status !== 'waiting'
