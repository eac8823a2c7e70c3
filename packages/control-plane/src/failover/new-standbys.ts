// After a failover: topics that went on at their standby, or stood by on the cluster, get another one; and groups a place
// for commits that were not mirrored yet. After a return: topics that found no standby while the cluster was away get
// one. What cannot be done now is the reconciler's.
import { reasonOf } from '../log.ts'
import type { Plane } from '../plane.ts'
import { topicKey } from '../planner/index.ts'
import { giveStandbys } from '../topics/give-standbys.ts'
import { makeStub } from '../topics/make-topic.ts'
import { type FailoverContext, failoverIn } from './failover-context.ts'

/** Of making stubs: nobody waits for longer. */
const stubsMaxMs = 5_000

export async function planNewStandbys(context: FailoverContext): Promise<void> {
  const { plane, id } = context
  const { store } = plane
  const moved = new Set<string>()
  for (const { tenant, topic, to } of await store.failovers.topics(id))
    if (to !== null) moved.add(topicKey({ tenant, name: topic }))
  const { cluster } = await failoverIn(context)
  await giveStandbys(plane, ({ topic, from }) => from === cluster || moved.has(topicKey(topic)))
  await makeMissingStubs(context)
}

/** Once a cluster has returned there may be a place for them again. */
export function planMissingStandbys(plane: Plane): Promise<void> {
  return giveStandbys(plane, ({ kind }) => kind === 'missing')
}

async function makeMissingStubs(context: FailoverContext): Promise<void> {
  const { plane, id } = context
  const deadline = performance.now() + stubsMaxMs
  for (const { tenant, to } of (await failoverIn(context)).homes) {
    if (to === null) continue
    try {
      await makeStubsOf(plane, tenant, to, deadline)
    } catch (error) {
      plane.log('warn', 'failover.stubs-missing', {
        failover: id,
        tenant,
        cluster: to,
        reason: reasonOf(error),
      })
    }
  }
}

async function makeStubsOf(plane: Plane, tenant: string, cluster: string, deadline: number): Promise<void> {
  const routes = [...plane.board.table.topics(tenant)]
  const home = await plane.clusters.open(cluster)
  const there = await home.describeTopics(routes.map(({ homeTopic }) => homeTopic))
  for (const { name, homeTopic, partitions } of routes) {
    if (there.has(homeTopic)) continue
    const leftMs = deadline - performance.now()
    if (leftMs <= 0) throw new Error(`not all were made within ${stubsMaxMs} ms`)
    await makeStub(home, { name, physical: homeTopic, partitions }, leftMs)
  }
}
