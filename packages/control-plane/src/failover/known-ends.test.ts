import { expect, onTestFinished, test } from 'vitest'
import { standBy } from '../testing/failover-scenarios.ts'
import { SagaWorld } from '../testing/saga-world.ts'

async function startWorld() {
  const world = await SagaWorld.start()
  onTestFinished(() => world.close())
  const route = await standBy(
    world,
    await world.createTopic({ name: 'orders', partitions: 2 }),
    'strict',
    'b',
  )
  await world.createTopic({ name: 'plain', partitions: 1 })
  const log = world.cluster('a').topic(route.homeTopic).partitions
  return { world, route, log, ends: world.plane.knownEnds }
}

test('the ends of topics that fail over are known, as clients count, and how quickly they grow', async () => {
  const { world, route, log, ends } = await startWorld()
  expect(ends.get(route.id)).toBeUndefined()
  log[0]!.end = 100n
  await ends.look()
  expect(ends.get(route.id)).toMatchObject({ ends: [100n, 0n], peakRecordsPerSecond: null })
  await new Promise((resolve) => setTimeout(resolve, 120))
  log[0]!.end = 1_100n
  log[1]!.end = 10n
  await ends.look()
  const { peakRecordsPerSecond: peak, ageMs } = ends.get(route.id)!
  expect(peak).toBeGreaterThan(100)
  // A timer may be early by a millisecond.
  expect(peak).toBeLessThanOrEqual(1_000 / 0.118)
  expect(ageMs).toBeLessThan(10_000)
  // One that has moved goes on counting where it was.
  await world.cluster('c').createTopic({ topic: 'orders.c', partitions: 2 })
  const moved = route.sealedAndAppended([1_100n, 10n], { cluster: 'c', topic: 'orders.c' })
  await world.plane.board.change({ topics: [moved.toJSON()] }, () => world.plane.store.appendLoglet(moved))
  world.cluster('c').topic('orders.c').partitions[1]!.end = 5n
  await ends.look()
  expect(ends.get(route.id)).toMatchObject({ ends: [1_100n, 15n], peakRecordsPerSecond: peak })
})

test('what a cluster does not tell any more stays as it was told, and ages', async () => {
  const { world, route, log, ends } = await startWorld()
  log[0]!.end = 100n
  await ends.look()
  world.cluster('a').away = true
  log[0]!.end = 200n
  await new Promise((resolve) => setTimeout(resolve, 50))
  await ends.look()
  expect(ends.get(route.id)).toMatchObject({ ends: [100n, 0n] })
  expect(ends.get(route.id)!.ageMs).toBeGreaterThanOrEqual(45)
})

test('of a topic that is gone, or fails over no more, nothing is kept', async () => {
  const { world, route, ends } = await startWorld()
  await ends.look()
  const next = route.withFailover('none')
  await world.plane.board.change({ topics: [next.toJSON()] }, () => world.plane.store.setFailover(next))
  await ends.look()
  expect(ends.get(route.id)).toBeUndefined()
})
