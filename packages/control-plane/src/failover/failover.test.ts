// A cluster is given up, over clusters in memory.
import { onTestFinished, expect, test } from 'vitest'
import { furnishForFailover, givingUp } from '../testing/failover-scenarios.ts'
import { assertNothingBetween } from '../testing/nothing-between.ts'
import { SagaWorld } from '../testing/saga-world.ts'
import { Failovers } from './failovers.ts'

const tenant = 'default'
const by = 'user:test'

async function startWorld(): Promise<SagaWorld> {
  const world = await SagaWorld.start()
  onTestFinished(() => world.close())
  return world
}
const failoversOf = ({ plane, migrations }: SagaWorld) => new Failovers(plane, migrations.sagas)
const ended = (world: SagaWorld, id: string) =>
  expect.poll(async () => (await world.plane.store.failovers.get(id))?.state).not.toBe('running')

test('topics go on as their classes say, homes move, and what is there is lost until it returns', async () => {
  const world = await startWorld()
  const id = await givingUp.begin(world)
  await ended(world, id)
  const { store, board } = world.plane
  const row = await store.failovers.get(id)
  expect(row).toMatchObject({ state: 'done', step: 'END', cluster: 'a', by, error: null })
  expect(row?.routeVersion).toBe(board.table.version)
  const where = (name: string) => {
    const route = board.table.topic(tenant, name)!
    return Array.from({ length: route.depth }, (_, i) => {
      const away = route.away(i)
      return `${route.cluster(i)}${away === undefined ? '' : ` ${away.state}, readers ${away.readers}`}`
    })
  }
  expect({
    orders: where('orders'),
    payments: where('payments'),
    refunds: where('refunds'),
    users: where('users'),
    stock: where('stock'),
  }).toEqual({
    orders: ['a lost, readers wait', 'b'],
    payments: ['a lost, readers skip', 'c'],
    refunds: ['a lost, readers wait', 'b'],
    users: ['a'],
    stock: ['a'],
  })
  const orders = board.table.topic(tenant, 'orders')!
  expect(orders.base(1, 0)).toBeGreaterThanOrEqual(1_000_000n)
  expect(board.table.clusters.get('a')).toMatchObject({ fenced: true })
  expect((await store.cluster('a'))?.state).toBe('unavailable')
  expect(board.table.tenants.get(tenant)).toEqual({ name: tenant, home: 'b', standbyHome: 'a' })
  expect(orders.homeTopic).toBe('orders.commits')
  // Nothing was mirrored of the others: there is a place for their commits all the same.
  expect(world.cluster('b').isSealed(board.table.topic(tenant, 'stock')!.homeTopic)).toBe(true)
  // A new standby is chosen, never the lost cluster; the one that was used stands by no more.
  const spec = await store.topicSpecs.get(orders.id)
  expect([spec?.standby, await store.reconcile.standby(orders.id)]).toEqual(['c', undefined])
  const topics = await store.failovers.topics(id)
  expect(topics.map(({ topic, to, reason }) => [topic, to?.cluster ?? null, reason])).toEqual([
    ['orders', 'b', 'its standby topic waits on b'],
    ['payments', 'c', 'its standby topic waits on c'],
    ['users', null, 'it has no standby topic yet: it waits for the cluster'],
    ['stock', null, 'its class does not fail over: it waits for the cluster'],
  ])
  await assertNothingBetween(world)
})
