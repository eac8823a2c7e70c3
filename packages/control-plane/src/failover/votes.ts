// How clusters are seen, and by whom: every process that serves clients, every monitor, and the control plane itself.
import type { ClusterVote } from '@braid/control-api'

export interface Sighting {
  readonly state: 'up' | 'down' | 'unknown'
  /** For how long it had been so when it was said, ms. */
  readonly forMs: number
  readonly detail: string | null
}

/** From where. `server`: a process that serves clients, what it reaches they reach. */
export type Vantage = 'server' | 'monitor' | 'control plane'

export interface Voter {
  /** Its own, whatever it is called. */
  readonly key: string
  /** `proxy proxy-1`, `sdk 7f3c`, `control plane`, `monitor m-1` */
  readonly by: string
  readonly vantage: Vantage
}

/** Moments are of the monotonic clock, ms. */
export interface Vote extends Voter {
  readonly state: Sighting['state']
  readonly since: number
  readonly detail: string | null
  /** It counts until then. */
  readonly validUntil: number
}

interface When {
  readonly at: number
  readonly validUntil: number
}

interface OfCluster {
  readonly votes: Map<string, Vote>
  downs: number
}

/** More say nothing more to a person. */
const shownMax = 50

export class Votes {
  private readonly byCluster = new Map<string, OfCluster>()
  /** Of whom there are votes, for which clusters. */
  private readonly seenBy = new Map<string, ReadonlySet<string>>()

  /** All that it sees now: of what it does not name it says nothing any more. */
  hear(voter: Voter, sightings: ReadonlyMap<string, Sighting>, when: When): void {
    const { key } = voter
    for (const cluster of this.seenBy.get(key) ?? []) if (!sightings.has(cluster)) this.remove(cluster, key)
    for (const [cluster, sighting] of sightings) this.put(cluster, voter, sighting, when)
    this.seenBy.set(key, new Set(sightings.keys()))
  }

  /** What it sees of one cluster. */
  put(cluster: string, { key, by, vantage }: Voter, { state, forMs, detail }: Sighting, when: When): void {
    const of = this.of(cluster)
    const before = of.votes.get(key)
    const { at, validUntil } = when
    // Since it was said first: what is said again may be rounded.
    const since = before?.state === state ? Math.min(before.since, at - forMs) : at - forMs
    of.votes.set(key, { key, by, vantage, state, since, detail: detail && printable(detail), validUntil })
    of.downs += Number(state === 'down') - Number(before?.state === 'down')
  }

  forget(key: string): void {
    for (const cluster of this.seenBy.get(key) ?? []) this.remove(cluster, key)
    this.seenBy.delete(key)
  }

  /** Of clusters that are not registered any more, and of who has been silent for long. */
  tidy(registered: { has(cluster: string): boolean }, at: number): void {
    for (const [cluster, { votes }] of this.byCluster) {
      if (!registered.has(cluster)) this.byCluster.delete(cluster)
      else for (const { key, validUntil } of votes.values()) if (validUntil <= at) this.remove(cluster, key)
    }
    for (const [key, clusters] of this.seenBy) {
      const counts = (cluster: string) => this.byCluster.get(cluster)?.votes.has(key) === true
      if (![...clusters].some(counts)) this.seenBy.delete(key)
    }
  }

  /** Whether somebody says, or said lately, that it is down. */
  isDoubted(cluster: string): boolean {
    return (this.byCluster.get(cluster)?.downs ?? 0) > 0
  }

  /** Those that count at that moment. */
  on(cluster: string, at: number): Vote[] {
    const { votes } = this.byCluster.get(cluster) ?? { votes: new Map<string, Vote>() }
    return [...votes.values()].filter(({ validUntil }) => validUntil > at)
  }

  private of(cluster: string): OfCluster {
    const known = this.byCluster.get(cluster)
    if (known !== undefined) return known
    const fresh = { votes: new Map<string, Vote>(), downs: 0 }
    this.byCluster.set(cluster, fresh)
    return fresh
  }

  private remove(cluster: string, key: string): void {
    const of = this.byCluster.get(cluster)
    const vote = of?.votes.get(key)
    if (of === undefined || vote === undefined) return
    of.votes.delete(key)
    if (vote.state === 'down') of.downs--
  }
}

/** It comes from elsewhere, and goes to terminals. */
export const printable = (text: string): string => text.replaceAll(/\p{Cc}/gu, '?')

/** As people are shown them: those that see it down first, the longest first. */
export function shownVotes(votes: readonly Vote[], at: number): ClusterVote[] {
  const rank = { down: 0, up: 1, unknown: 2 }
  return votes
    .toSorted((a, b) => rank[a.state] - rank[b.state] || a.since - b.since)
    .slice(0, shownMax)
    .map(({ by, state, since, detail }) => ({
      by,
      state,
      forMs: Math.max(0, Math.round(at - since)),
      detail,
    }))
}
