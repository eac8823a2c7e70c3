import { expect, onTestFinished, test } from 'vitest'
import { SagaWorld } from '../testing/saga-world.ts'
import { whileHeld } from './hold.ts'

test('a topic is let go of also when the store fails for a moment', async () => {
  const world = await SagaWorld.start()
  onTestFinished(() => world.close())
  const route = await world.createTopic({ name: 'orders', partitions: 1 })
  const { reconcile } = world.plane.store
  const { removeHold } = reconcile
  let failures = 2
  reconcile.removeHold = async (id) => {
    if (failures-- > 0) throw new Error('the disk is full')
    return removeHold.call(reconcile, id)
  }
  const held = await whileHeld(world.plane, route, 'a test', async () => reconcile.hold(route.id))
  expect(held?.value).toMatchObject({ why: 'a test' })
  expect(await reconcile.hold(route.id)).toBeUndefined()
})
