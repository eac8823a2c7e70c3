// Groups of topics that move while processes die, steps fail, clusters do not answer and people change their minds,
// one after the other and at random points: what is left in the end is done or undone.
import { ConnectionError } from '@braid/kafka-connection'
import { encodeBatch } from '@braid/kafka-protocol'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { FakeCluster } from '../testing/fake-cluster.ts'
import { assertNothingBetween } from '../testing/nothing-between.ts'
import { SagaWorld } from '../testing/saga-world.ts'
import { StepFailure } from './saga.ts'

const tenant = 'default'
const runs = 150
const endMaxMs = 8_000

/** Something that happens when the sagas have come by so many points, counted over all of them. */
const event = fc.record({
  afterPoints: fc.nat({ max: 25 }),
  what: fc.constantFrom('crash', 'error', 'cancel', 'pause', 'go on', 'away', 'back', 'lost answer'),
  topic: fc.nat({ max: 4 }),
})
type Event = typeof event extends fc.Arbitrary<infer T> ? T : never

const groups = fc.constantFrom<readonly (readonly number[])[]>(
  [[0]],
  [[0, 1]],
  [[0, 1, 2, 3, 4]],
  [[0], [1, 2]],
  [
    [4, 1],
    [0, 3, 2],
  ],
)

test('random faults in sequence', { timeout: 120_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(groups, fc.array(event, { maxLength: 6 }), async (moves, events) => {
      const world = await SagaWorld.start()
      try {
        await run(world, moves, events)
      } finally {
        await world.close()
      }
    }),
    { numRuns: runs },
  )
})

async function run(
  world: SagaWorld,
  moves: readonly (readonly number[])[],
  events: readonly Event[],
): Promise<void> {
  const names = Array.from({ length: 5 }, (_, i) => `topic-${i}`)
  for (const name of names) {
    const { homeTopic } = await world.createTopic({ name, partitions: 2 })
    world.cluster('a').write(homeTopic, 1, encodeBatch({ records: [{ value: Buffer.from(name) }] }))
  }
  const loseAnswers = Object.values(world.clusters).map(losesAnswers)
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
    if (next.what === 'lost answer') for (const lose of loseAnswers) lose()
    if (next.what === 'away' || next.what === 'back') world.cluster('b').away = next.what === 'away'
    else world.outside(() => void steer(world, names[next.topic]!, next.what).catch(() => {}))
  }

  const started = []
  for (const group of moves) {
    const topics = group.map((i) => names[i]!)
    started.push(...(await world.migrations.start({ tenant, topics, to: 'b' })))
  }
  const deadline = Date.now() + endMaxMs
  for (;;) {
    if (crashed) {
      await world.restart()
      crashed = false
    }
    const rows = await Promise.all(started.map(({ id }) => world.migrations.get(id)))
    const underway = rows.filter(({ state }) => state === 'running' || state === 'undoing')
    if (underway.length === 0) break
    // Whoever paused it goes home at last, and the cluster comes back.
    const waits = underway.every(({ pauseRequested }) => pauseRequested)
    if (waits || queue.length === 0) {
      world.cluster('b').away = false
      for (const { id } of underway) await world.migrations.goOn(id).catch(() => {})
    }
    if (Date.now() > deadline) {
      throw new Error(`they do not end: ${underway.map(({ state, step }) => `${state} ${step}`).join(', ')}`)
    }
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
  world.hook = () => {}
  world.cluster('b').away = false
  await assertNothingBetween(world)
  for (const { topic, state, to } of await Promise.all(started.map(({ id }) => world.migrations.get(id)))) {
    const route = world.topics.get('default', topic)
    expect(route.cluster(route.active)).toBe(state === 'switched' || state === 'done' ? to.cluster : 'a')
  }
}

async function steer(world: SagaWorld, topic: string, what: Event['what']): Promise<void> {
  const { id } = world.topics.get('default', topic)
  const row = await world.plane.store.migrations.underway(id)
  if (row === undefined) return
  if (what === 'cancel') await world.migrations.cancel(row.id)
  if (what === 'pause') await world.migrations.pause(row.id)
  if (what === 'go on') await world.migrations.goOn(row.id)
}

/** What changes something is done, and its answer does not come: once, whenever the function is called. */
function losesAnswers(cluster: FakeCluster): () => void {
  let lost = 0
  const spoilt = <A extends unknown[], R>(call: (...asked: A) => Promise<R>) => {
    return async (...asked: A): Promise<R> => {
      const answer = await call(...asked)
      if (lost === 0) return answer
      lost--
      throw new ConnectionError('TIMED_OUT', `${cluster.name}: the answer was lost`, {
        cluster: cluster.name,
      })
    }
  }
  cluster.createTopic = spoilt(cluster.createTopic.bind(cluster))
  cluster.deleteTopic = spoilt(cluster.deleteTopic.bind(cluster))
  cluster.seal = spoilt(cluster.seal.bind(cluster))
  cluster.unseal = spoilt(cluster.unseal.bind(cluster))
  return () => {
    lost = 1
  }
}
