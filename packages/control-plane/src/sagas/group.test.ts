// Topics that move together, on clusters in memory. On real ones: testbed/scenarios/moves-together.test.ts.
import { encodeBatch } from '@braid/kafka-protocol'
import { describe, expect, onTestFinished, test } from 'vitest'
import { retirementOf } from '../store/migration-queries.ts'
import type { MigrationRow } from '../store/rows.ts'
import { assertNothingBetween } from '../testing/nothing-between.ts'
import { SagaWorld, type SagaWorldOptions } from '../testing/saga-world.ts'

const tenant = 'default'
const topics = ['orders', 'payments', 'refunds']

async function startWorld(options: SagaWorldOptions = {}, names: readonly string[] = topics) {
  const world = await SagaWorld.start(options)
  onTestFinished(() => world.close())
  for (const name of names) {
    const { homeTopic } = await world.createTopic({ name, partitions: 2 })
    const record = { value: Buffer.from(name) }
    for (const partition of [0, 1])
      world.cluster('a').write(homeTopic, partition, encodeBatch({ records: [record] }))
  }
  return world
}

const states = async (world: SagaWorld, rows: readonly MigrationRow[]) =>
  Promise.all(rows.map(async ({ id }) => (await world.migrations.get(id)).state))
const become = (world: SagaWorld, rows: readonly MigrationRow[], state: string) =>
  expect.poll(() => states(world, rows)).toEqual(rows.map(() => state))
const errors = async (world: SagaWorld, rows: readonly MigrationRow[]) =>
  Promise.all(rows.map(async ({ id }) => (await world.migrations.get(id)).error))

test('one request seals them, one route version switches them', async () => {
  const world = await startWorld()
  const heard: number[] = []
  const version = () => world.plane.board.table.version
  world.hook = (step, phase) => void (step === 'SWITCH' && phase !== 'doing' && heard.push(version()))
  const rows = await world.migrations.start({ tenant, topics, to: 'b' })
  expect(rows.map(({ topic }) => topic)).toEqual(topics)
  expect(new Set(rows.map(({ group }) => group))).toEqual(new Set([rows[0]!.id]))
  await become(world, rows, 'switched')
  expect(world.cluster('a').calls.filter((call) => call === 'seal')).toHaveLength(1)
  expect(heard[1]).toBe(heard[0]! + 1)
  for (const { id } of rows) expect((await world.migrations.get(id)).routeVersion).toBe(heard[1])
  for (const name of topics) expect(world.topics.get('default', name).cluster(1)).toBe('b')
  await assertNothingBetween(world)
})

