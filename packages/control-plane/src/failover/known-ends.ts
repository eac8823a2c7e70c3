// What is known of logs that may be lost: every few seconds the ends of all topics that fail over, while their clusters
// can be asked. In memory: what a term does not know yet is taken to be the worst (gap.ts).
import type { TopicRoute } from '@braid/routing-model'
import { type Log, reasonOf } from '../log.ts'
import type { Plane } from '../plane.ts'
import type { KnownOfTopic } from './gap.ts'

interface Known extends Omit<KnownOfTopic, 'ageMs'> {
  /** Of the monotonic clock, ms. */
  readonly clockAt: number
}

type When = Pick<Known, 'at' | 'clockAt'>

type KnownEndsParts = Pick<Plane, 'board' | 'clusters' | 'closing' | 'now' | 'sleep'> & {
  readonly timings: Pick<Plane['timings'], 'knownEndsEveryMs' | 'knownEndsMaxMs'>
  readonly log: Log
}

/** In one pass over a cluster's leaders. */
const topicsMax = 500
const clustersAtOnceMax = 16
/** Between two ends that tell how quickly it grows. */
const rateOverMinMs = 100

export class KnownEnds {
  private readonly parts: KnownEndsParts
  /** By topic id: offsets are logical, so that a topic which moves stays known. */
  private readonly known = new Map<string, Known>()
  private running: Promise<void> | undefined
  /** Clusters that did not tell when they were asked last. */
  private readonly silent = new Set<string>()

  constructor(parts: KnownEndsParts) {
    this.parts = parts
  }

  start(): void {
    this.running = this.run()
  }

  /** After `closing` was aborted. */
  async close(): Promise<void> {
    await this.running
  }

  get(topicId: string): KnownOfTopic | undefined {
    const known = this.known.get(topicId)
    if (known === undefined) return undefined
    const { ends, at, clockAt, peakRecordsPerSecond } = known
    return { ends, at, ageMs: performance.now() - clockAt, peakRecordsPerSecond }
  }

  /** Asks all clusters now. Never rejects. */
  async look(): Promise<void> {
    const { board } = this.parts
    const byCluster = new Map<string, TopicRoute[]>()
    const there = new Set<string>()
    for (const route of board.table.allTopics()) {
      if (route.failover === 'none') continue
      there.add(route.id)
      const cluster = route.cluster(route.active)
      const known = byCluster.get(cluster)
      if (known === undefined) byCluster.set(cluster, [route])
      else known.push(route)
    }
    for (const id of this.known.keys()) if (!there.has(id)) this.known.delete(id)
    const queue = byCluster.entries()
    const worker = async () => {
      for (const [cluster, routes] of queue) await this.lookAt(cluster, routes)
    }
    await Promise.all(Array.from({ length: Math.min(clustersAtOnceMax, byCluster.size) }, worker))
  }

  private async run(): Promise<void> {
    const { closing, sleep, timings } = this.parts
    while (!closing.aborted) {
      await this.look()
      await sleep(timings.knownEndsEveryMs, closing).catch(() => {})
    }
  }

  private async lookAt(cluster: string, routes: readonly TopicRoute[]): Promise<void> {
    const { clusters, log, closing } = this.parts
    try {
      const connected = await clusters.open(cluster)
      for (let at = 0; at < routes.length; at += topicsMax) {
        const some = routes.slice(at, at + topicsMax)
        const asked = some.map((route) => ({
          topic: route.physicalTopic(route.active),
          partitions: route.partitions,
        }))
        // What was written while it was asked is younger than this.
        const asking = { at: this.parts.now(), clockAt: performance.now() }
        const found = await this.inTime(cluster, connected.logEndsOfTopics(asked))
        for (const [i, route] of some.entries()) this.learn(route, found[i]!, asking)
      }
      this.silent.delete(cluster)
    } catch (error) {
      if (closing.aborted || this.silent.has(cluster)) return
      this.silent.add(cluster)
      log('info', 'failover.ends-unknown', { cluster, reason: reasonOf(error) })
    }
  }

  private learn(route: TopicRoute, physical: readonly bigint[], when: When): void {
    const { active } = route
    const before = this.known.get(route.id)
    const ends = physical.map((end, partition) =>
      end < 0n
        ? (before?.ends[partition] ?? -1n)
        : end - route.start(active, partition) + route.base(active, partition),
    )
    // Those that did not tell stand with what they told before, and are as old as that.
    const untold = physical.some((end) => end < 0n)
    const { at, clockAt } = untold && before !== undefined ? before : when
    const peakRecordsPerSecond = before === undefined ? null : peakOf(before, ends, when)
    this.known.set(route.id, { ends, at, clockAt, peakRecordsPerSecond })
  }

  private async inTime<T>(cluster: string, work: Promise<T>): Promise<T> {
    const { knownEndsMaxMs } = this.parts.timings
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_, reject) => {
      const error = new Error(`${cluster} did not answer within ${knownEndsMaxMs} ms`)
      timer = setTimeout(() => reject(error), knownEndsMaxMs).unref()
    })
    return Promise.race([work, late]).finally(() => clearTimeout(timer))
  }
}

/** The most that any partition grew, ever as far as is known. */
function peakOf(before: Known, ends: readonly bigint[], { clockAt }: When): number | null {
  const ms = clockAt - before.clockAt
  if (ms < rateOverMinMs) return before.peakRecordsPerSecond
  let peak = before.peakRecordsPerSecond ?? 0
  for (const [partition, end] of ends.entries()) {
    const earlier = before.ends[partition] ?? -1n
    if (end > earlier && earlier >= 0n) peak = Math.max(peak, (Number(end - earlier) * 1_000) / ms)
  }
  return peak
}
