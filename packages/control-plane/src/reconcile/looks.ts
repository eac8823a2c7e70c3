// What there is on the clusters, asked in bulk and in bounded time.
import { reasonOf } from '../log.ts'
import type { Plane } from '../plane.ts'
import { type ClusterLook, type DesiredTopic, type Looks, physicalTopicsOf } from './desired.ts'

/** In one request to a cluster. */
const topicsMax = 200

/** Asks all clusters at the same time. One that has not answered by then is away. Never rejects. */
export async function lookAt(
  plane: Pick<Plane, 'clusters' | 'board'>,
  topics: readonly DesiredTopic[],
  { timeoutMs, known = new Map() }: { timeoutMs: number; known?: Looks },
): Promise<Looks> {
  const wanted = new Map<string, Set<string>>()
  for (const topic of topics) {
    for (const [cluster, names] of physicalTopicsOf(topic)) {
      const all = wanted.get(cluster)
      if (all === undefined) wanted.set(cluster, names)
      else for (const name of names) all.add(name)
    }
  }
  const looks = await Promise.all(
    Array.from(wanted, async ([cluster, names]): Promise<[string, ClusterLook]> => {
      const before = known.get(cluster)
      return [cluster, before ?? (await lookAtCluster(plane, cluster, [...names], timeoutMs))]
    }),
  )
  return new Map(looks)
}

async function lookAtCluster(
  { clusters, board }: Pick<Plane, 'clusters' | 'board'>,
  name: string,
  topics: readonly string[],
  timeoutMs: number,
): Promise<ClusterLook> {
  // Nobody changes anything there until it has returned, whether it answers or not.
  if (board.table.clusters.get(name)?.fenced === true) {
    return { kind: 'away', reason: 'it was given up and has not been taken back' }
  }
  const ask = async (): Promise<ClusterLook> => {
    // What is missing on another cluster that answers at its addresses is not missing here.
    await clusters.reach(name)
    const cluster = await clusters.open(name)
    const found = new Map<string, NonNullable<Awaited<ReturnType<typeof cluster.describe>>>>()
    for (let at = 0; at < topics.length; at += topicsMax) {
      for (const [topic, facts] of await cluster.describeTopics(topics.slice(at, at + topicsMax)))
        found.set(topic, facts)
    }
    return { kind: 'answered', topics: found }
  }
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<ClusterLook>((resolve) => {
    const reason = `it has not answered within ${timeoutMs} ms`
    timer = setTimeout(() => resolve({ kind: 'away', reason }), timeoutMs).unref()
  })
  const asked = ask().catch((error: unknown): ClusterLook => ({ kind: 'away', reason: reasonOf(error) }))
  return Promise.race([asked, late]).finally(() => clearTimeout(timer))
}
