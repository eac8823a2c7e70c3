// Whether a cluster is lost, from what everyone sees. One who does not reach it may be cut off himself: it takes two from
// different places, for a while, and nobody through whom clients still reach it. Pure.
import { list } from '../planner/words.ts'
import type { Vote } from './votes.ts'

export interface Judgement {
  readonly state: 'up' | 'suspected' | 'down'
  /** In words. */
  readonly why: string
}

export interface JudgedBy {
  /** Of the clock of the votes. */
  readonly at: number
  readonly downForMs: number
  /** A monitor's canary may find no way to write while the cluster answers: that may pass. */
  readonly refusesWritesMs: number
}

/** Vantage points that have to see it down. */
const neededMin = 2

/** The votes are those that count at that moment. */
export function judge(votes: readonly Vote[], { at, downForMs, refusesWritesMs }: JudgedBy): Judgement {
  const downs = votes.filter(({ state }) => state === 'down')
  const ups = votes.filter(({ state }) => state === 'up')
  if (downs.length === 0) {
    const why = ups.length === 0 ? 'nobody has looked yet' : `${named(ups)} reached it`
    return { state: 'up', why }
  }
  const seen = `${named(downs)} ${downs.length === 1 ? 'does' : 'do'} not reach it`
  // What clients reach is not lost, whatever others say: a failover would take it away from them.
  const serving = ups.filter(({ vantage }) => vantage === 'server')
  if (serving.length > 0) {
    const through = `clients reach it through ${named(serving)}`
    return { state: 'suspected', why: `${seen}, and ${through}: it is not given up` }
  }
  const answers = ups.some(({ vantage }) => vantage === 'control plane')
  const since = ({ vantage }: Vote) => (vantage === 'monitor' && answers ? refusesWritesMs : downForMs)
  const long = downs.filter((vote) => at - vote.since >= since(vote))
  if (long.length >= neededMin) return { state: 'down', why: seen }
  if (downs.length < neededMin) {
    return { state: 'suspected', why: `${seen}: it takes ${neededMin} vantage points` }
  }
  return {
    state: 'suspected',
    why: `${seen}: it takes ${neededMin} vantage points for ${downForMs} ms, ${long.length} of them ${long.length === 1 ? 'has' : 'have'} seen it so for as long`,
  }
}

const named = (votes: readonly Vote[]): string => list(votes.map(({ by }) => by))
