// What monitors say: how they see the clusters, which counts for a while, and what they have found, which is kept.
import type { endpoints } from '@braid/control-api'
import type { z } from 'zod'
import type { Plane } from '../plane.ts'
import { Refusal } from '../refusal.ts'
import { printable } from './votes.ts'

export type Report = z.output<(typeof endpoints)['monitors.report']['body']>

const monitorsMax = 1_000

export class Monitors {
  private readonly plane: Pick<Plane, 'board' | 'sight' | 'store' | 'timings' | 'log'>
  /** When each was heard last, of the monotonic clock, ms. */
  private readonly heardAt = new Map<string, number>()

  constructor(plane: Pick<Plane, 'board' | 'sight' | 'store' | 'timings' | 'log'>) {
    this.plane = plane
  }

  /** How many of its events were new. */
  async report(
    id: string,
    { clusters, events: told }: Report,
  ): Promise<{ routeVersion: number; accepted: number }> {
    const { board, sight, store, timings, log } = this.plane
    const at = performance.now()
    const validUntil = at + timings.monitorVoteMs
    for (const [known, heardAt] of this.heardAt)
      if (heardAt + timings.monitorVoteMs <= at) this.heardAt.delete(known)
    if (!this.heardAt.has(id) && this.heardAt.size >= monitorsMax) {
      throw new Refusal('LIMIT_REACHED', `${monitorsMax} monitors report, the most at a time: stop some`)
    }
    this.heardAt.set(id, at)
    const events = told.map((event) => ({ ...event, detail: printable(event.detail) }))
    const registered = Object.entries(clusters).filter(([name]) => board.table.clusters.has(name))
    sight.votes.hear({ key: `monitor ${id}`, by: `monitor ${id}`, vantage: 'monitor' }, new Map(registered), {
      at,
      validUntil,
    })
    const accepted =
      events.length === 0 ? 0 : await store.transaction(() => store.failovers.addEvents(id, events))
    if (accepted > 0) {
      for (const { kind, severity, detail, cluster, topic } of events.slice(0, loggedMax)) {
        const level = severity === 'warning' ? 'warn' : severity
        log(level, 'monitor.found', { monitor: id, kind, detail, cluster, topic })
      }
    }
    return { routeVersion: board.table.version, accepted }
  }
}

/** Of one report. */
const loggedMax = 20
