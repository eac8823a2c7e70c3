import type { RouteTable, TopicRoute } from '@braid/routing-model'
import type { Clusters } from '../clusters/cluster-set.ts'
import { readOffsets, type TopicPartitions } from '../clusters/read-offsets.ts'

interface Known {
  /** By partition; what the log said last. */
  readonly starts: Map<number, bigint>
  readonly ends: Map<number, bigint>
}

/** The bounds of one partition's loglets, physical, by loglet; undefined where they were never heard. */
export interface PartitionBounds {
  readonly starts: readonly (bigint | undefined)[]
  readonly ends: readonly (bigint | undefined)[]
}

/** Which partitions of a topic are looked at. */
export interface TopicWanted {
  readonly route: TopicRoute
  readonly partitions: ReadonlySet<number>
}

/**
 * Log starts and ends of loglets, as their clusters said last. A sealed loglet's end is its cut, which the routes have
 * and which never changes; its log start does, as retention goes on. What is on a cluster that is away stays as it was.
 */
export class KnownBounds {
  readonly #known = new Map<string, Known>()

  /** Asks all clusters at a time. Answers those that did not say everything. */
  async refresh(
    wanted: readonly TopicWanted[],
    clusters: Clusters,
    timeoutMs: number,
  ): Promise<ReadonlySet<string>> {
    const starts = new Map<string, TopicPartitions[]>()
    const ends = new Map<string, TopicPartitions[]>()
    for (const { route, partitions: set } of wanted) {
      const partitions = [...set].filter((partition) => partition < route.partitions)
      for (let i = 0; i < route.depth; i++) {
        const cluster = route.cluster(i)
        const topic = route.physicalTopic(i)
        if (route.away(i)?.state === 'lost') continue
        // A partition that was added later has nothing in sealed loglets, nor have those that end where they begin.
        const filled = partitions.filter((p) => i === route.active || route.end(i, p) > route.start(i, p))
        add(starts, cluster, { topic, partitions: filled })
        if (i === route.active) add(ends, cluster, { topic, partitions })
      }
    }
    const late = new Set<string>()
    await Promise.all(
      [...new Set([...starts.keys(), ...ends.keys()])].map(async (name) => {
        const cluster = clusters(name)
        if (cluster === undefined) return late.add(name)
        const ofStarts = starts.get(name) ?? []
        const ofEnds = ends.get(name) ?? []
        // Ends last: what was committed before is below them.
        const startsFound = await readOffsets(cluster, ofStarts, 'start', timeoutMs)
        const endsFound = await readOffsets(cluster, ofEnds, 'highWatermark', timeoutMs)
        const startsKept = this.#keep(name, ofStarts, startsFound, 'starts')
        const endsKept = this.#keep(name, ofEnds, endsFound, 'ends')
        if (!startsKept || !endsKept) late.add(name)
        return late
      }),
    )
    return late
  }

  #keep(
    cluster: string,
    asked: readonly TopicPartitions[],
    found: ReadonlyMap<string, ReadonlyMap<number, bigint>>,
    what: 'starts' | 'ends',
  ): boolean {
    let complete = true
    for (const { topic, partitions } of asked) {
      const key = keyOf(cluster, topic)
      const known = this.#known.get(key) ?? { starts: new Map(), ends: new Map() }
      this.#known.set(key, known)
      for (const partition of partitions) {
        const offset = found.get(topic)?.get(partition)
        if (offset === undefined) complete = false
        else known[what].set(partition, offset)
      }
    }
    return complete
  }

  of(route: TopicRoute, partition: number): PartitionBounds {
    const starts: (bigint | undefined)[] = []
    const ends: (bigint | undefined)[] = []
    for (let i = 0; i < route.depth; i++) {
      const known = this.#known.get(keyOf(route.cluster(i), route.physicalTopic(i)))
      starts.push(known?.starts.get(partition))
      ends.push(known?.ends.get(partition))
    }
    return { starts, ends }
  }

  /** Forgets what no route names any more. */
  forgetAllBut(table: RouteTable): void {
    const named = new Set<string>()
    for (const tenant of table.tenants.keys())
      for (const route of table.topics(tenant))
        for (let i = 0; i < route.depth; i++) named.add(keyOf(route.cluster(i), route.physicalTopic(i)))
    for (const key of this.#known.keys()) if (!named.has(key)) this.#known.delete(key)
  }
}

/** Neither name has a slash. */
const keyOf = (cluster: string, topic: string): string => `${cluster}/${topic}`

function add(map: Map<string, TopicPartitions[]>, cluster: string, asked: TopicPartitions): void {
  const known = map.get(cluster)
  if (known === undefined) map.set(cluster, [asked])
  else known.push(asked)
}
