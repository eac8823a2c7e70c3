// A cluster is given up while topics move to it and away from it, processes die, steps fail and people change their
// minds, at random points: what is left in the end is done or undone, and nothing waits for the cluster.
import { encodeBatch } from '@braid/kafka-protocol'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { StepFailure } from '../sagas/saga.ts'
import { standBy, standByAtHome } from '../testing/failover-scenarios.ts'
import { assertNothingBetween } from '../testing/nothing-between.ts'
import { SagaWorld } from '../testing/saga-world.ts'
import { Failovers } from './failovers.ts'

const tenant = 'default'
const runs = 60
const endMaxMs = 15_000
const names = ['topic-0', 'topic-1', 'topic-2', 'topic-3']

/** Something that happens when the sagas have come by so many points, counted over all of them. */
const event = fc.record({
  afterPoints: fc.nat({ max: 12 }),
  what: fc.constantFrom('crash', 'error', 'lose', 'give up', 'cancel', 'move'),
  topic: fc.nat({ max: names.length - 1 }),
  to: fc.constantFrom('a', 'b', 'c'),
})
type Event = typeof event extends fc.Arbitrary<infer T> ? T : never

const started = fc.array(fc.record({ topic: fc.nat({ max: 3 }), to: fc.constantFrom('b', 'c') }), {
  minLength: 1,
  maxLength: 3,
})

test('random faults in sequence', { timeout: 300_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(
      started,
      fc.array(event, { maxLength: 5 }),
      fc.constantFrom<'strict' | 'available'>('strict', 'available'),
      async (moves, events, policy) => {
        const world = await SagaWorld.start()
        try {
          await run(world, moves, events, policy)
        } finally {
          await world.close()
        }
      },
    ),
    { numRuns: runs },
  )
})

async function run(
  world: SagaWorld,
  moves: readonly { topic: number; to: string }[],
  events: readonly Event[],
  policy: 'strict' | 'available',
): Promise<void> {
  for (const [i, name] of names.entries()) {
    const route = await world.createTopic({ name, partitions: 2 })
    world.cluster('a').write(route.homeTopic, 1, encodeBatch({ records: [{ value: Buffer.from(name) }] }))
    await standBy(world, route, policy, i % 2 === 0 ? 'b' : 'c')
  }
  await standByAtHome(world, names.slice(0, 2))
  const giveUp = async () => {
    world.cluster('a').away = true
    const failovers = new Failovers(world.plane, world.migrations.sagas)
    await failovers.start('a', { force: true }, 'user:test', async () => {})
  }
  const queue = [...events]
  let points = 0
  let crashed = false
  world.hook = () => {
    if (crashed) throw new Error('the process is dying')
    const [next] = queue
    if (next === undefined || ++points < next.afterPoints) return
    queue.shift()
    points = 0
    if (next.what === 'crash') {
      crashed = true
      throw new Error('the process dies')
    }
    if (next.what === 'error') throw new StepFailure('it fails')
    if (next.what === 'lose') world.cluster('a').away = true
    else world.outside(() => void steer(world, next, giveUp).catch(() => {}))
  }
  for (const { topic, to } of moves) {
    await world.migrations.start({ tenant, topics: [names[topic]!], to }).catch(() => {})
  }
  const deadline = Date.now() + endMaxMs
  let asked = false
  for (;;) {
    if (crashed) {
      await world.restart()
      crashed = false
    }
    const lasting = (await world.plane.store.sagas.unfinished()).filter(({ kind }) => kind !== 'retirement')
    if (lasting.length === 0 && asked) break
    if (!asked && (queue.length === 0 || lasting.length === 0)) {
      asked = true
      world.hook = () => {
        if (crashed) throw new Error('the process is dying')
      }
      await giveUp().catch(() => {})
    }
    if (Date.now() > deadline) {
      throw new Error(
        `they do not end: ${lasting.map(({ kind, state, step }) => `${kind} ${state} ${step}`).join(', ')}`,
      )
    }
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
  world.hook = () => {}
  // Nothing has waited for it; what is left over there is deleted when it answers again.
  world.cluster('a').away = false
  await assertNothingBetween(world)
  // Whatever was on it goes on elsewhere, or was elsewhere already; offsets never go back.
  const { board, store } = world.plane
  const givenUp = (await store.cluster('a'))?.state === 'unavailable'
  for (const name of names) {
    const route = board.table.topic(tenant, name)!
    if (givenUp && (await store.failovers.list(10)).some(({ state }) => state === 'done'))
      expect([name, route.cluster(route.active)]).not.toEqual([name, 'a'])
    for (let i = 1; i < route.depth; i++)
      expect(route.base(i, 1)).toBeGreaterThanOrEqual(route.base(i - 1, 1))
  }
}

async function steer(
  world: SagaWorld,
  { what, topic, to }: Event,
  giveUp: () => Promise<void>,
): Promise<void> {
  if (what === 'give up') return giveUp()
  if (what === 'move') {
    await world.migrations.start({ tenant, topics: [names[topic]!], to })
    return
  }
  const [underway] = await world.plane.store.failovers.underway()
  if (underway !== undefined) await new Failovers(world.plane, world.migrations.sagas).cancel(underway.id)
}