describe('all or nothing', () => {
  test('CHECK names what is wrong with every topic, and every record says whose fault it is', async () => {
    const world = await startWorld()
    const physical = (name: string) => world.topics.get('default', name).physicalTopic(0)
    const compact = { value: 'compact', source: 'topic' } as const
    world.cluster('a').topic(physical('payments')).configs.set('cleanup.policy', compact)
    await world.cluster('a').seal([physical('refunds')])
    const rows = await world.migrations.start({ tenant, topics, to: 'b' })
    await become(world, rows, 'failed')
    const [orders, payments, refunds] = await errors(world, rows)
    expect(orders?.code).toBe('MIGRATION_UNDONE')
    expect(orders?.detail).toMatch(
      /^topic orders was not moved to b and stays on a: it was undone together with payments, refunds, for which step CHECK failed: topic payments is compacted.*; the physical topic refunds\.\w+ on a refuses every record/,
    )
    expect(payments?.code).toBe('TOPIC_COMPACTED')
    expect(payments?.detail).toMatch(
      /^topic payments was not moved to b and stays on a, and so do the 2 topics that move with it, because step CHECK failed: topic payments is compacted/,
    )
    expect(refunds?.code).toBe('TOPIC_SEALED')
    expect(world.cluster('b').calls).not.toContain('createTopic')
  })

  test('there must be room for all of them, not only for each', async () => {
    const world = await startWorld()
    await world.plane.clusters.remove('c')
    await world.register({ name: 'c', bootstrap: 'c:9092', capacity: { partitions: 5 } })
    const rows = await world.migrations.start({ tenant, topics, to: 'c' })
    await become(world, rows, 'failed')
    const [first] = await errors(world, rows)
    expect(first).toEqual({
      code: 'NO_ROOM',
      detail: expect.stringMatching(
        /no room for the 6 partitions of topic orders and the 2 that move with it/,
      ),
    })
  })

  test('one that cannot be made there', async () => {
    const world = await startWorld()
    const createTopic = world.cluster('b').createTopic.bind(world.cluster('b'))
    world.cluster('b').createTopic = async (wanted) => {
      if (wanted.topic.startsWith('payments')) throw new Error('a policy forbids it')
      return createTopic(wanted)
    }
    const rows = await world.migrations.start({ tenant, topics, to: 'b' })
    await become(world, rows, 'failed')
    expect((await errors(world, rows)).map((error) => error?.code)).toEqual([
      'MIGRATION_UNDONE',
      'INTERNAL',
      'MIGRATION_UNDONE',
    ])
    expect(world.cluster('a').calls).not.toContain('seal')
    await assertNothingBetween(world)
  })

  test('one that cannot be sealed in time', async () => {
    const world = await startWorld({ timings: { sealMaxMs: 20 } })
    world.cluster('a').stubborn.add(world.topics.get('default', 'refunds').physicalTopic(0))
    const rows = await world.migrations.start({ tenant, topics, to: 'b' })
    await become(world, rows, 'failed')
    const [orders, , refunds] = await errors(world, rows)
    expect(orders?.detail).toMatch(
      /undone together with refunds, for which step SEAL failed: 2 of 2 partitions/,
    )
    expect(refunds?.code).toBe('SEAL_FAILED')
    await assertNothingBetween(world)
  })

  test('a source topic that somebody deletes meanwhile: the others take records again', async () => {
    const world = await startWorld()
    const gone = world.topics.get('default', 'payments').physicalTopic(0)
    world.hook = async (step, phase) => {
      if (step === 'SEAL' && phase === 'before') await world.cluster('a').deleteTopic(gone)
    }
    const rows = await world.migrations.start({ tenant, topics, to: 'b' })
    await become(world, rows, 'failed')
    for (const name of ['orders', 'refunds'])
      expect(world.cluster('a').isSealed(world.topics.get('default', name).physicalTopic(0))).toBe(false)
    expect(world.cluster('b').topics.size).toBe(0)
  })
})

describe('what cannot be', () => {
  test('two that have a topic in common', async () => {
    const world = await startWorld()
    world.hook = (step) => (step === 'PREPARE' ? new Promise(() => {}) : undefined)
    const rows = await world.migrations.start({ tenant, topics: ['orders', 'payments'], to: 'b' })
    await expect(
      world.migrations.start({ tenant, topics: ['refunds', 'payments'], to: 'c' }),
    ).rejects.toMatchObject({
      code: 'MIGRATION_IN_PROGRESS',
      message: expect.stringMatching(`topic payments is being moved to b.*wait for migration ${rows[1]!.id}`),
    })
    expect(await world.plane.store.migrations.list(10)).toHaveLength(2)
  })

  test('topics of two clusters, no topic, one twice, too many, one that is not there', async () => {
    const world = await startWorld()
    await world.createTopic({ name: 'elsewhere', partitions: 1, cluster: 'c' })
    const start = (names: readonly string[], to = 'b') =>
      world.migrations.start({ tenant, topics: names, to })
    await expect(start(['orders', 'elsewhere'])).rejects.toThrow(/orders and elsewhere are on a and c/)
    await expect(start([])).rejects.toThrow(/1 to 200/)
    await expect(start(['orders', 'orders'])).rejects.toThrow(/each once/)
    await expect(start(Array.from({ length: 201 }, (_, i) => `t${i}`))).rejects.toThrow(/1 to 200/)
    await expect(start(['orders', 'nothing'])).rejects.toMatchObject({ code: 'UNKNOWN_TOPIC' })
    await expect(start(['orders'], 'a')).rejects.toMatchObject({ code: 'ALREADY_THERE' })
    expect(await world.plane.store.sagas.unfinished()).toEqual([])
  })
})

