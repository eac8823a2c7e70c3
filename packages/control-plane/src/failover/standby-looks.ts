// Whether what waits for a failover is there, asked of all clusters at once and in bounded time: clients wait meanwhile.
import type { PhysicalTopic } from '@braid/routing-model'
import { reasonOf } from '../log.ts'
import type { Plane } from '../plane.ts'

/** How a cluster is found that something may go on at. */
export type StandbyLook =
  /** `partitions` of the topics that were asked for and are there. */
  | { readonly kind: 'answered'; readonly partitions: ReadonlyMap<string, number> }
  /** It is believed to be there, for now. */
  | { readonly kind: 'not asked' }
  /** `did not answer within 1000 ms` */
  | { readonly kind: 'away'; readonly reason: string }

type Looking = Pick<Plane, 'board' | 'clusters' | 'sight' | 'timings'>

/** In one request to a cluster. */
const topicsMax = 500
const reasonMax = 300

/** From what is known already. */
export function knownLook({ board, sight }: Pick<Looking, 'board' | 'sight'>, cluster: string): StandbyLook {
  const route = board.table.clusters.get(cluster)
  if (route === undefined) return { kind: 'away', reason: 'is not registered' }
  if (route.fenced) return { kind: 'away', reason: 'was given up' }
  if (sight.judge(cluster).state === 'down') return { kind: 'away', reason: 'is down' }
  return { kind: 'not asked' }
}

/** `clusters`: also those that no topic waits on. Never rejects. */
export async function lookAtStandbys(
  plane: Looking,
  standbys: Iterable<PhysicalTopic>,
  clusters: Iterable<string>,
): Promise<ReadonlyMap<string, StandbyLook>> {
  const wanted = new Map<string, string[]>()
  for (const cluster of clusters) wanted.set(cluster, [])
  for (const { cluster, topic } of standbys) {
    const known = wanted.get(cluster)
    if (known === undefined) wanted.set(cluster, [topic])
    else known.push(topic)
  }
  return new Map(
    await Promise.all(
      Array.from(wanted, async ([cluster, topics]): Promise<[string, StandbyLook]> => {
        const known = knownLook(plane, cluster)
        return [cluster, known.kind === 'away' ? known : await lookAt(plane, cluster, topics)]
      }),
    ),
  )
}

async function lookAt(plane: Looking, cluster: string, topics: readonly string[]): Promise<StandbyLook> {
  const timeoutMs = plane.timings.standbyCheckMaxMs
  const ask = async (): Promise<StandbyLook> => {
    const connected = await plane.clusters.open(cluster)
    const partitions = new Map<string, number>()
    if (topics.length === 0) await connected.pulse(timeoutMs)
    for (let at = 0; at < topics.length; at += topicsMax) {
      for (const [topic, facts] of await connected.describeTopics(topics.slice(at, at + topicsMax)))
        partitions.set(topic, facts.partitions)
    }
    return { kind: 'answered', partitions }
  }
  const away = (error: unknown): StandbyLook => ({
    kind: 'away',
    reason: `does not answer (${reasonOf(error).slice(0, reasonMax)})`,
  })
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<StandbyLook>((resolve) => {
    const reason = `did not answer within ${timeoutMs} ms`
    timer = setTimeout(() => resolve({ kind: 'away', reason }), timeoutMs)
  })
  return Promise.race([ask().catch(away), late]).finally(() => clearTimeout(timer))
}
