// For tests: a run of every kind of saga. A kind that is added to the registry is added here.
import { encodeBatch } from '@braid/kafka-protocol'
import { retirementSaga } from '../sagas/drain.ts'
import { groupSaga } from '../sagas/migration.ts'
import { retirementOf } from '../store/migration-queries.ts'
import { givingUp } from './failover-scenarios.ts'
import { applying, draining, finishing, rebalancing } from './operation-scenarios.ts'
import { retiringReturned, returning } from './return-scenario.ts'
import type { SagaScenario } from './saga-faults.ts'
import type { SagaWorld } from './saga-world.ts'

const tenant = 'default'
const names = ['orders', 'payments', 'refunds', 'stock', 'users']

async function makeTopics(world: SagaWorld, topics: readonly string[]): Promise<void> {
  for (const [i, name] of topics.entries()) {
    const { homeTopic } = await world.createTopic({
      name,
      partitions: 1 + (i % 3),
      ...(i % 2 === 1 && { configs: { 'max.message.bytes': '5000' } }),
    })
    world.cluster('a').write(homeTopic, 0, encodeBatch({ records: [{ value: Buffer.from(name) }] }))
  }
}

export function moving(topics: readonly string[]): SagaScenario {
  return {
    async begin(world) {
      await makeTopics(world, topics)
      const [first] = await world.migrations.start({ tenant, topics, to: 'b' })
      return first!.group
    },
  }
}

const retiring: SagaScenario = {
  async begin(world) {
    await makeTopics(world, ['orders'])
    const [row] = await world.migrations.start({ tenant, topics: ['orders'], to: 'b' })
    while ((await world.migrations.get(row!.id)).state !== 'switched')
      await new Promise((resolve) => setTimeout(resolve, 1))
    return retirementOf(row!.id)
  },
  push(world) {
    for (const topic of world.cluster('a').topics.keys()) world.cluster('a').expire(topic)
  },
}

/** By kind, by what it is a run of. */
export const sagaScenarios: Readonly<Record<string, Readonly<Record<string, SagaScenario>>>> = {
  [groupSaga.name]: Object.fromEntries(
    [1, 2, 5].map((count) => [`${count} topics`, moving(names.slice(0, count))]),
  ),
  [retirementSaga.name]: { 'of one topic': retiring, 'of a loglet that has returned': retiringReturned },
  drain: { 'of four topics': draining },
  rebalance: { 'of four topics': rebalancing },
  apply: { 'of a file that makes, moves and deletes': applying },
  failover: { 'of a home with topics of every class': givingUp },
  return: { 'of three topics': returning },
  'apply-rest': { 'of a file in force': finishing },
}
