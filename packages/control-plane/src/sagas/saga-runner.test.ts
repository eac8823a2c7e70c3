import { defaultTenant as tenant } from '@braid/control-api'
import { expect, onTestFinished, test } from 'vitest'
import { SagaWorld } from '../testing/saga-world.ts'

test('a saga whose journal could not be read goes on all the same', async () => {
  const world = await SagaWorld.start()
  onTestFinished(() => world.close())
  await world.createTopic({ name: 'orders', partitions: 1 })
  const { sagas } = world.plane.store
  const { attempts } = sagas
  let failures = 2
  sagas.attempts = (id) => {
    if (failures-- > 0) throw new Error('the disk is full')
    return attempts.call(sagas, id)
  }
  const [row] = await world.migrations.start({ tenant, topics: ['orders'], to: 'b' })
  await expect.poll(async () => (await world.migrations.get(row!.id)).state).toBe('done')
})
