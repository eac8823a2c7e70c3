import type { HistoryEvent } from './event.ts'
import { quantile } from './quantile.ts'

/** What a move cost the producers: the longest wait of any produce call during it, less their median wait before. */
export interface Pause {
  topic: string
  from: string
  to: string
  sealMs: number
  pauseMs: number
}

export interface PauseSummary {
  p50: number
  p95: number
  p99: number
  max: number
}

/** Answers of a move may come a little after the control plane calls it done. */
const afterglowMs = 200

interface Call {
  from: number
  to: number
}

/**
 * Pauses of all moves of a history. The median before is taken from calls that ended between the end of the previous
 * move and the start of this one, so that one move's trouble does not hide the next one's.
 */
export function pausesOf(events: readonly HistoryEvent[]): Pause[] {
  const calls = answeredCalls(events)
  let previousEnd = Number.NEGATIVE_INFINITY
  const pauses: Pause[] = []
  for (const move of events) {
    if (move.type !== 'moved') continue
    const end = move.at + afterglowMs
    const before: number[] = []
    let longestMs = 0
    for (const call of calls.get(move.topic) ?? []) {
      if (call.to < move.startedAt && call.from >= previousEnd) before.push(call.to - call.from)
      else if (call.from <= end && call.to >= move.startedAt)
        longestMs = Math.max(longestMs, call.to - call.from)
    }
    previousEnd = end
    pauses.push({
      topic: move.topic,
      from: move.from,
      to: move.to,
      sealMs: move.sealMs,
      pauseMs: Math.max(0, longestMs - quantile(before, 0.5)),
    })
  }
  return pauses
}

export function summarizePauses(pausesMs: readonly number[]): PauseSummary {
  return {
    p50: quantile(pausesMs, 0.5),
    p95: quantile(pausesMs, 0.95),
    p99: quantile(pausesMs, 0.99),
    max: quantile(pausesMs, 1),
  }
}

/** A call that never was answered waits until the end of the history. */
function answeredCalls(events: readonly HistoryEvent[]): Map<string, Call[]> {
  const open = new Map<string, { topic: string; from: number }>()
  const calls = new Map<string, Call[]>()
  const close = (topic: string, call: Call) => {
    const ofTopic = calls.get(topic)
    if (ofTopic === undefined) calls.set(topic, [call])
    else ofTopic.push(call)
  }
  let last = 0
  for (const event of events) {
    last = Math.max(last, event.at)
    if (event.type === 'sent')
      open.set(`${event.producer} ${event.call}`, { topic: event.topic, from: event.at })
    if (event.type !== 'acknowledged' && event.type !== 'failed') continue
    const key = `${event.producer} ${event.call}`
    const call = open.get(key)
    if (call === undefined) continue
    open.delete(key)
    close(call.topic, { from: call.from, to: event.at })
  }
  for (const call of open.values()) close(call.topic, { from: call.from, to: last })
  return calls
}
