// Every saga of the registry, failed everywhere: done or undone, never between. A kind that is added needs a scenario,
// or the first test fails.
import { describe, expect, onTestFinished, test } from 'vitest'
import { assertNothingBetween, foundBetween } from '../testing/nothing-between.ts'
import { faultsOf, nameOf, outcomeOf, runWithFault } from '../testing/saga-faults.ts'
import { moving, sagaScenarios } from '../testing/saga-scenarios.ts'
import { SagaWorld } from '../testing/saga-world.ts'
import { sagaKinds } from './saga-kinds.ts'

async function startWorld(): Promise<SagaWorld> {
  const world = await SagaWorld.start()
  onTestFinished(() => world.close())
  return world
}

test('there is a scenario for every kind of saga', () => {
  expect(Object.keys(sagaScenarios).sort()).toEqual(sagaKinds.map((kind) => kind.name).sort())
})

for (const kind of sagaKinds) {
  for (const [title, scenario] of Object.entries(sagaScenarios[kind.name] ?? {})) {
    describe(`${kind.name}, ${title}`, () => {
      for (const fault of faultsOf(kind)) {
        const outcome = outcomeOf(kind, fault)
        test(`${nameOf(fault)}: ${outcome}`, async () => {
          const world = await startWorld()
          expect(await runWithFault(world, kind, fault, scenario)).toBe(outcome)
          await assertNothingBetween(world)
          const { migrations, failovers } = world.plane.store
          for (const { kind: of, state } of await failovers.list(100))
            if (of === kind.name) expect(state).toBe(outcome === 'done' ? 'done' : 'failed')
          if ((await failovers.list(1)).length > 0) return
          const states = outcome === 'done' ? ['switched', 'done'] : ['failed']
          // What an operation has moved stays moved, whatever becomes of the operation.
          for (const { state, operation } of await migrations.list(100))
            if (operation === null) expect(states).toContain(state)
        })
      }
    })
  }
}

describe('what stands between is found', () => {
  const moved = async () => {
    const world = await startWorld()
    const group = await moving(['orders', 'payments']).begin(world)
    await expect.poll(async () => (await world.plane.store.sagas.get(group))?.state).toBe('done')
    await assertNothingBetween(world)
    const [orders] = await world.plane.store.migrations.inGroup(group)
    return { world, orders: orders! }
  }

  test('a seal that was taken off, one that was left', async () => {
    const { world, orders } = await moved()
    await world.cluster('a').unseal([{ topic: orders.from.topic, override: null }])
    await world.cluster('b').seal([orders.to.topic])
    expect(await foundBetween(world)).toEqual([
      `${orders.from.topic}, sealed in the route of orders, is not`,
      `${orders.to.topic}, active in the route of orders, is not`,
    ])
  })

  test('a topic that nobody names, and one that is gone', async () => {
    const { world, orders } = await moved()
    await world.cluster('c').createTopic({ topic: 'nobodys', partitions: 1 })
    await world.cluster('b').deleteTopic(orders.to.topic)
    expect(await foundBetween(world)).toEqual([
      `${orders.to.topic}, in the route of orders, is gone`,
      'nobodys is on c, and no route names it',
    ])
  })

  test('records of one group that say different things', async () => {
    const { world, orders } = await moved()
    await world.plane.store.migrations.setState(orders.id, 'failed')
    expect(await foundBetween(world)).toEqual([
      expect.stringMatching(/^group \w+ is (switched and failed|failed and switched)$/),
      expect.stringMatching(/is failed without a reason/),
      expect.stringMatching(/though topic orders was not moved/),
    ])
  })
})
