// What a return will do, from the routes and from what was known when the cluster was given up.
import type { FailoverPlan } from '@braid/control-api'
import type { Plane } from '../plane.ts'
import { count } from '../planner/words.ts'
import type { FailoverRow, FailoverTopicRow, NewFailoverTopic } from '../store/failover-queries.ts'
import { type LogletPosition, logicalEndsOf, logletsAway } from './lost-loglets.ts'
import { shownFailoverTopic } from './shown.ts'

export interface ReturnPlan {
  readonly topics: readonly NewFailoverTopic[]
  readonly shown: FailoverPlan
}

/** In a transaction, or as it is at this moment. */
export async function planReturn(plane: Plane, cluster: string): Promise<ReturnPlan> {
  const { store, board, leases } = plane
  const loglets = logletsAway(board.table, cluster)
  const failover = await store.failovers.lastSwitched(cluster)
  const positions = failover === undefined ? new Map<string, Positions>() : await positionsOf(plane, failover)
  const topics: NewFailoverTopic[] = []
  for (const loglet of loglets) topics.push(await topicOf(plane, loglet, positions))
  const homes = (failover?.homes ?? [])
    .filter(({ to }) => to !== null)
    .map(({ tenant, from, to }) => ({
      tenant,
      from: to!,
      to: from,
      reason: `${from} becomes the standby home of tenant ${tenant}, whose groups stay on ${to}`,
    }))
  return {
    topics,
    shown: {
      cluster,
      topics: topics.map(shownFailoverTopic),
      homes,
      leases: leases.count,
      summary:
        loglets.length === 0
          ? `no topic has records on ${cluster} that were given up: it takes topics again`
          : `${count(loglets.length, 'loglet')} of ${count(new Set(loglets.map(({ route }) => route.id)).size, 'topic')} on ${cluster} can be read again; what producers have written again elsewhere is left out`,
    },
  }
}

type Positions = FailoverTopicRow['positions']

/** By topic id: where its groups were when the cluster was given up. Offsets are logical, so of all its loglets. */
async function positionsOf({ store }: Plane, { id }: FailoverRow): Promise<ReadonlyMap<string, Positions>> {
  const found = new Map<string, Positions>()
  for (const { topicId, positions } of await store.failovers.topics(id))
    if (positions !== null) found.set(topicId, positions)
  return found
}

async function topicOf(
  { store }: Plane,
  { route, index }: LogletPosition,
  positions: ReadonlyMap<string, Positions>,
): Promise<NewFailoverTopic> {
  const from = { cluster: route.cluster(index), topic: route.physicalTopic(index) }
  const known = await store.failovers.ofLoglet(route.id, from)
  const readers = route.away(index)!.readers
  const ends = logicalEndsOf({ route, index })
  return {
    topicId: route.id,
    tenant: route.tenant,
    topic: route.name,
    policy: readers === 'wait' ? 'strict' : 'available',
    from,
    to: { cluster: route.cluster(route.active), topic: route.physicalTopic(route.active) },
    reason:
      readers === 'wait'
        ? 'its consumers read on in order'
        : 'its consumers went on elsewhere: what some group had not read is copied to where they are',
    knownEnds: ends ?? known?.knownEnds ?? null,
    knownAt: known?.knownAt ?? null,
    base: route.base(index + 1, 0),
    // Of one that had returned and was lost again: where groups were when it was lost last.
    positions: (ends === undefined ? undefined : positions.get(route.id)) ?? known?.positions ?? null,
  }
}
