import type { Failover, FailoverTopic, Lease } from '@braid/control-api'
import type { Output } from '../io.ts'
import { duration } from '../output/duration.ts'
import {
  doesWhat,
  type FailoverStep,
  failoverCounts,
  failoverTitle,
  stepsOf,
} from '../output/failover-view.ts'
import { LiveText } from '../output/live-text.ts'
import { counted } from '../output/quantity.ts'
import { safeData } from '../output/safe-text.ts'

export interface FailoverProgress {
  /** Takes a new state of the record. */
  show(failover: Failover): void
  /** Leaves what stands there and shows no more. */
  close(): void
}

/** What is asked beside the record itself, for people who watch. */
export interface FailoverDetails {
  leases(): Promise<readonly Lease[]>
  topics(): Promise<readonly FailoverTopic[]>
}

/** On a terminal redrawn in place, with what a step waits for; elsewhere a line for each step. */
export const failoverProgress = (
  output: Output,
  details: FailoverDetails,
  nowMs: () => number = () => performance.now(),
): FailoverProgress =>
  output.isTTY ? new LiveProgress(output, details, nowMs) : new PlainProgress(output, nowMs)

interface Seen {
  readonly step: FailoverStep
  readonly status: string
  readonly elapsedMs: number | undefined
  readonly note: string
}

/**
 * The record says at which step it is, and not since when: it is timed here, from when a step was first seen. One that
 * was over by then, or under way already, has no time.
 */
class StepTimes {
  private readonly began = new Map<FailoverStep, number>()
  private readonly ended = new Map<FailoverStep, number>()
  /** Where it was when it was first looked at, unless that was its beginning. */
  private underWay: FailoverStep | undefined

  take({ kind, step, state }: Failover, nowMs: number): void {
    if (this.began.size === 0 && step !== stepsOf[kind][0]) this.underWay = step
    if (!this.began.has(step)) this.began.set(step, nowMs)
    for (const before of this.began.keys()) {
      if ((before !== step || state !== 'running') && !this.ended.has(before)) this.ended.set(before, nowMs)
    }
  }

  all(failover: Failover, nowMs: number): Seen[] {
    const { kind, step, state } = failover
    const steps = stepsOf[kind]
    const at = steps.indexOf(step)
    return steps.slice(0, at + 1).map((one, i) => ({
      step: one,
      status: i < at || state === 'done' ? 'done' : state === 'running' ? 'doing' : state,
      elapsedMs: this.elapsedMs(failover, one, nowMs),
      note: doesWhat(kind, one),
    }))
  }

  private elapsedMs({ fenceMs }: Failover, step: FailoverStep, nowMs: number): number | undefined {
    if (step === 'FENCE' && fenceMs !== null) return fenceMs
    const began = this.began.get(step)
    if (began === undefined || step === this.underWay) return undefined
    return (this.ended.get(step) ?? nowMs) - began
  }
}

const stepLine = ({ step, status, elapsedMs, note }: Seen): string =>
  `${step.padEnd(8)} ${status.padEnd(9)} ${(elapsedMs === undefined ? '' : duration(elapsedMs)).padStart(8)}   ${
    status === 'doing' ? note : ''
  }`.trimEnd()

class PlainProgress implements FailoverProgress {
  private readonly output: Output
  private readonly nowMs: () => number
  private readonly times = new StepTimes()
  private readonly said = new Map<FailoverStep, string>()
  private titled = false

  constructor(output: Output, nowMs: () => number) {
    this.output = output
    this.nowMs = nowMs
  }

  show(failover: Failover): void {
    const shown = safeData(failover)
    if (!this.titled) this.output.write(`${failoverTitle(shown)}: ${shown.reason}\n`)
    this.titled = true
    this.times.take(shown, this.nowMs())
    for (const seen of this.times.all(shown, this.nowMs())) {
      if (this.said.get(seen.step) === seen.status) continue
      this.said.set(seen.step, seen.status)
      // A step that begins is worth a line only by its name: its time is not known yet.
      this.output.write(`${stepLine(seen.status === 'doing' ? { ...seen, elapsedMs: undefined } : seen)}\n`)
    }
  }

