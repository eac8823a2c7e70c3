import { randomUUID } from 'node:crypto'
import type { MonitorEvent } from '@braid/control-api'

export type Finding = Pick<MonitorEvent, 'kind' | 'severity' | 'detail' | 'evidence'> &
  Partial<Pick<MonitorEvent, 'id' | 'cluster' | 'accessPoint' | 'tenant' | 'topic' | 'group'>>

export type Find = (finding: Finding) => void

const WAITING_MAX = 1_000
/** In one report. */
const REPORTED_MAX = 100
// What the control plane takes. A group's id may be longer.
const DETAIL_MAX_CHARACTERS = 1_000
const GROUP_MAX_CHARACTERS = 255
const EVIDENCE_MAX_CHARACTERS = 500

/** What was found and is yet to be reported. At its bound the oldest is dropped, and counted. */
export class Findings {
  readonly #now: () => number
  readonly #counts = new Map<MonitorEvent['kind'], number>()
  #waiting: MonitorEvent[] = []
  #droppedTotal = 0

  constructor(now: () => number) {
    this.#now = now
  }

  readonly add: Find = ({ id, detail, group, evidence, ...finding }) => {
    this.#waiting.push({
      cluster: null,
      accessPoint: null,
      tenant: null,
      topic: null,
      ...finding,
      group: group?.slice(0, GROUP_MAX_CHARACTERS) ?? null,
      evidence: Object.fromEntries(
        Object.entries(evidence).map(([name, value]) => [
          name,
          typeof value === 'string' ? value.slice(0, EVIDENCE_MAX_CHARACTERS) : value,
        ]),
      ),
      id: id ?? randomUUID(),
      at: new Date(this.#now()).toISOString(),
      detail: detail.slice(0, DETAIL_MAX_CHARACTERS),
    })
    this.#counts.set(finding.kind, (this.#counts.get(finding.kind) ?? 0) + 1)
    while (this.#waiting.length > WAITING_MAX) {
      this.#waiting.shift()
      this.#droppedTotal++
    }
  }

  /** What the next report carries. Told twice it is one, so it stays until it is known to have arrived. */
  next(): MonitorEvent[] {
    return this.#waiting.slice(0, REPORTED_MAX)
  }

  /** Also what was refused for good: how clusters are seen must not wait for it. */
  arrived(events: readonly MonitorEvent[]): void {
    const ids = new Set(events.map(({ id }) => id))
    this.#waiting = this.#waiting.filter(({ id }) => !ids.has(id))
  }

  get counts(): ReadonlyMap<MonitorEvent['kind'], number> {
    return this.#counts
  }

  get droppedTotal(): number {
    return this.#droppedTotal
  }
}
