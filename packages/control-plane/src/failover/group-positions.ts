// Where groups were when a cluster was given up: what lies before has been read by all of them, so that after its return
// only the rest is copied on to topics whose consumers have gone on elsewhere.

import type { TopicRoute } from '@braid/routing-model'
import { reasonOf } from '../log.ts'
import type { Plane } from '../plane.ts'

/** The lowest committed offset of any group, logical, by partition; null where none has committed. */
export type Positions = readonly (bigint | null)[]

/** By topic id; without those of which it is not known. Never rejects, and takes no longer than its bound. */
export async function groupPositions(
  plane: Pick<Plane, 'board' | 'clusters' | 'timings' | 'log'>,
  lost: string,
  routes: readonly TopicRoute[],
): Promise<ReadonlyMap<string, Positions>> {
  const found = new Map<string, Positions>()
  const byCluster = new Map<string, Map<string, TopicRoute>>()
  for (const route of routes) {
    const at = commitsOf(plane, lost, route)
    if (at === undefined) continue
    const topics = byCluster.get(at.cluster) ?? new Map<string, TopicRoute>()
    byCluster.set(at.cluster, topics.set(at.topic, route))
  }
  if (byCluster.size === 0) return found
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, plane.timings.positionsMaxMs)
  })
  const silent = new Set(byCluster.keys())
  const asked = Array.from(byCluster, async ([cluster, topics]) => {
    try {
      for (const [id, positions] of await askedOf(plane, cluster, topics)) found.set(id, positions)
    } catch (error) {
      plane.log('warn', 'failover.positions-unknown', { cluster, reason: reasonOf(error) })
    } finally {
      silent.delete(cluster)
    }
  })
  await Promise.race([Promise.all(asked), late])
  clearTimeout(timer)
  for (const cluster of silent) {
    const reason = `no answer within ${plane.timings.positionsMaxMs} ms`
    plane.log('warn', 'failover.positions-unknown', { cluster, reason })
  }
  // What comes later is not looked at.
  return new Map(found)
}

/** The physical topic under whose name its groups' commits can be read. */
function commitsOf(
  { board }: Pick<Plane, 'board'>,
  lost: string,
  { tenant, homeTopic, standbyHomeTopic }: TopicRoute,
): { cluster: string; topic: string } | undefined {
  const { home, standbyHome } = board.table.tenants.get(tenant) ?? {}
  if (home !== undefined && home !== lost) return { cluster: home, topic: homeTopic }
  if (standbyHome === undefined || standbyHomeTopic === undefined || standbyHome === lost) return undefined
  return { cluster: standbyHome, topic: standbyHomeTopic }
}

async function askedOf(
  { clusters }: Pick<Plane, 'clusters'>,
  cluster: string,
  topics: ReadonlyMap<string, TopicRoute>,
): Promise<Map<string, Positions>> {
  const connected = await clusters.open(cluster)
  const lowest = new Map<string, (bigint | null)[]>()
  for (const { id, partitions } of topics.values()) lowest.set(id, new Array(partitions).fill(null))
  for (const { offsets } of await connected.groupCommitsOfTopics(new Set(topics.keys()))) {
    for (const { topic, partition, offset } of offsets) {
      const positions = lowest.get(topics.get(topic)?.id ?? '')
      const known = positions?.[partition]
      if (known === undefined) continue
      if (known === null || offset < known) positions![partition] = offset
    }
  }
  return lowest
}
