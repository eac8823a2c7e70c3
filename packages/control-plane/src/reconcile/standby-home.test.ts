import { ConnectionError } from '@braid/kafka-connection'
import { expect, onTestFinished, test } from 'vitest'
import { tenantRoute, withoutMirror } from '../tenants/standby-home.ts'
import { SagaWorld } from '../testing/saga-world.ts'
import { Reconciler } from './reconciler.ts'

/** Mirrored commits, and what becomes of topics whose cluster is lost, over clusters in memory. */

const tenant = 'default'

async function started() {
  const world = await SagaWorld.start()
  const reconciler = new Reconciler(world.plane)
  onTestFinished(async () => {
    await reconciler.close()
    await world.close()
  })
  const routeOf = (name: string) => world.plane.board.table.topic(tenant, name)!
  /** As it is asked for through the API. */
  const standbyHome = async (name: string | null) => {
    const { store, board } = world.plane
    const spec = { ...(await store.tenantSpecs.get(tenant))!, standbyHome: name }
    const routed = tenantRoute(spec)
    const routes = withoutMirror(board.table, routed)
    await board.change({ tenants: [routed], topics: routes.map((route) => route.toJSON()) }, async () => {
      await store.tenantSpecs.put(spec)
      for (const route of routes) await store.setHomeTopics(route)
    })
  }
  const driftOf = async (name: string) => (await world.plane.store.topicSpecs.get(routeOf(name).id))?.drift
  const commit = (partition: number, offset: bigint, topic = routeOf('orders').homeTopic) =>
    world.cluster('a').commit({ groupId: 'readers', offsets: [{ topic, partition, offset, metadata: 'm' }] })
  return { world, reconciler, routeOf, standbyHome, driftOf, commit, b: world.cluster('b') }
}

test('each topic of a tenant has a sealed one on its standby home, filled with what groups had committed, once', async () => {
  const { world, reconciler, routeOf, standbyHome, driftOf, commit, b } = await started()
  await world.createTopic({ name: 'orders', partitions: 2 })
  await world.createTopic({ name: 'payments', partitions: 1, cluster: 'c' })
  await commit(0, 5n)
  await commit(1, 7n)
  await standbyHome('b')
  expect(world.plane.board.table.tenants.get(tenant)).toEqual({ name: tenant, home: 'a', standbyHome: 'b' })
  await reconciler.all()
  const mirror = routeOf('orders').standbyHomeTopic!
  expect(routeOf('payments').standbyHomeTopic).toBeDefined()
  expect(b.isSealed(mirror)).toBe(true)
  expect(b.topic(mirror).partitions).toHaveLength(2)
  expect(b.groups.get('readers')).toEqual([
    { topic: mirror, partition: 0, offset: 5n, metadata: 'm' },
    { topic: mirror, partition: 1, offset: 7n, metadata: 'm' },
  ])
  expect(await driftOf('orders')).toEqual([])
  expect(await world.plane.store.leftovers()).toEqual([])
  // From then on access points mirror them.
  await commit(0, 6n)
  await reconciler.all()
  expect(b.groups.get('readers')).toHaveLength(2)
})

test('what is further on the standby home than at home is left alone', async () => {
  const { world, reconciler, standbyHome, commit, b } = await started()
  await world.createTopic({ name: 'orders', partitions: 1 })
  await commit(0, 8n)
  const create = b.createTopic.bind(b)
  b.createTopic = async (wanted) => {
    const made = await create(wanted)
    // An access point is quicker than we are.
    const offsets = [{ topic: wanted.topic, partition: 0, offset: 9n, metadata: null }]
    await b.commit({ groupId: 'readers', offsets })
    return made
  }
  await standbyHome('b')
  await reconciler.all()
  expect(b.groups.get('readers')?.map(({ offset }) => offset)).toEqual([9n])
})

test('what could not be copied is copied later', async () => {
  const { world, reconciler, routeOf, standbyHome, driftOf, commit, b } = await started()
  await world.createTopic({ name: 'orders', partitions: 1 })
  await commit(0, 8n)
  const write = b.commit.bind(b)
  b.commit = async () => {
    throw new Error('the coordinator is loading')
  }
  await standbyHome('b')
  await reconciler.all()
  expect(await driftOf('orders')).toEqual([
    'what groups had committed before is not on b yet',
    'it was not mended: the coordinator is loading',
  ])
  // Access points mirror from the beginning: else what is committed meanwhile would be nowhere.
  expect(routeOf('orders').standbyHomeTopic).toBeDefined()
  b.commit = write
  await reconciler.all()
  expect(await driftOf('orders')).toEqual([])
  expect(b.groups.get('readers')?.map(({ offset }) => offset)).toEqual([8n])
})