test('who cancels one cancels its group', async () => {
  const world = await startWorld()
  world.hook = (step) => (step === 'SEAL' ? new Promise(() => {}) : undefined)
  const rows = await world.migrations.start({ tenant, topics, to: 'b' })
  await expect.poll(async () => (await world.migrations.get(rows[2]!.id)).step).toBe('SEAL')
  world.hook = () => {}
  await world.migrations.cancel(rows[2]!.id)
  await world.restart()
  await become(world, rows, 'cancelled')
  for (const error of await errors(world, rows))
    expect(error).toMatchObject({ code: 'MIGRATION_CANCELLED', detail: expect.stringMatching(/step SEAL/) })
  await assertNothingBetween(world)
  await expect(world.migrations.cancel(rows[0]!.id)).rejects.toMatchObject({ code: 'MIGRATION_ENDED' })
})

describe('pausing', () => {
  test('holds the group before its next step, over a restart, and is told by every record', async () => {
    const world = await startWorld()
    world.hook = async (step, phase, id) => {
      if (step === 'PREPARE' && phase === 'doing') await world.migrations.pause(id)
    }
    const rows = await world.migrations.start({ tenant, topics, to: 'b' })
    const paused = async () => {
      const now = await Promise.all(rows.map(({ id }) => world.migrations.get(id)))
      return now.map(({ step, state, pauseRequested }) => `${state} ${step} ${pauseRequested}`)
    }
    const held = topics.map(() => 'running PREPARE true')
    await expect.poll(paused).toEqual(held)
    await new Promise((resolve) => setTimeout(resolve, 30))
    expect(await paused()).toEqual(held)
    await world.restart()
    await new Promise((resolve) => setTimeout(resolve, 30))
    expect(await paused()).toEqual(held)
    expect(world.cluster('a').calls).not.toContain('seal')
    await world.migrations.goOn(rows[1]!.id)
    await become(world, rows, 'switched')
    expect(new Set(await paused())).toEqual(new Set(topics.map(() => 'switched DRAIN false')))
  })

  test('not while clients wait: asked for in SEAL, it holds after the SWITCH, each for itself', async () => {
    const world = await startWorld()
    world.hook = async (step, phase, id) => {
      if (step === 'SEAL' && phase === 'doing') await world.migrations.pause(id)
    }
    const rows = await world.migrations.start({ tenant, topics, to: 'b' })
    await become(world, rows, 'switched')
    for (const { from } of rows) world.cluster('a').expire(from.topic)
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(await states(world, rows)).toEqual(['switched', 'switched', 'switched'])
    await world.migrations.goOn(rows[0]!.id)
    await expect.poll(() => states(world, rows)).toEqual(['done', 'switched', 'switched'])
    await world.migrations.goOn(rows[1]!.id)
    await expect.poll(() => states(world, rows)).toEqual(['done', 'done', 'switched'])
    await expect(world.migrations.pause(rows[0]!.id)).rejects.toMatchObject({ code: 'MIGRATION_ENDED' })
  })

  test('one that drains is held, and looks at once when it goes on', async () => {
    const world = await startWorld({ timings: { drainCheckMs: 60_000 } })
    const rows = await world.migrations.start({ tenant, topics: ['orders'], to: 'b' })
    const [{ id, from }] = rows as [MigrationRow]
    await become(world, rows, 'switched')
    await world.migrations.pause(id)
    world.cluster('a').expire(from.topic)
    await new Promise((resolve) => setTimeout(resolve, 30))
    await world.migrations.goOn(id)
    await become(world, rows, 'done')
  })
})

