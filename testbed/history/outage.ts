import type { HistoryEvent } from './event.ts'

/** What clients noticed of a fault under load: for how long nothing was acknowledged. */
export interface Outage {
  /** The last acknowledgement before nothing came any more, and the first one after. Times of the history. */
  readonly from: number
  readonly to: number
  readonly firstMs: number
  /** Until every producer that was at work before had an acknowledgement again; Infinity when one never had. */
  readonly everyProducerMs: number
  /** By producer, from the same moment. */
  readonly byProducer: ReadonlyMap<string, number>
}

/** A fault may be felt a little before the call that makes it has returned. */
const afterEventMs = 100

/**
 * The longest silence of all acknowledgements of a topic that begins between the time and `withinMs` later. Measured
 * from the last acknowledgement, so nothing that the fault or its detection took is left out. Undefined when nothing
 * was acknowledged before, or after.
 */
export function outageOf(
  events: readonly HistoryEvent[],
  topic: string,
  faultAt: number,
  withinMs: number,
): Outage | undefined {
  const calls = new Set<string>()
  const answers: { at: number; producer: string }[] = []
  for (const event of events) {
    if (event.type === 'sent' && event.topic === topic) calls.add(`${event.producer} ${event.call}`)
    if (event.type === 'acknowledged' && calls.has(`${event.producer} ${event.call}`)) answers.push(event)
  }
  answers.sort((left, right) => left.at - right.at)
  let longest: { from: number; to: number } | undefined
  for (let i = 1; i < answers.length; i++) {
    const [from, to] = [answers[i - 1]!.at, answers[i]!.at]
    if (to < faultAt || from > faultAt + withinMs) continue
    if (longest === undefined || to - from > longest.to - longest.from) longest = { from, to }
  }
  if (longest === undefined) return undefined
  const { from, to } = longest
  const byProducer = new Map<string, number>()
  for (const { at, producer } of answers) {
    if (at <= from + afterEventMs && !byProducer.has(producer))
      byProducer.set(producer, Number.POSITIVE_INFINITY)
    if (at >= to && byProducer.get(producer) === Number.POSITIVE_INFINITY) byProducer.set(producer, at - from)
  }
  return {
    from,
    to,
    firstMs: to - from,
    everyProducerMs: Math.max(...byProducer.values()),
    byProducer,
  }
}
