// For tests: a cluster that returns, with a topic whose readers waited, one whose readers went on, and one that had been
// moved away before it was lost. Of each a producer has written again what was not answered.
import { Returns } from '../failover/returns.ts'
import { retirementOf } from '../store/migration-queries.ts'
import { valuesOf } from './chain-contents.ts'
import { giveUp, withPolicy } from './given-up.ts'
import { IdempotentProducer } from './idempotent-producer.ts'
import type { SagaScenario } from './saga-faults.ts'
import type { SagaWorld } from './saga-world.ts'

const tenant = 'default'
const checkMaxMs = 2_000

export const returning: SagaScenario = {
  async begin(world) {
    const unanswered = new Map<string, Buffer>()
    for (const [name, policy] of [
      ['orders', 'strict'],
      ['payments', 'available'],
      ['refunds', 'strict'],
    ] as const) {
      const { name: topic } = await world.createTopic({ name, partitions: 1, cluster: 'b' })
      await withPolicy(world, topic, policy)
      const producer = new IdempotentProducer(BigInt(name.length))
      const physical = active(world, topic)
      for (const value of ['0', '1', '2']) producer.send(world.cluster('b'), physical, value)
      unanswered.set(topic, producer.send(world.cluster('b'), physical, '3'))
    }
    const [moved] = await world.migrations.start({ tenant, topics: ['refunds'], to: 'c' })
    while ((await world.migrations.get(moved!.id)).state !== 'switched')
      await new Promise((resolve) => setTimeout(resolve, 1))
    await giveUp(world, 'b', [
      { name: 'orders', to: 'c', knownEnds: [2n] },
      { name: 'payments', to: 'c', knownEnds: [2n], positions: [1n] },
    ])
    for (const [topic, batch] of unanswered) world.cluster('c').write(active(world, topic), 0, batch)
    world.cluster('b').away = false
    const returns = new Returns(world.plane, world.migrations.sagas)
    return (await returns.start('b', { moveBack: false }, 'somebody')).row.id
  },

  async check(world) {
    const expected = 'orders 0123, payments 0312, refunds 0123'
    const deadline = Date.now() + checkMaxMs
    for (;;) {
      const read = ['orders', 'payments', 'refunds'].map(
        (name) => `${name} ${valuesOf(world, name).join('')}`,
      )
      if (read.join(', ') === expected) return
      if (Date.now() > deadline) throw new Error(`readers find ${read.join(', ')}, not ${expected}`)
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
  },
}

function active(world: SagaWorld, topic: string): string {
  const route = world.plane.board.table.topic(tenant, topic)!
  return route.physicalTopic(route.active)
}

/** What becomes of one that has returned and whose tail is copied on: retention empties it once that is done. */
export const retiringReturned: SagaScenario = {
  async begin(world) {
    const id = await returning.begin(world)
    const { failovers, migrations } = world.plane.store
    while ((await failovers.get(id))?.state !== 'done') await new Promise((resolve) => setTimeout(resolve, 1))
    const row = (await migrations.inGroup(id)).find(({ topic }) => topic === 'payments')
    return retirementOf(row!.id)
  },
  push(world) {
    const route = world.plane.board.table.topic(tenant, 'payments')!
    if (route.depth > 1 && valuesOf(world, 'payments').length === 4)
      world.cluster('b').expire(route.physicalTopic(0))
  },
  async check(world) {
    const copies = valuesOf(world, 'payments').join('')
    if (copies !== '312') throw new Error(`readers find ${copies}, not 312`)
  },
}
