// For tests: topics that fail over in every way that there is, and a cluster that is given up.
import { endpoints } from '@braid/control-api'
import type { FailoverPolicy, TopicRoute } from '@braid/routing-model'
import { Failovers } from '../failover/failovers.ts'
import type { SagaScenario } from './saga-faults.ts'
import type { SagaWorld } from './saga-world.ts'

const tenant = 'default'
const by = 'user:test'

/** Puts a topic that waits for a failover beside it, as the reconciler does. */
export async function standBy(
  world: SagaWorld,
  route: TopicRoute,
  failover: FailoverPolicy,
  cluster: string | null,
): Promise<TopicRoute> {
  const { store, board } = world.plane
  const next = route.withFailover(failover)
  const standby = cluster === null ? undefined : { cluster, topic: `${route.name}.standby` }
  if (standby !== undefined) {
    const { partitions } = route
    await world.cluster(standby.cluster).createTopic({ topic: standby.topic, partitions })
  }
  await board.change({ topics: [next.toJSON()] }, async () => {
    await store.setFailover(next)
    if (standby === undefined) return
    await store.reconcile.putStandby(route.id, standby)
    await store.topicSpecs.setStandby(route.id, standby.cluster)
  })
  return next
}

/** Groups of the tenant go on at b when their home is lost; commits for the named topics are mirrored there. */
export async function standByAtHome(world: SagaWorld, mirrored: readonly string[]): Promise<void> {
  const { store, board } = world.plane
  const routes: TopicRoute[] = []
  for (const name of mirrored) {
    const route = board.table.topic(tenant, name)!
    const topic = `${name}.commits`
    await world.cluster('b').createTopic({
      topic,
      partitions: route.partitions,
      configs: { 'max.message.bytes': '1' },
    })
    routes.push(route.withHomeTopics(route.homeTopic, topic))
  }
  const { home } = board.table.tenants.get(tenant)!
  await board.change(
    {
      tenants: [{ name: tenant, home, standbyHome: 'b' }],
      topics: routes.map((route) => route.toJSON()),
    },
    async () => {
      await store.setHomes(tenant, home, 'b')
      for (const route of routes) {
        await store.setHomeTopics(route)
        await store.reconcile.putStandbyHome(route.id, { cluster: 'b', topic: route.standbyHomeTopic! })
      }
    },
  )
}

/**
 * On a: orders (strict, stands by on b), payments (available, on c), stock (no class), users (strict, without a standby);
 * on b: refunds, which was on a before; on c: clicks. a is home, b the standby home.
 */
export async function furnishForFailover(world: SagaWorld): Promise<void> {
  for (const cluster of Object.values(world.clusters)) cluster.brokers = 3
  const gold = { name: 'gold', availability: { failover: 'strict' }, durability: { replicationFactor: 1 } }
  await world.plane.store.slas.put(endpoints['slas.put'].body.parse(gold))
  const make = async (name: string, sla: string | null, cluster = 'a') => {
    const route = await world.createTopic({ name, partitions: 2, cluster })
    const spec = (await world.plane.store.topicSpecs.get(route.id))!
    await world.plane.store.topicSpecs.setWishes(route.id, { ...spec, sla, pinnedTo: null })
    return route
  }
  await standBy(world, await make('refunds', 'gold'), 'strict', null)
  const [move] = await world.migrations.start({ tenant, topics: ['refunds'], to: 'b' })
  while ((await world.migrations.get(move!.id)).state !== 'switched')
    await new Promise((resolve) => setTimeout(resolve, 1))
  await standBy(world, await make('orders', 'gold'), 'strict', 'b')
  await standBy(world, await make('payments', 'gold'), 'available', 'c')
  await standBy(world, await make('users', 'gold'), 'strict', null)
  await make('stock', null)
  await make('clicks', null, 'c')
  await standByAtHome(world, ['orders', 'refunds'])
}

export const givingUp: SagaScenario = {
  async begin(world) {
    await furnishForFailover(world)
    world.cluster('a').away = true
    const failovers = new Failovers(world.plane, world.migrations.sagas)
    const { failover } = await failovers.start('a', { force: false }, by, async () => {})
    return failover.id
  },
}
