// How a group is doing on a partition, by Burrow's rules (linkedin/Burrow, wiki "Consumer Lag Evaluation Rules" and
// core/internal/evaluator/caching.go): a window of what it committed, not a threshold of records.
//
//   1. No lag now: OK, whatever was before.
//   2. It has stopped: the time since its last commit is longer than its commits in the window took. ERR.
//   3. The lag was zero somewhere in the window: OK, as it keeps up.
//   4. It committed and its offset never moved: ERR, stalled.
//   5. Its offset moves, and the lag never fell from one sample to the next: WARNING, it falls behind.
//   A committed offset that went back is a WARNING too (Burrow's REWIND).
//
// Burrow reads the topic of commits, and sees each with its time, also one of the same offset. We ask coordinators from
// time to time, and a commit that changes nothing cannot be told from none. So what tells a consumer that is there and
// does not get on (STALL) from one that is away (STOP) is whether the group has members.

export type GroupState = 'OK' | 'WARNING' | 'STALL' | 'STOP'

/** The worse the later. */
export const groupStates: readonly GroupState[] = ['OK', 'WARNING', 'STALL', 'STOP']

export interface Sample {
  readonly atMs: number
  readonly committed: bigint
  readonly lag: bigint
}

/** Samples and moves that are kept. Burrow's default. */
export const WINDOW_SAMPLES = 10

/** What is remembered of a group on one partition. */
export interface Window {
  /** The latest, oldest first, at most WINDOW_SAMPLES. */
  readonly samples: readonly Sample[]
  /** When the committed offset was seen to have moved, the latest, oldest first, at most WINDOW_SAMPLES. */
  readonly movedAtMs: readonly number[]
  /** Since when this offset is committed, as far as we know. */
  readonly sinceMs: number
}

export function windowAfter(before: Window | undefined, sample: Sample): Window {
  const last = before?.samples.at(-1)
  if (before === undefined || last === undefined)
    return { samples: [sample], movedAtMs: [], sinceMs: sample.atMs }
  const samples = [...before.samples, sample].slice(-WINDOW_SAMPLES)
  if (last.committed === sample.committed) return { ...before, samples }
  return {
    samples,
    movedAtMs: [...before.movedAtMs, sample.atMs].slice(-WINDOW_SAMPLES),
    sinceMs: sample.atMs,
  }
}

/** `hasMembers`: the group has some; undefined when its coordinator does not say. */
export function stateOf(
  { samples, movedAtMs, sinceMs }: Window,
  hasMembers: boolean | undefined,
): GroupState {
  const last = samples.at(-1)
  if (last === undefined || last.lag === 0n) return 'OK'
  if (samples.length < WINDOW_SAMPLES) return 'OK'
  const quietMs = last.atMs - sinceMs
  const windowMs = last.atMs - samples[0]!.atMs
  const movesTookMs = movedAtMs.length < 2 ? 0 : movedAtMs.at(-1)! - movedAtMs[0]!
  if (quietMs >= Math.max(windowMs, movesTookMs)) return hasMembers === false ? 'STOP' : 'STALL'
  if (samples.some(({ lag }) => lag === 0n)) return 'OK'
  const pairs = samples.slice(1).map((sample, i) => [samples[i]!, sample] as const)
  if (pairs.some(([a, b]) => b.committed < a.committed)) return 'WARNING'
  const moved = samples[0]!.committed !== last.committed
  return moved && pairs.every(([a, b]) => b.lag >= a.lag) ? 'WARNING' : 'OK'
}

export function worstOf(states: Iterable<GroupState>): GroupState {
  let worst = 0
  for (const state of states) worst = Math.max(worst, groupStates.indexOf(state))
  return groupStates[worst]!
}
