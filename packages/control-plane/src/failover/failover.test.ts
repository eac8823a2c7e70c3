// A cluster is given up, over clusters in memory.
import { encodeBatch } from '@braid/kafka-protocol'
import { expect, onTestFinished, test } from 'vitest'
import { sagaOf } from '../operations/context.ts'
import { Operations } from '../operations/operations.ts'
import { dropStandby } from '../reconcile/mend.ts'
import { StepFailure } from '../sagas/saga.ts'
import { clusterRoute } from '../store/store.ts'
import { furnishForFailover, givingUp, standBy, standByAtHome } from '../testing/failover-scenarios.ts'
import { assertNothingBetween } from '../testing/nothing-between.ts'
import { SagaWorld, type SagaWorldOptions } from '../testing/saga-world.ts'
import { Failovers } from './failovers.ts'

const tenant = 'default'
const by = 'user:test'

async function startWorld(options?: SagaWorldOptions): Promise<SagaWorld> {
  const world = await SagaWorld.start(options)
  onTestFinished(() => world.close())
  return world
}
const failoversOf = ({ plane, migrations }: SagaWorld) => new Failovers(plane, migrations.sagas)
const ended = (world: SagaWorld, id: string) =>
  expect
    .poll(async () => (await world.plane.store.failovers.get(id))?.state, { timeout: 4_000 })
    .toMatch(/^(done|failed|cancelled)$/)

/** What is asked for is begun; its id. */
async function giveUp(world: SagaWorld, cluster: string): Promise<string> {
  world.cluster(cluster).away = true
  const { failover } = await failoversOf(world).start(cluster, { force: false }, by, async () => {})
  return failover.id
}

/** Held where it is until it is let go. */
function gate(): { readonly passed: Promise<void>; open(): void } {
  const { promise, resolve } = Promise.withResolvers<void>()
  return { passed: promise, open: resolve }
}

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

test('the next loglet begins beyond what was seen of the lost one', async () => {
  const world = await startWorld()
  const route = await world.createTopic({ name: 'orders', partitions: 2 })
  await standBy(world, route, 'strict', 'b')
  const log = world.cluster('a').topic(route.homeTopic).partitions
  log[0]!.end = 5_000_000n
  await world.plane.knownEnds.look()
  const id = await giveUp(world, 'a')
  await ended(world, id)
  const [topic] = await world.plane.store.failovers.topics(id)
  // Looked at once, so that nobody knows how quickly it grows: a minute at more than a broker takes.
  expect(topic).toMatchObject({ knownEnds: [5_000_000n, 0n], base: 66_000_000n })
  const after = world.plane.board.table.topic(tenant, 'orders')!
  expect([after.base(1, 0), after.base(1, 1), after.end(0, 0)]).toEqual([66_000_000n, 66_000_000n, -1n])
})

test('where groups were is kept, for topics whose consumers go on elsewhere', async () => {
  const world = await startWorld()
  await standBy(world, await world.createTopic({ name: 'clicks', partitions: 3 }), 'available', 'b')
  await standByAtHome(world, ['clicks'])
  const commit = (partition: number, offset: bigint) => ({
    topic: 'clicks.commits',
    partition,
    offset,
    metadata: null,
  })
  world.cluster('b').groups.set('readers', [commit(0, 7n), commit(1, 9n)])
  world.cluster('b').groups.set('others', [commit(0, 5n)])
  const id = await giveUp(world, 'a')
  await ended(world, id)
  const [topic] = await world.plane.store.failovers.topics(id)
  expect(topic?.positions).toEqual([5n, 9n, null])
})

test('a migration that was undone late takes no seal off what the chain has moved on from', async () => {
  const world = await startWorld()
  const route = await standBy(
    world,
    await world.createTopic({ name: 'orders', partitions: 1 }),
    'strict',
    'b',
  )
  const late = gate()
  world.hook = (step, phase, _id, kind) => {
    if (kind !== 'migration') return
    if (step === 'SEAL' && phase === 'doing') throw new StepFailure('the connection broke')
    if (step === 'undo SEAL' && phase === 'before') return late.passed
  }
  const [move] = await world.migrations.start({ tenant, topics: ['orders'], to: 'c' })
  await expect.poll(async () => (await world.migrations.get(move!.id)).state).toBe('undoing')
  const id = await giveUp(world, 'a')
  await ended(world, id)
  // It has returned before the migration is heard of again.
  const { store, board } = world.plane
  const a = (await store.cluster('a'))!
  await store.updateCluster({ ...a, state: 'active', fenced: false })
  world.cluster('a').away = false
  late.open()
  await expect.poll(async () => (await world.migrations.get(move!.id)).state).toBe('failed')
  expect(world.cluster('a').isSealed(route.homeTopic)).toBe(true)
  expect(board.table.topic(tenant, 'orders')!.cluster(1)).toBe('b')
  expect(board.table.topic(tenant, 'orders')!.prepared).toBeUndefined()
})

