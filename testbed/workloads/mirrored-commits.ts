import { RouteFeed } from '@braid/control-api'
import type { KafkaCluster } from '../clusters/cluster.ts'
import type { RunningBraid } from '../components/running.ts'
import { askCluster } from './physical-topics.ts'

const tenant = 'default'
/** A commit is mirrored a fraction of a second later. */
const mirroredMaxMs = 2_000

/**
 * Whether what the group has committed at home by now stands on the standby home, as the clusters themselves say; the
 * reason when it does not. Without a standby home there is nothing to stand there.
 */
export async function whyNotMirrored(
  braid: RunningBraid,
  clusters: readonly KafkaCluster[],
  { topic, group }: { readonly topic: string; readonly group: string },
): Promise<string | undefined> {
  const feed = new RouteFeed({ url: (await braid.leader()).url, onChange: () => {} })
  await feed.start()
  try {
    const homes = feed.table.tenants.get(tenant)
    const route = feed.table.topic(tenant, topic)
    if (homes === undefined || route === undefined) return `topic ${topic} is in no routes`
    if (homes.standbyHome === undefined) return undefined
    if (route.standbyHomeTopic === undefined) return `commits on ${topic} are not mirrored yet`
    const committed = (name: string, physical: string) => {
      const cluster = clusters.find((candidate) => candidate.name === name)
      if (cluster === undefined) throw new Error(`there is no cluster ${name}`)
      return askCluster(cluster, async (admin) => {
        const [found] = await admin.fetchOffsets({ groupId: group, topics: [physical] })
        return new Map(found?.partitions.map(({ partition, offset }) => [partition, BigInt(offset)]))
      })
    }
    // Commits go on meanwhile: it is these that have to arrive, not those that are made while it is asked for them.
    const atHome = await committed(homes.home, route.homeTopic)
    const deadline = performance.now() + mirroredMaxMs
    let behind: [partition: number, offset: bigint][] = []
    let mirrored = new Map<number, bigint>()
    do {
      mirrored = await committed(homes.standbyHome, route.standbyHomeTopic)
      behind = [...atHome].filter(([partition, offset]) => (mirrored.get(partition) ?? -1n) < offset)
    } while (behind.length > 0 && performance.now() < deadline)
    if (behind.length === 0) return undefined
    return `commits of ${group} are not on ${homes.standbyHome} yet: ${behind
      .map(([partition, offset]) => `${partition}/${offset} stands at ${mirrored.get(partition) ?? -1n}`)
      .join(', ')}`
  } finally {
    await feed.close()
  }
}
