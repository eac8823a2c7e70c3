import type { Loglet } from '@braid/routing-model'

/** What a group has not read of one partition. */
export interface Lag {
  /** Records between the committed offset and the end, as the logs have them: offsets that no record has are not counted. */
  readonly records: bigint
  /** Where the first of them stands; undefined when there is none, or nobody knows where. */
  readonly firstUnread: { readonly loglet: number; readonly physical: bigint } | undefined
  /** Some of what was counted is of a loglet that cannot be asked now, and was taken as last known. */
  readonly partial: boolean
}

/** What of [from, to), physical offsets of a loglet, is in holes, and where the hole that an offset is in ends. */
export interface HolesOf {
  within(loglet: number, from: bigint, to: bigint): bigint
  past(loglet: number, physical: bigint): bigint
}

const NO_HOLES: HolesOf = { within: () => 0n, past: (_, physical) => physical }

/**
 * The lag of a committed logical offset over a partition's chain.
 *
 * `ends` and `starts`, by loglet and physical, are what its cluster says or last said of the log (the high watermark, and
 * the log start); undefined where it never has. A sealed loglet's cut stands in the chain, and its end is not looked at.
 * A lost one whose end nobody knows is counted up to what was last known of it.
 *
 * Three things make logical offsets without records, and none is lag: the gap between two loglets (a failover leaves
 * one), holes within a loglet, and what retention has deleted.
 */
export function lagOf(
  chain: readonly Loglet[],
  ends: readonly (bigint | undefined)[],
  starts: readonly (bigint | undefined)[],
  committed: bigint,
  holes: HolesOf = NO_HOLES,
): Lag {
  let records = 0n
  let firstUnread: Lag['firstUnread']
  let partial = false
  for (const [index, loglet] of chain.entries()) {
    const next = chain[index + 1]
    const unreadHere = next === undefined || committed < next.base
    if (!unreadHere) continue
    const lastKnown = ends[index]
    const end = loglet.end ?? lastKnown ?? loglet.start
    const committedHere = committed - loglet.base + loglet.start
    const logStart = starts[index] ?? loglet.start
    const from = latest(loglet.start, logStart, committedHere)
    if (loglet.end === undefined && (lastKnown === undefined || loglet.away !== undefined)) {
      partial = true
    } else if (loglet.away?.state === 'lost' && from < end) partial = true
    if (from >= end) continue
    records += end - from - holes.within(index, from, end)
    if (firstUnread === undefined) {
      const physical = holes.past(index, from)
      if (physical < end) firstUnread = { loglet: index, physical }
    }
  }
  return { records, firstUnread, partial }
}

function latest(...offsets: readonly [bigint, ...bigint[]]): bigint {
  let [found] = offsets
  for (const offset of offsets) if (offset > found) found = offset
  return found
}

/** The logical offset after the last record that is known; what a group that has read everything has committed. */
export function logicalEndOf(chain: readonly Loglet[], ends: readonly (bigint | undefined)[]): bigint {
  const index = chain.length - 1
  const active = chain[index]!
  return (ends[index] ?? active.start) - active.start + active.base
}
