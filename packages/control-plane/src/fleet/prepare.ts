// CHECK and PREPARE: everything that can go wrong, before anything is in force.
import { TopicRoute } from '@braid/routing-model'
import { clusterRefusal } from '../clusters/clusters.ts'
import { reasonOf } from '../log.ts'
import { Refusal } from '../refusal.ts'
import type { Stop } from '../sagas/saga.ts'
import { classConfigs } from '../topics/class-configs.ts'
import { makeStub, makeTopic } from '../topics/make-topic.ts'
import { type ApplyContext, eachOf, type Prepared, withClusters, workIn } from './context.ts'
import { worldRevision } from './revision.ts'
import type { ApplyWork } from './work.ts'
import { worldNow } from './world-now.ts'

const atOnceMax = 16

/** Every cluster that is needed answers, and the world is the one that was planned for. */
export async function checkApply(context: ApplyContext, stop: Stop): Promise<void> {
  const { plane } = context.services
  const work = await workIn(context)
  await withClusters(context, work, async (open) => {
    await eachOf(clustersOf(work), atOnceMax, async (name) => {
      stop.throwIfAborted()
      const cluster = await open(name)
      await cluster.facts().catch((error: unknown) => {
        throw clusterRefusal(error, `cluster ${name} could not be asked`)
      })
    })
  })
  await plane.store.transaction(() => refuseStale(context, work))
}

/** In a transaction: what is checked holds until its end. */
export async function refuseStale({ services }: ApplyContext, { basedOn }: ApplyWork): Promise<void> {
  const revision = worldRevision(await worldNow(services.plane))
  if (revision === basedOn) return
  throw stalePlan(basedOn, revision)
}

export function stalePlan(basedOn: string, revision: string): Refusal {
  return new Refusal(
    'STALE_PLAN',
    `the plan was made for revision ${basedOn}, and the world is at ${revision} by now: plan again, and look at what changed`,
  )
}

/** Physical topics and stubs of all new topics. Nothing leads to them yet. */
export async function prepareApply(context: ApplyContext, stop: Stop): Promise<void> {
  const work = await workIn(context)
  const slas = await classesOf(context, work)
  const { leadersMaxMs } = context.services.plane.timings
  const made: Prepared['topics'][number][] = []
  const clusterIds = new Map<string, string>()
  await withClusters(context, work, async (open) => {
    for (const { name } of work.clusters.create)
      clusterIds.set(name, (await (await open(name)).facts()).clusterId)
    await eachOf(work.topics.create, atOnceMax, async (topic) => {
      stop.throwIfAborted()
      const { document, id, physical, stub } = topic
      const { tenant, name, partitions } = document
      const facts = await makeTopic(
        await open(physical.cluster),
        {
          name,
          physical: physical.topic,
          partitions,
          ...classConfigs(document, slas.get(document.sla ?? '')),
        },
        leadersMaxMs,
      )
      if (stub !== null) {
        await makeStub(await open(stub.cluster), { name, physical: stub.topic, partitions }, leadersMaxMs)
      }
      const route = TopicRoute.create({
        tenant,
        name,
        id,
        partitions: facts.partitions,
        maxMessageBytes: Number(facts.configs.get('max.message.bytes')?.value),
        homeTopic: (stub ?? physical).topic,
        failover: slas.get(document.sla ?? '')?.availability.failover ?? 'none',
        ...physical,
      })
      made.push({ topic, route, replicas: facts.replicationFactor })
    })
  })
  context.prepared = { topics: made, clusterIds }
}

/** Never waits for a cluster that is away: what cannot be deleted now is left over, and deleted later. */
export async function unprepareApply(context: ApplyContext): Promise<void> {
  const { plane } = context.services
  const { store, leftovers, log } = plane
  const work = await workIn(context)
  const physicals = work.topics.create.flatMap(({ physical, stub }) =>
    stub === null ? [physical] : [physical, stub],
  )
  const registered = new Set((await store.clusters()).map(({ name }) => name))
  const ours = physicals.filter(({ cluster }) => registered.has(cluster))
  await store.transaction(async () => {
    for (const { cluster, topic } of ours) await store.addLeftover(cluster, topic, plane.now())
  })
  await leftovers.discard(ours)
  // Of a cluster that was never registered nobody keeps a list: one try, and its name in the log.
  await withClusters(context, work, async (open) => {
    const theirs = physicals.filter(({ cluster }) => !registered.has(cluster))
    await eachOf(theirs, atOnceMax, async ({ cluster, topic }) => {
      await open(cluster)
        .then((opened) => opened.deleteTopic(topic))
        .catch((error: unknown) =>
          log('warn', 'apply.topic-left', { cluster, topic, reason: reasonOf(error) }),
        )
    })
  })
}

function clustersOf({ clusters, topics, moves }: ApplyWork): string[] {
  return [
    ...new Set([
      ...clusters.create.map(({ name }) => name),
      ...topics.create.flatMap(({ physical, stub }) => [
        physical.cluster,
        ...(stub === null ? [] : [stub.cluster]),
      ]),
      ...moves.flatMap(({ from, to }) => [from, to]),
    ]),
  ]
}

async function classesOf({ services }: ApplyContext, { slas }: ApplyWork) {
  const { store } = services.plane
  const known = await store.slas.list(Number.MAX_SAFE_INTEGER)
  return new Map([...known, ...slas.create, ...slas.update].map((sla) => [sla.name, sla]))
}
