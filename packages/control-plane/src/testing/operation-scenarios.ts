// For tests: a run of every saga of operations.
import type { FleetInput } from '@braid/control-api'
import { fleet } from '@braid/control-api'
import { Fleets } from '../fleet/fleets.ts'
import { sagaOf } from '../operations/context.ts'
import { Operations } from '../operations/operations.ts'
import { FakeCluster } from './fake-cluster.ts'
import type { SagaScenario } from './saga-faults.ts'
import type { SagaWorld } from './saga-world.ts'

const by = 'user:test'

const operationsOf = ({ plane, migrations }: SagaWorld) => new Operations(plane, migrations.sagas)
const fleetsOf = (world: SagaWorld) => new Fleets(world.plane, world.migrations.sagas, operationsOf(world))

async function makeTopics(world: SagaWorld, cluster: string): Promise<void> {
  for (const name of ['orders', 'payments', 'refunds', 'stock']) {
    const spec = { name, partitions: 1, expected: { bytesInPerSecond: 5_000_000, readers: 1 } }
    const route = await world.createTopic({ ...spec, cluster })
    const row = await world.plane.store.topicSpecs.get(route.id)
    await world.plane.store.topicSpecs.setWishes(route.id, { ...row!, pinnedTo: null })
  }
}

export const draining: SagaScenario = {
  async begin(world) {
    await makeTopics(world, 'b')
    const { operation } = await operationsOf(world).drain('b', { concurrency: 2 }, by)
    return sagaOf(operation.id, 1)
  },
}

export const rebalancing: SagaScenario = {
  async begin(world) {
    await makeTopics(world, 'b')
    const options = { movesMax: 2, threshold: 0.05, concurrency: 1 }
    const { operation } = await operationsOf(world).rebalance(options, by)
    return sagaOf(operation.id, 1)
  },
}

/** One cluster, class, tenant and topic more, one topic that must move, and one less. */
async function begin(world: SagaWorld): Promise<string> {
  for (const cluster of Object.values(world.clusters))
    cluster.brokers = 3
    // Not registered: the file does that.
  ;(world.clusters as Record<string, FakeCluster>).d = new FakeCluster('d')
  world.cluster('d').brokers = 3
  await world.createTopic({ name: 'orders', partitions: 2, cluster: 'b' })
  await world.createTopic({ name: 'stock', partitions: 1 })
  const file = {
    version: 1,
    clusters: ['a', 'b', 'c', 'd'].map((name) => ({
      name,
      bootstrap: `${name}:9092`,
      ...(name === 'd' && { labels: { region: 'eu' } }),
    })),
    slas: [{ name: 'european', latency: { labels: { region: 'eu' } } }],
    tenants: [
      { name: 'default', home: 'a' },
      { name: 'shop', home: 'd' },
    ],
    topics: [
      { name: 'orders', partitions: 2, sla: 'european' },
      { name: 'new', partitions: 1, sla: 'european' },
      { name: 'carts', tenant: 'shop', partitions: 3 },
    ],
  } satisfies FleetInput
  const fleets = fleetsOf(world)
  const parsed = fleet.parse(file)
  const { basedOn } = await fleets.plan(parsed, { prune: true })
  const { operation } = await fleets.apply(parsed, { basedOn, prune: true, by })
  return operation.id
}

export const applying: SagaScenario = { begin: async (world) => sagaOf(await begin(world), 1) }

/** Of an apply whose move failed, once it is retried. */
export const finishing: SagaScenario = {
  async begin(world) {
    const id = await begin(world)
    const isRunning = async () => (await world.plane.store.operations.get(id))?.state === 'running'
    while (await isRunning()) await new Promise((resolve) => setTimeout(resolve, 1))
    await world.plane.store.operations.end(id, 'failed', { code: 'NO_ROOM', detail: 'it was full' }, 0)
    await operationsOf(world).retry(id)
    return sagaOf(id, 2)
  },
}