  close(): void {}
}

const redrawMs = 200
const detailsEveryMs = 1_000
const leasesShownMax = 5

class LiveProgress implements FailoverProgress {
  private readonly live: LiveText
  private readonly details: FailoverDetails
  private readonly nowMs: () => number
  private readonly times = new StepTimes()
  private readonly timers: readonly NodeJS.Timeout[]
  private latest: Failover | undefined
  private leases: readonly Lease[] = []
  private topics: readonly FailoverTopic[] = []
  private asking = false
  private closed = false

  constructor(output: Output, details: FailoverDetails, nowMs: () => number) {
    this.live = new LiveText(output)
    this.details = details
    this.nowMs = nowMs
    this.timers = [
      setInterval(() => this.draw(), redrawMs),
      setInterval(() => void this.askDetails(), detailsEveryMs),
    ]
  }

  show(failover: Failover): void {
    const first = this.latest === undefined
    this.latest = safeData(failover)
    this.times.take(this.latest, this.nowMs())
    this.draw()
    if (first) void this.askDetails()
  }

  close(): void {
    for (const timer of this.timers) clearInterval(timer)
    this.leases = []
    this.draw()
    this.closed = true
  }

  /** Shown as far as it can be had; the record itself comes by another way. */
  private async askDetails(): Promise<void> {
    if (this.asking || this.latest === undefined) return
    this.asking = true
    const [leases, topics] = await Promise.all([
      waitsForLeases(this.latest) ? this.details.leases().catch(() => []) : [],
      this.latest.kind === 'return' ? this.details.topics().catch(() => this.topics) : [],
    ])
    this.asking = false
    if (this.closed) return
    this.leases = safeData(leases)
    this.topics = safeData(topics)
    this.draw()
  }

  private draw(): void {
    if (this.latest === undefined || this.closed) return
    const { state, kind } = this.latest
    const lines = [
      `${failoverTitle(this.latest)}: ${state}, ${failoverCounts(this.latest)}`,
      ...this.times.all(this.latest, this.nowMs()).map(stepLine),
      ...(waitsForLeases(this.latest) ? waitedForText(this.latest, this.leases) : []),
      ...(kind === 'return' ? recoveredText(this.topics) : []),
    ]
    this.live.draw(lines.join('\n'))
  }
}

const waitsForLeases = ({ state, step }: Failover): boolean =>
  state === 'running' && (step === 'FENCE' || step === 'AWAIT')

/** Who has not followed yet. Until the version to follow is in the record, it is the newest that anybody has. */
export function waitedForText({ step, routeVersion }: Failover, leases: readonly Lease[]): string[] {
  const wanted = routeVersion ?? Math.max(0, ...leases.map((lease) => lease.routeVersion))
  const behind = leases.filter(
    (lease) => lease.routeVersion < wanted || (step === 'AWAIT' && lease.settledVersion < wanted),
  )
  if (behind.length === 0) return []
  const shown = behind
    .slice(0, leasesShownMax)
    .map(({ id, kind, accessPoint, endsAt }) => `${kind} ${accessPoint ?? id} (until ${endsAt})`)
  const more = behind.length - shown.length
  return [
    `waits for ${counted(behind.length, 'lease')}: ${shown.join(', ')}${more > 0 ? ` and ${more} more` : ''}`,
  ]
}

/** Sums over the topics of a return; none before anything was found. */
export function recoveredText(topics: readonly FailoverTopic[]): string[] {
  const found = topics.flatMap(({ recovered }) => (recovered === null ? [] : [recovered]))
  if (found.length === 0) return []
  const sum = (key: 'tail' | 'leftOut' | 'copied' | 'toCopy'): number =>
    found.reduce((total, one) => total + one[key], 0)
  const copies =
    sum('toCopy') === 0 ? '' : `, ${sum('copied')} of ${counted(sum('toCopy'), 'record')} copied on so far`
  return [
    `tail of ${counted(sum('tail'), 'record')} in ${counted(found.length, 'topic')}: ${sum('leftOut')} left out because they stand twice${copies}`,
  ]
}