test('a group that has members there is refused, and keeps no other from being copied', async () => {
  const { world, reconciler, routeOf, standbyHome, driftOf, commit, b } = await started()
  await world.createTopic({ name: 'orders', partitions: 1 })
  const { homeTopic: topic } = routeOf('orders')
  for (const groupId of ['alone', 'readers', 'writers'])
    await world
      .cluster('a')
      .commit({ groupId, offsets: [{ topic, partition: 0, offset: 3n, metadata: null }] })
  await commit(0, 8n)
  const write = b.commit.bind(b)
  b.commit = async (commits) => {
    if (commits.groupId === 'readers')
      throw new ConnectionError('BROKER_ERROR', 'b: UNKNOWN_MEMBER_ID', { cluster: 'b' })
    return write(commits)
  }
  await standbyHome('b')
  await reconciler.all()
  expect(await driftOf('orders')).toEqual([
    'what groups had committed before is not on b yet',
    'it was not mended: b refused the commits of 1 group (readers), as it does while they have members there: b: UNKNOWN_MEMBER_ID',
  ])
  expect([...b.groups.keys()].sort()).toEqual(['alone', 'writers'])
  b.commit = write
  await reconciler.all()
  expect(await driftOf('orders')).toEqual([])
  expect(b.groups.get('readers')?.at(-1)?.offset).toBe(8n)
})

test('another standby home gets topics of its own, and those on the old one are gone', async () => {
  const { world, reconciler, routeOf, standbyHome, b } = await started()
  await world.createTopic({ name: 'orders', partitions: 1 })
  await standbyHome('b')
  await reconciler.all()
  const first = routeOf('orders').standbyHomeTopic!
  await standbyHome('c')
  // Its name says nothing on another cluster.
  expect(routeOf('orders').standbyHomeTopic).toBeUndefined()
  await reconciler.all()
  await reconciler.all()
  expect(world.cluster('c').topics.has(routeOf('orders').standbyHomeTopic!)).toBe(true)
  await expect.poll(() => b.topics.has(first)).toBe(false)
  await standbyHome(null)
  await reconciler.all()
  expect(routeOf('orders').standbyHomeTopic).toBeUndefined()
  await expect.poll(() => world.cluster('c').topics.size).toBe(0)
})

test('more partitions are there, too; what somebody deletes is made and filled again; a deleted topic leaves nothing', async () => {
  const { world, reconciler, routeOf, standbyHome, commit, b } = await started()
  const { id, homeTopic } = await world.createTopic({ name: 'orders', partitions: 1 })
  await standbyHome('b')
  await reconciler.all()
  const mirror = routeOf('orders').standbyHomeTopic!
  const { topicSpecs } = world.plane.store
  await topicSpecs.setWishes(id, { ...(await topicSpecs.get(id))!, partitions: 3 })
  await reconciler.all()
  await reconciler.all()
  expect(b.topic(mirror).partitions).toHaveLength(3)
  await commit(2, 4n, homeTopic)
  b.topics.delete(mirror)
  await reconciler.all()
  expect(b.groups.get('readers')).toMatchObject([{ topic: mirror, partition: 2, offset: 4n }])
  await world.topics.delete(tenant, 'orders')
  await reconciler.all()
  await expect.poll(() => b.topics.size).toBe(0)
})

test('what becomes of a topic whose cluster is lost is in its route from the beginning, and follows its class', async () => {
  const { world, reconciler, routeOf } = await started()
  const { slas, topicSpecs } = world.plane.store
  const gold = (failover: 'strict' | 'available') => ({
    name: 'gold',
    availability: { failover },
    durability: { replicationFactor: 1, minInSyncReplicas: 1, dual: false },
    latency: { dedicated: false, labels: {} },
    retentionMaxMs: null,
  })
  await slas.put(gold('strict'))
  const { id } = await world.createTopic({ name: 'orders', partitions: 1, sla: 'gold' })
  expect(routeOf('orders').failover).toBe('strict')
  await slas.put(gold('available'))
  await reconciler.all()
  expect(routeOf('orders').failover).toBe('available')
  await topicSpecs.setWishes(id, { ...(await topicSpecs.get(id))!, sla: null })
  await reconciler.all()
  expect(routeOf('orders').failover).toBe('none')
  expect((await world.plane.store.topicRoutes())[0]?.failover).toBeUndefined()
})

test('a cluster that was given up is not asked, whether it answers or not', async () => {
  const { world, reconciler, driftOf, b } = await started()
  await world.createTopic({ name: 'orders', partitions: 1, cluster: 'b' })
  const { store, board } = world.plane
  const row = (await store.cluster('b'))!
  const fenced = { ...row, fenced: true }
  await board.change({ clusters: [{ ...board.table.clusters.get('b')!, fenced: true }] }, () =>
    store.updateCluster(fenced),
  )
  b.calls.length = 0
  await reconciler.all()
  expect(b.calls).toEqual([])
  expect(await driftOf('orders')).toEqual([
    'b cannot be asked, so what is there is not known: it was given up and has not been taken back',
  ])
})
