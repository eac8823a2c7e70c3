import { expect, onTestFinished, test } from 'vitest'
import { FakeCluster } from '../testing/fake-cluster.ts'
import { giveUp, withPolicy } from '../testing/given-up.ts'
import { SagaWorld } from '../testing/saga-world.ts'
import { abandon, priceOf } from './abandon.ts'

const tenant = 'default'

async function startWorld(): Promise<SagaWorld> {
  const clusters = Object.fromEntries(['home', 'a', 'b', 'c'].map((name) => [name, new FakeCluster(name)]))
  const world = await SagaWorld.start({ clusters })
  onTestFinished(() => world.close())
  return world
}

async function lostOrders(knownEnds: readonly bigint[] | null) {
  const world = await startWorld()
  const orders = await world.createTopic({ name: 'orders', partitions: 2, cluster: 'a' })
  await withPolicy(world, 'orders', 'strict')
  await giveUp(world, 'a', [{ name: 'orders', to: 'b', knownEnds }])
  const find = () => world.plane.board.table.topic(tenant, 'orders')!
  const recorded: unknown[] = []
  const abandonIt = (index: number, confirmed: boolean) =>
    abandon(world.plane, find, index, confirmed, async (abandoned) => void recorded.push(abandoned))
  return { world, find, recorded, abandonIt, lost: orders.physicalTopic(0) }
}

test('a price is named, and only who confirms it pays: the loglet is out of the chain, its topic is left over', async () => {
  const { world, find, recorded, abandonIt, lost } = await lostOrders([3n, 4n])
  const price = await priceOf(world.plane, find(), 0)
  expect(price).toMatchObject({ cluster: 'a', topic: lost, recordsKnown: 7, done: false })
  expect(price.price).toMatch(/^up to 7 records that were known.*whatever was written from .* nobody knows/)
  await expect(abandonIt(0, false)).rejects.toMatchObject({
    code: 'NOT_CONFIRMED',
    message: expect.stringContaining(price.price),
  })
  expect(find().depth).toBe(2)
  const abandoned = await abandonIt(0, true)
  expect(recorded).toEqual([abandoned])
  expect(abandoned).toEqual({ ...price, done: true })
  expect(find().depth).toBe(1)
  expect(find().isPartlyAway).toBe(false)
  expect((await world.plane.store.topicRoutes())[0]?.loglets).toHaveLength(1)
  expect(await world.plane.store.leftover('a', lost)).toBeDefined()
  world.cluster('a').away = false
  await expect.poll(() => world.cluster('a').topics.has(lost)).toBe(false)
})

test('when nobody knew where it ended, that is said; of one that was sealed before, all that it held', async () => {
  const unknown = await lostOrders(null)
  expect(await priceOf(unknown.world.plane, unknown.find(), 0)).toMatchObject({
    recordsKnown: null,
    price: expect.stringContaining('an unknown number of records'),
  })
  const world = await startWorld()
  const orders = await world.createTopic({ name: 'orders', partitions: 1, cluster: 'a' })
  world.cluster('a').topic(orders.physicalTopic(0)).partitions[0]!.end = 9n
  await withPolicy(world, 'orders', 'available')
  const [moved] = await world.migrations.start({ tenant, topics: ['orders'], to: 'b' })
  await expect.poll(async () => (await world.migrations.get(moved!.id)).state).toBe('switched')
  await giveUp(world, 'a', [])
  const find = () => world.plane.board.table.topic(tenant, 'orders')!
  expect(await priceOf(world.plane, find(), 0)).toMatchObject({ recordsKnown: 9 })
  await abandon(world.plane, find, 0, true, async () => {})
  // What waited to drain it has nothing to wait for.
  await expect.poll(async () => (await world.migrations.get(moved!.id)).state).toBe('done')
})

test('what is not lost is not abandoned, nor what its cluster brings back at this moment', async () => {
  const { world, find, abandonIt } = await lostOrders([0n, 0n])
  await expect(abandonIt(7, true)).rejects.toMatchObject({ code: 'UNKNOWN_LOGLET' })
  await expect(abandonIt(1, true)).rejects.toMatchObject({ code: 'LOGLET_NOT_LOST' })
  const { failovers } = world.plane.store
  const row = {
    id: 'r-1',
    kind: 'return',
    cluster: 'a',
    by: 'me',
    reason: '',
    votes: [],
    options: {},
  } as const
  await failovers.add({ ...row, createdAt: 0 })
  await expect(abandonIt(0, true)).rejects.toMatchObject({ code: 'FAILOVER_IN_PROGRESS' })
  expect(find().depth).toBe(2)
  await failovers.setState('r-1', 'done', 1)
  await abandonIt(0, true)
  expect(find().depth).toBe(1)
})