test('a topic that has moved on between the check and the switch stays where it is', async () => {
  const world = await startWorld()
  const { store, board } = world.plane
  const orders = await standBy(
    world,
    await world.createTopic({ name: 'orders', partitions: 1 }),
    'strict',
    'b',
  )
  await standBy(world, await world.createTopic({ name: 'users', partitions: 1 }), 'strict', 'b')
  let moved = false
  world.hook = async (step, phase, _id, kind) => {
    if (kind !== 'failover' || step !== 'SWITCH' || phase !== 'before' || moved) return
    moved = true
    await world.cluster('c').createTopic({ topic: 'orders.moved', partitions: 1 })
    const next = orders.sealedAndAppended([0n], { cluster: 'c', topic: 'orders.moved' })
    await world.outside(() => board.change({ topics: [next.toJSON()] }, () => store.appendLoglet(next)))
  }
  const id = await giveUp(world, 'a')
  await ended(world, id)
  expect((await store.failovers.topics(id)).map(({ topic }) => topic)).toEqual(['users'])
  const after = board.table.topic(tenant, 'orders')!
  expect([after.depth, after.cluster(1), after.away(0)]).toEqual([2, 'c', { state: 'lost', readers: 'wait' }])
  // It was not needed, and waits on.
  expect(await store.reconcile.standby(orders.id)).toEqual({ cluster: 'b', topic: 'orders.standby' })
})

test('a migration whose cluster is given up before its switch finds that the topic has moved on', async () => {
  const world = await startWorld()
  await standBy(world, await world.createTopic({ name: 'orders', partitions: 1 }), 'strict', 'b')
  const sealed = gate()
  world.hook = (step, phase, _id, kind) => {
    if (kind === 'migration' && step === 'SEAL' && phase === 'after') return sealed.passed
  }
  const [move] = await world.migrations.start({ tenant, topics: ['orders'], to: 'c' })
  await expect.poll(() => world.plane.board.table.topic(tenant, 'orders')!.prepared?.cluster).toBe('c')
  await expect.poll(() => world.cluster('a').calls.includes('seal')).toBe(true)
  const id = await giveUp(world, 'a')
  await ended(world, id)
  sealed.open()
  await expect.poll(async () => (await world.migrations.get(move!.id)).state).toBe('failed')
  expect((await world.migrations.get(move!.id)).error?.code).toBe('ALREADY_THERE')
  expect(world.plane.board.table.topic(tenant, 'orders')!.cluster(1)).toBe('b')
  await assertNothingBetween(world)
})

test('a drain of a cluster that is given up meanwhile ends', async () => {
  const world = await startWorld()
  for (const name of ['plain', 'other'])
    world
      .cluster('b')
      .write(
        (await world.createTopic({ name, partitions: 1, cluster: 'b' })).physicalTopic(0),
        0,
        encodeBatch({ records: [{ value: Buffer.from(name) }] }),
      )
  for (const { id } of world.plane.board.table.topics(tenant)) {
    const spec = (await world.plane.store.topicSpecs.get(id))!
    await world.plane.store.topicSpecs.setWishes(id, { ...spec, pinnedTo: null })
  }
  await standBy(
    world,
    await world.createTopic({ name: 'orders', partitions: 1, cluster: 'b' }),
    'strict',
    'c',
  )
  let lost = false
  world.hook = (step, phase, _id, kind) => {
    if (kind !== 'migration' || lost || step !== 'SEAL' || phase !== 'doing') return
    lost = true
    world.cluster('b').away = true
    throw new StepFailure('the cluster is gone')
  }
  const operations = new Operations(world.plane, world.migrations.sagas)
  const { operation } = await operations.drain('b', { concurrency: 1 }, by)
  await expect.poll(() => lost).toBe(true)
  const id = await giveUp(world, 'b')
  await ended(world, id)
  await expect
    .poll(async () => (await world.plane.store.sagas.get(sagaOf(operation.id, 1)))?.state, { timeout: 8_000 })
    .toMatch(/^(done|undone)$/)
  expect((await world.plane.store.cluster('b'))?.state).toBe('unavailable')
  const after = await operations.get(operation.id)
  expect(after).toMatchObject({ state: 'failed' })
  await expect(operations.drain('b', { concurrency: 1 }, by)).rejects.toMatchObject({
    code: 'CLUSTER_GIVEN_UP',
  })
  await expect(world.migrations.start({ tenant, topics: ['plain'], to: 'c' })).rejects.toMatchObject({
    code: 'CLUSTER_GIVEN_UP',
  })
  await expect(world.migrations.start({ tenant, topics: ['orders'], to: 'b' })).rejects.toMatchObject({
    code: 'CLUSTER_GIVEN_UP',
  })
})

