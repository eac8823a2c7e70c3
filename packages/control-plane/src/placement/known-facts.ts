// What clusters last said of themselves. Plans are made from it: they must not wait for clusters, least of all inside
// a transaction.

import type { ClusterFacts } from '../clusters/kafka-cluster.ts'
import { reasonOf } from '../log.ts'

export type Known =
  | { readonly kind: 'answered'; readonly facts: ClusterFacts; readonly at: number }
  /** `facts` are what it said while it answered. */
  | {
      readonly kind: 'away'
      readonly reason: string
      readonly facts: ClusterFacts | undefined
      readonly at: number
    }

interface KnownFactsParts {
  reach(cluster: string): Promise<ClusterFacts>
  readonly now: () => number
}

export interface Freshness {
  /** What is younger is not asked for again. */
  readonly maxAgeMs?: number
  /** A cluster that has not answered by then is away. */
  readonly timeoutMs?: number
}

const askedAtOnceMax = 32

export class KnownFacts {
  private readonly parts: KnownFactsParts
  private readonly known = new Map<string, Known>()
  private readonly asking = new Map<string, Promise<void>>()

  constructor(parts: KnownFactsParts) {
    this.parts = parts
  }

  get(cluster: string): Known | undefined {
    return this.known.get(cluster)
  }

  /** Asks those of whom too little is known. Never rejects. */
  async refresh(
    clusters: readonly string[],
    { maxAgeMs = 30_000, timeoutMs = 3_000 }: Freshness = {},
  ): Promise<void> {
    const oldest = this.parts.now() - maxAgeMs
    const stale = clusters.filter((name) => (this.known.get(name)?.at ?? Number.NEGATIVE_INFINITY) < oldest)
    const queue = stale.values()
    const ask = async () => {
      for (const name of queue) await this.ask(name, timeoutMs)
    }
    await Promise.all(Array.from({ length: Math.min(askedAtOnceMax, stale.length) }, ask))
    const registered = new Set(clusters)
    for (const name of this.known.keys()) if (!registered.has(name)) this.known.delete(name)
  }

  /** Asks this one now; whether it answered. */
  async look(cluster: string, timeoutMs = 3_000): Promise<boolean> {
    await this.ask(cluster, timeoutMs)
    return this.known.get(cluster)?.kind === 'answered'
  }

  private ask(cluster: string, timeoutMs: number): Promise<void> {
    const known = this.asking.get(cluster)
    if (known !== undefined) return known
    const asking = this.reach(cluster, timeoutMs)
      .then(
        (facts) => this.known.set(cluster, { kind: 'answered', facts, at: this.parts.now() }),
        (error: unknown) => {
          const facts = this.known.get(cluster)?.facts
          this.known.set(cluster, { kind: 'away', reason: reasonOf(error), facts, at: this.parts.now() })
        },
      )
      .then(() => void this.asking.delete(cluster))
    this.asking.set(cluster, asking)
    return asking
  }

  private async reach(cluster: string, timeoutMs: number): Promise<ClusterFacts> {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_, reject) => {
      const error = new Error(`${cluster} did not answer within ${timeoutMs} ms`)
      timer = setTimeout(() => reject(error), timeoutMs).unref()
    })
    try {
      return await Promise.race([this.parts.reach(cluster), late])
    } finally {
      clearTimeout(timer)
    }
  }
}