describe('trying again', () => {
  test('a group that failed moves as a group, under records of its own', async () => {
    const world = await startWorld()
    world.cluster('b').away = true
    const rows = await world.migrations.start({ tenant, topics, to: 'b', operation: 'drain-1' })
    await become(world, rows, 'failed')
    world.cluster('b').away = false
    const again = await world.migrations.retry(rows[1]!.id)
    await become(world, again, 'switched')
    expect(await states(world, rows)).toEqual(['failed', 'failed', 'failed'])
    expect(again.map(({ topic, operation, to }) => [topic, operation, to.cluster])).toEqual(
      topics.map((topic) => [topic, 'drain-1', 'b']),
    )
    expect((await world.plane.store.migrations.ofOperation('drain-1')).map(({ id }) => id)).toEqual(
      [...rows, ...again].map(({ id }) => id),
    )
    await assertNothingBetween(world)
    await expect(world.migrations.retry(again[0]!.id)).rejects.toThrow(/is (switched|done), neither failed/)
    await expect(world.migrations.retry(rows[0]!.id)).rejects.toMatchObject({ code: 'ALREADY_THERE' })
  })
})

test('a saga that was undone begins again, in a round of its own', async () => {
  const world = await startWorld()
  world.cluster('b').away = true
  const rows = await world.migrations.start({ tenant, topics: ['orders'], to: 'b' })
  const { sagas } = world.migrations
  const [{ group }] = rows as [MigrationRow]
  await become(world, rows, 'failed')
  await sagas.retry(group)
  await expect.poll(async () => (await sagas.get(group))?.state).toBe('undone')
  const attempts = await sagas.attempts(group)
  expect(attempts.map(({ round, step, attempt }) => [round, step, attempt])).toEqual([
    [1, 'CHECK', 1],
    [2, 'CHECK', 1],
  ])
  await expect(sagas.retry('nothing')).rejects.toThrow(/not there/)
})

test('long polls hear of changes of the group, and of their own saga', async () => {
  const world = await startWorld()
  world.hook = (step, phase) =>
    step === 'PREPARE' && phase === 'before' ? new Promise((resolve) => setTimeout(resolve, 20)) : undefined
  const [row] = await world.migrations.start({ tenant, topics: ['orders'], to: 'b' })
  const steps = new Set<string>()
  let revision = 0
  for (let now = row!; now.state !== 'done'; ) {
    now = await world.migrations.after(row!.id, revision, 5_000)
    expect(now.revision).toBeGreaterThan(revision)
    revision = now.revision
    steps.add(now.step)
    if (now.state === 'switched') world.cluster('a').expire(row!.from.topic)
  }
  expect([...steps]).toEqual(expect.arrayContaining(['PREPARE', 'DRAIN', 'RETIRE']))
  expect(await world.migrations.after(row!.id, revision, 10)).toMatchObject({ revision })
})

test('many drain, few look at a time', async () => {
  const names = Array.from({ length: 200 }, (_, i) => `topic-${i}`)
  const world = await startWorld({}, names)
  let looking = 0
  let most = 0
  const logEnds = world.cluster('a').logEnds.bind(world.cluster('a'))
  world.cluster('a').logEnds = async (...asked) => {
    most = Math.max(most, ++looking)
    await new Promise((resolve) => setTimeout(resolve, 1))
    looking--
    return logEnds(...asked)
  }
  const rows = await world.migrations.start({ tenant, topics: names, to: 'b' })
  await become(world, rows, 'switched')
  expect(world.cluster('a').calls.filter((call) => call === 'seal')).toHaveLength(1)
  for (const { from } of rows) world.cluster('a').expire(from.topic)
  await become(world, rows, 'done')
  expect(most).toBeGreaterThan(4)
  expect(most).toBeLessThanOrEqual(16)
  expect(await world.plane.store.sagas.get(retirementOf(rows[199]!.id))).toMatchObject({ state: 'done' })
})
