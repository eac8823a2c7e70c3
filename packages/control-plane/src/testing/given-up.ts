// For tests: a cluster that was given up, as a failover leaves it. The failover itself is tested elsewhere.
import type { FailoverHome } from '@braid/control-api'
import type { FailoverPolicy, TopicRoute } from '@braid/routing-model'
import type { NewFailoverTopic } from '../store/failover-queries.ts'
import { clusterRoute } from '../store/store.ts'
import type { SagaWorld } from './saga-world.ts'

export interface TakenTopic {
  readonly name: string
  readonly to: string
  /** Logical, by partition; null: nobody knew. */
  readonly knownEnds: readonly bigint[] | null
  readonly positions?: readonly (bigint | null)[] | null
}

const tenant = 'default'
let made = 0

/** Before any of its topics is lost. */
export async function withPolicy(
  world: SagaWorld,
  name: string,
  policy: FailoverPolicy,
): Promise<TopicRoute> {
  const { board, store } = world.plane
  const route = board.table.topic(tenant, name)!.withFailover(policy)
  await board.change({ topics: [route.toJSON()] }, () => store.setFailover(route))
  return route
}

/** Every loglet there is lost; the topics that are named go on elsewhere. The cluster does not answer any more. */
export async function giveUp(
  world: SagaWorld,
  cluster: string,
  taken: readonly TakenTopic[],
  homes: readonly FailoverHome[] = [],
): Promise<string> {
  const { board, store, now } = world.plane
  world.cluster(cluster).away = true
  const id = `failover-${++made}`
  const changed: TopicRoute[] = []
  const rows: NewFailoverTopic[] = []
  for (const route of board.table.topics(tenant)) {
    const { failover } = route
    if (failover === 'none') continue
    const readers = failover === 'strict' ? 'wait' : 'skip'
    const topic = taken.find(({ name }) => name === route.name)
    let next = route
    if (topic !== undefined) {
      const to = { cluster: topic.to, topic: `${route.name}.k${++made}` }
      await world.cluster(topic.to).createTopic({ topic: to.topic, partitions: route.partitions })
      const bases = Array.from({ length: route.partitions }, (_, p) => route.base(route.active, p))
      const base = (bases.toSorted((a, b) => Number(b - a))[0]! / 1_000_000n + 2n) * 1_000_000n
      next = route.lostAndAppended(base, to, readers)
      rows.push({
        topicId: route.id,
        tenant,
        topic: route.name,
        policy: failover,
        from: { cluster, topic: route.physicalTopic(route.active) },
        to,
        reason: 'a test',
        knownEnds: topic.knownEnds,
        knownAt: now(),
        base,
        positions: topic.positions ?? null,
      })
    }
    next = next.sealedLost(cluster, readers)
    if (next.isPartlyAway) changed.push(next)
  }
  await store.transaction(async () => {
    const row = (await store.cluster(cluster))!
    const after = { ...row, state: 'unavailable' as const, fenced: true }
    await board.change(
      { topics: changed.map((route) => route.toJSON()), clusters: [clusterRoute(after)] },
      async (routeVersion) => {
        for (const route of changed) {
          if (rows.some(({ topicId }) => topicId === route.id)) await store.appendAfterLost(route)
          await store.setLoglets(route)
        }
        await store.updateCluster(after)
        await store.failovers.add({
          id,
          kind: 'failover',
          cluster,
          by: 'a test',
          reason: 'a test',
          votes: [],
          options: {},
          createdAt: now(),
        })
        await store.sagas.add({ id, kind: 'failover', step: 'END', createdAt: now() })
        await store.sagas.setProgress(id, 'done', 'END')
        await store.failovers.addTopics(id, rows)
        await store.failovers.setHomes(id, homes)
        await store.failovers.setSwitched(id, { switchMs: 1, at: now(), routeVersion })
        await store.failovers.setState(id, 'done', now())
      },
    )
  })
  return id
}
