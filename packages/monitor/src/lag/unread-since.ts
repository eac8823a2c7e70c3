import type { Clusters } from '../clusters/cluster-set.ts'
import { batchTimeMs, readBatches } from '../clusters/read-batch.ts'
import type { PartitionLag } from './take-lag.ts'

/** A batch longer than this is read whole all the same; only its head is looked at. */
const READ_BYTES = 1_024
/** Read at one time. */
const READS_AT_ONCE = 16
/** Read in one round; the others next time, and their age is counted from what was known before. */
const READS_MAX = 2_000
const KEPT_MAX = 200_000

/** A record's place, for ever. */
const placeOf = ({ route, partition, firstUnread }: PartitionLag): string | undefined =>
  firstUnread &&
  `${route.cluster(firstUnread.loglet)}/${route.physicalTopic(firstUnread.loglet)}/${partition}/${firstUnread.physical}`

/** When the first record was written that a group has not read. What stands at an offset never changes, so it is kept. */
export class UnreadSince {
  #known = new Map<string, number>()

  async refresh(lags: readonly PartitionLag[], clusters: Clusters, timeoutMs: number): Promise<void> {
    const wanted = new Map<string, PartitionLag>()
    const kept = new Map<string, number>()
    for (const lag of lags) {
      const place = placeOf(lag)
      if (place === undefined) continue
      const known = this.#known.get(place)
      if (known !== undefined) kept.set(place, known)
      else if (wanted.size < READS_MAX) wanted.set(place, lag)
    }
    this.#known = kept
    const queue = [...wanted]
    // One that is late is not waited for again in this round.
    const late = new Set<string>()
    const read = async () => {
      for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
        const [place, lag] = next
        const cluster = lag.route.cluster(lag.firstUnread!.loglet)
        if (late.has(cluster)) continue
        const written = await writtenAtMs(lag, clusters, timeoutMs).catch(() => late.add(cluster))
        if (typeof written === 'number' && this.#known.size < KEPT_MAX) this.#known.set(place, written)
      }
    }
    await Promise.all(Array.from({ length: READS_AT_ONCE }, read))
  }

  /** 0 when everything is read; undefined when nobody knows. */
  secondsBehind(lag: PartitionLag, nowMs: number): number | undefined {
    if (lag.records === 0n) return lag.partial ? undefined : 0
    const place = placeOf(lag)
    const writtenMs = place === undefined ? undefined : this.#known.get(place)
    return writtenMs === undefined ? undefined : Math.max(0, nowMs - writtenMs) / 1_000
  }
}

async function writtenAtMs(
  { route, partition, firstUnread }: PartitionLag,
  clusters: Clusters,
  timeoutMs: number,
): Promise<number | undefined> {
  if (firstUnread === undefined || route.away(firstUnread.loglet)?.state === 'lost') return undefined
  const cluster = clusters(route.cluster(firstUnread.loglet))
  if (cluster === undefined) return undefined
  const from = { topic: route.physicalTopic(firstUnread.loglet), partition, offset: firstUnread.physical }
  const batches = await readBatches(cluster, from, READ_BYTES, timeoutMs)
  return batches === undefined ? undefined : batchTimeMs(batches, 0)
}
