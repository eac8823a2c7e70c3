// How a cluster is seen, from pulses (a tiny request to any broker) and from canary records.
//
//     unknown ──a broker answers──> up <──────────> down      a pulse decides, at once
//                                    │
//                                    └ every canary record fails for 15 s: it counts as down, though brokers answer
//
// `sinceMs` of what fails is when the first request that failed was sent: an answer that is waited for in vain is late by
// the time that one waits.
import type { MonitorReport } from '@braid/control-api'

export type Vote = MonitorReport['clusters'][string]

type Seen =
  | { readonly state: 'unknown' }
  | { readonly state: 'up'; readonly sinceMs: number }
  | { readonly state: 'down'; readonly sinceMs: number; readonly why: string }

export interface Sighting {
  /** Whether any broker answers. */
  readonly reach: Seen
  /** Whether any canary record can be written. */
  readonly writes: Seen
}

/** What one request, or all of one round, came to. */
export type Outcome =
  | { readonly ok: true; readonly sentMs: number }
  | { readonly ok: false; readonly sentMs: number; readonly why: string }

/** A cluster that answers may refuse writes for a moment: a leader election, a full disk that is being seen to. */
export const WRITES_DOWN_AFTER_MS = 15_000
const DETAIL_MAX_CHARACTERS = 300

export const unseen: Sighting = { reach: { state: 'unknown' }, writes: { state: 'unknown' } }

export const afterPulse = (sighting: Sighting, outcome: Outcome): Sighting => ({
  ...sighting,
  reach: after(sighting.reach, outcome),
})

export const afterWrites = (sighting: Sighting, outcome: Outcome): Sighting => ({
  ...sighting,
  writes: after(sighting.writes, outcome),
})

function after(seen: Seen, outcome: Outcome): Seen {
  if (outcome.ok) return seen.state === 'up' ? seen : { state: 'up', sinceMs: outcome.sentMs }
  const { sentMs, why } = outcome
  return { state: 'down', sinceMs: seen.state === 'down' ? seen.sinceMs : sentMs, why }
}

/** What it tells the control plane. */
export function voteOf({ reach, writes }: Sighting, nowMs: number): Vote {
  if (reach.state === 'unknown') return { state: 'unknown', forMs: 0, detail: null }
  const forMs = (sinceMs: number) => Math.max(0, Math.round(nowMs - sinceMs))
  if (reach.state === 'down')
    return { state: 'down', forMs: forMs(reach.sinceMs), detail: reach.why.slice(0, DETAIL_MAX_CHARACTERS) }
  if (writes.state === 'down' && forMs(writes.sinceMs) >= WRITES_DOWN_AFTER_MS) {
    const detail = `brokers answer, and no canary record can be written: ${writes.why}`
    return { state: 'down', forMs: forMs(writes.sinceMs), detail: detail.slice(0, DETAIL_MAX_CHARACTERS) }
  }
  return { state: 'up', forMs: forMs(reach.sinceMs), detail: null }
}
