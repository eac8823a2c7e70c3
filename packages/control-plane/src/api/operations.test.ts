import { expect, onTestFinished, test } from 'vitest'
import { Operations } from '../operations/operations.ts'
import { SagaWorld } from '../testing/saga-world.ts'
import { operationEndpoints } from './operations.ts'
import type { Call } from './serve.ts'

test('what is asked of an operation is done only together with its record', async () => {
  const world = await SagaWorld.start()
  onTestFinished(() => world.close())
  const { plane, migrations } = world
  const operations = new Operations(plane, migrations.sagas)
  world.hook = (step) => (step === 'PLAN' ? new Promise(() => {}) : undefined)
  const { operation } = await operations.drain('a', { concurrency: 1 }, 'user:ann')
  const asked = {
    params: { id: operation.id },
    record: async () => Promise.reject(new Error('the disk is full')),
  }
  const endpoints = operationEndpoints({ plane, operations })
  const call = asked as unknown as Call<'operations.pause'>
  await expect(endpoints['operations.pause'](call)).rejects.toThrow('the disk is full')
  expect((await operations.get(operation.id)).state).toBe('running')
  expect((await migrations.sagas.get((await operations.get(operation.id)).saga))?.pauseRequested).toBe(false)
})
