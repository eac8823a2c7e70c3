// The chain of one partition, as plain values. Stores, displays and tests use it. The data plane uses
// TopicRoute, which holds the same for all partitions of a topic in columns; a test holds them equal.
import { describeLoglet, type Loglet, logicalEnd } from './loglet.ts'
import { RoutingError } from './routing-error.ts'

/**
 * More loglets than this in one chain and something moves a topic in a loop: retire before moving on.
 * (A topic moved daily, with retention of a week, has eight.)
 */
export const DEPTH_MAX = 1_000

/** Kafka's offsets are signed 64 bit. */
export const OFFSET_MAX = 2n ** 63n - 1n

/** Throws BAD_CHAIN, BAD_OFFSET or TOPIC_REUSED unless the loglets form a chain that clients may see. */
export function checkChain(chain: readonly Loglet[]): void {
  const first = chain[0]
  if (first === undefined) throw new RoutingError('BAD_CHAIN', 'a chain has at least one loglet')
  if (chain.length > DEPTH_MAX) {
    throw new RoutingError(
      'BAD_CHAIN',
      `${chain.length} loglets are more than ${DEPTH_MAX}: retire the first`,
    )
  }
  const topics = new Set<string>()
  for (const [i, loglet] of chain.entries()) {
    if (loglet.end !== undefined && loglet.end < loglet.start) {
      throw new RoutingError('BAD_CHAIN', `${describeLoglet(loglet)} ends before it starts`)
    }
    for (const offset of [loglet.start, loglet.base, loglet.end ?? 0n, logicalEnd(loglet) ?? 0n]) {
      if (offset < 0n || offset > OFFSET_MAX) {
        throw new RoutingError('BAD_OFFSET', `${describeLoglet(loglet)}: ${offset} is no 64-bit offset`)
      }
    }
    if (loglet.partition !== first.partition) {
      throw new RoutingError('BAD_CHAIN', `${describeLoglet(loglet)} is not of partition ${first.partition}`)
    }
    const physical = JSON.stringify([loglet.cluster, loglet.topic])
    if (topics.has(physical)) throw topicReused(loglet)
    topics.add(physical)

    const next = chain[i + 1]
    if (next === undefined) {
      if (loglet.end !== undefined || loglet.away !== undefined) {
        throw new RoutingError('BAD_CHAIN', `the last loglet, ${describeLoglet(loglet)}, must be open`)
      }
      continue
    }
    const end = logicalEnd(loglet) ?? (loglet.away === undefined ? undefined : loglet.base)
    if (end === undefined) {
      throw new RoutingError('BAD_CHAIN', `${describeLoglet(loglet)} must have a cut: another loglet follows`)
    }
    if (next.base < end) {
      throw new RoutingError(
        'BAD_CHAIN',
        `${describeLoglet(next)} overlaps ${describeLoglet(loglet)}, whose offsets reach ${end}`,
      )
    }
  }
}

/** The first of a chain: an empty or an adopted physical topic, whose offsets are the logical ones. */
export function startChain(at: { cluster: string; topic: string; partition: number }): Loglet[] {
  return [{ ...at, start: 0n, base: 0n }]
}

/**
 * The chain after its active loglet was sealed at the physical offset `cut` and a fresh one, empty so far,
 * follows it. `gap` leaves logical offsets unused between the two (a failover does not know the true end).
 */
export function appendLoglet(
  chain: readonly Loglet[],
  cut: bigint,
  next: { cluster: string; topic: string },
  gap = 0n,
): Loglet[] {
  const active = chain.at(-1)
  if (active === undefined) throw new RoutingError('BAD_CHAIN', 'a chain has at least one loglet')
  if (cut < active.start) {
    throw new RoutingError('BAD_CUT', `${describeLoglet(active)} cannot be cut at ${cut}, before its start`)
  }
  if (gap < 0n) throw new RoutingError('BAD_CUT', `a gap of ${gap} would use offsets twice`)
  const sealed: Loglet = { ...active, end: cut }
  const base = active.base + (cut - active.start) + gap
  const { cluster, topic } = next
  const longer = [
    ...chain.slice(0, -1),
    sealed,
    { cluster, topic, partition: active.partition, start: 0n, base },
  ]
  checkChain(longer)
  return longer
}

/**
 * Index of the first loglet that holds, or may yet hold, an offset at or after `offset`: the one that holds
 * it; the first for an offset before the chain; for an offset in a gap, the next one that is not empty; the
 * active one for everything beyond the last cut.
 *
 * A lost loglet whose end is unknown may hold anything up to where the next one begins.
 */
export function locateLoglet(chain: readonly Loglet[], offset: bigint): number {
  return chain.findIndex((loglet, i) => {
    const end = reachOf(chain, i)
    return end === undefined || (end > offset && end > loglet.base)
  })
}

/** The first logical offset that a loglet surely does not hold; undefined while it is open. */
export function reachOf(chain: readonly Loglet[], index: number): bigint | undefined {
  const loglet = chain[index]!
  return logicalEnd(loglet) ?? (loglet.away && chain[index + 1]?.base)
}

/** The chain without its first loglet, once retention has emptied it. The active loglet never retires. */
export function retireFirst(chain: readonly Loglet[]): Loglet[] {
  if (chain.length < 2) {
    throw new RoutingError('BAD_CHAIN', 'the active loglet cannot be retired: move the topic first')
  }
  return chain.slice(1)
}

export function topicReused(at: { cluster: string; topic: string }): RoutingError {
  return new RoutingError(
    'TOPIC_REUSED',
    `${at.cluster}: ${at.topic} is in the chain already; what was sealed is never written again, so every loglet needs a fresh physical topic`,
  )
}