test('it can be cancelled while leases are waited for; the fence is taken off', async () => {
  // A term that has just begun waits for as long as a lease may last.
  const world = await startWorld({ timings: { writeLeaseMs: 60_000 } })
  await furnishForFailover(world)
  const before = JSON.stringify(world.plane.board.table.toJSON().topics)
  const id = await giveUp(world, 'a')
  await expect.poll(() => world.plane.board.table.clusters.get('a')?.fenced).toBe(true)
  const failovers = failoversOf(world)
  await failovers.cancel(id)
  await ended(world, id)
  expect(await failovers.get(id)).toMatchObject({ state: 'cancelled', error: { code: 'FAILOVER_CANCELLED' } })
  expect(JSON.stringify(world.plane.board.table.toJSON().topics)).toBe(before)
  await assertNothingBetween(world)
  await expect(failovers.cancel(id)).rejects.toMatchObject({ code: 'FAILOVER_ENDED' })
})

test('once it is through it cannot be cancelled', async () => {
  const world = await startWorld()
  const id = await givingUp.begin(world)
  await ended(world, id)
  await expect(failoversOf(world).cancel(id)).rejects.toMatchObject({ code: 'FAILOVER_ENDED' })
})

test('a standby with too few partitions is not gone on at', async () => {
  const world = await startWorld()
  const route = await standBy(
    world,
    await world.createTopic({ name: 'orders', partitions: 2 }),
    'strict',
    'b',
  )
  world.cluster('b').topic('orders.standby').partitions.pop()
  world.cluster('a').away = true
  await expect(failoversOf(world).start('a', { force: false }, by, async () => {})).rejects.toMatchObject({
    code: 'STANDBY_DOWN',
    message: expect.stringContaining('has 1 of 2 partitions'),
  })
  expect(world.plane.board.table.topic(tenant, 'orders')!.equals(route)).toBe(true)
})

test('a standby that is dropped too late is not: the topic is there by now', async () => {
  const world = await startWorld()
  const route = await standBy(
    world,
    await world.createTopic({ name: 'orders', partitions: 1 }),
    'strict',
    'b',
  )
  const id = await giveUp(world, 'a')
  await ended(world, id)
  // What the reconciler had decided before.
  await dropStandby(world.plane, route.id, { cluster: 'b', topic: 'orders.standby' })
  expect(world.cluster('b').topics.has('orders.standby')).toBe(true)
  expect(await world.plane.store.leftovers()).toEqual([])
})

test('a standby whose cluster is given up at the same time is not gone on at', async () => {
  const world = await startWorld()
  const { store, board } = world.plane
  await standBy(world, await world.createTopic({ name: 'orders', partitions: 1 }), 'strict', 'b')
  await standBy(world, await world.createTopic({ name: 'users', partitions: 1 }), 'strict', 'c')
  world.hook = async (step, phase, _id, kind) => {
    if (kind !== 'failover' || step !== 'SWITCH' || phase !== 'before') return
    const b = (await world.outside(() => store.cluster('b')))!
    if (b.fenced) return
    const fenced = { ...b, fenced: true }
    await world.outside(() =>
      board.change({ clusters: [clusterRoute(fenced)] }, () => store.updateCluster(fenced)),
    )
  }
  const id = await giveUp(world, 'a')
  await ended(world, id)
  expect((await store.failovers.topics(id)).map(({ topic, to }) => [topic, to?.cluster ?? null])).toEqual([
    ['orders', null],
    ['users', 'c'],
  ])
})
