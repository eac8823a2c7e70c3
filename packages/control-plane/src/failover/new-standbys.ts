// After a failover: topics that went on at their standby, or stood by on the cluster, get another one; and groups a place
// for commits that were not mirrored yet. What cannot be done now is the reconciler's.
import { reasonOf } from '../log.ts'
import { fleetSnapshot } from '../placement/fleet-snapshot.ts'
import type { Plane } from '../plane.ts'
import { planStandbys, topicKey } from '../planner/index.ts'
import { makeStub } from '../topics/make-topic.ts'
import { type FailoverContext, failoverIn } from './failover-context.ts'

/** Of making stubs: nobody waits for longer. */
const stubsMaxMs = 5_000

export async function planNewStandbys(context: FailoverContext): Promise<void> {
  const { plane, id } = context
  const { store, board } = plane
  const moved = new Set<string>()
  for (const { tenant, topic, to } of await store.failovers.topics(id))
    if (to !== null) moved.add(topicKey({ tenant, name: topic }))
  const there = [...board.table.clusters.values()].filter(({ fenced }) => !fenced)
  await plane.facts.refresh(
    there.map(({ name }) => name),
    { timeoutMs: plane.timings.standbyCheckMaxMs },
  )
  await store.transaction(async () => {
    const { cluster } = await failoverIn(context)
    for (const { topic, from, to } of planStandbys(await fleetSnapshot(plane)).changes) {
      const route = board.table.topic(topic.tenant, topic.name)
      const stoodBy = from === cluster
      if (route === undefined || to === null || !(stoodBy || moved.has(topicKey(topic)))) continue
      await store.topicSpecs.setStandby(route.id, to)
    }
  })
  await makeMissingStubs(context)
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
