// The migration saga on clusters in memory. On real ones: testbed/contracts/control-plane.test.ts.
import { encodeBatch } from '@braid/kafka-protocol'
import { describe, expect, test } from 'vitest'
import { ended, fakeClusters, startTestPlane, type TestPlane } from '../testing/test-plane.ts'
import { migrationSaga } from './saga-kinds.ts'

const record = (text: string) => ({ value: Buffer.from(text) })
const batch = (...texts: string[]) => encodeBatch({ records: texts.map(record) })

/** A topic of two partitions on a; three records in partition 0, one in partition 1. */
async function withOrders(options: Parameters<typeof startTestPlane>[1] = {}) {
  const clusters = fakeClusters()
  const plane = await startTestPlane(clusters, options)
  const { topic: orders } = await plane.client.topics.create({
    name: 'orders',
    partitions: 2,
    configs: { 'retention.ms': '1000' },
  })
  clusters.a.write(orders.physicalTopic, 0, batch('one', 'two', 'three'))
  clusters.a.write(orders.physicalTopic, 1, batch('four'))
  return { clusters, plane, orders, client: plane.client }
}

const wait = (plane: TestPlane, id: string, until: 'switched' | 'done' = 'switched') =>
  plane.client.migrations.wait(id, { until, timeoutMs: 5_000 })

test('a topic moves: sealed at its log ends, the chain goes on where it ended', async () => {
  const { clusters, plane, orders, client } = await withOrders({ timings: { retireAfterMs: 60_000 } })
  const [{ id }] = await client.migrations.start({ topics: ['orders'], to: 'b' })
  const steps: string[] = []
  const moved = await client.migrations.wait(id, {
    until: 'switched',
    timeoutMs: 5_000,
    onStep: (migration) => steps.push(migration.step),
  })
  expect(moved).toMatchObject({ state: 'switched', cuts: ['3', '1'], strays: [], error: null })
  expect(moved.sealMs).toBeGreaterThan(0)
  expect(steps.at(-1)).toMatch(/SWITCH|DRAIN/)

  const topic = await client.topics.get('orders', { logEnds: true })
  expect(topic).toMatchObject({
    cluster: 'b',
    loglets: 2,
    migration: null,
    homeTopic: orders.physicalTopic,
    logEnds: ['3', '1'],
  })
  expect(topic.chain[0]).toEqual({
    cluster: 'a',
    topic: orders.physicalTopic,
    state: 'sealed',
    partitions: [
      { start: '0', end: '3', base: '0' },
      { start: '0', end: '1', base: '0' },
    ],
  })
  expect(topic.chain[1]).toMatchObject({ cluster: 'b', state: 'active' })
  expect(topic.chain[1]!.partitions.map((p) => p.base)).toEqual(['3', '1'])
  expect(clusters.a.isSealed(orders.physicalTopic)).toBe(true)

  const fresh = clusters.b.topic(topic.physicalTopic)
  expect(fresh.configs.get('retention.ms')?.value).toBe('1000')
  expect(fresh.configs.get('max.message.bytes')?.value).toBe('1048588')
  expect(plane.logged.filter((line) => line.level === 'error')).toEqual([])
})

test('back and on: every loglet has a physical topic of its own', async () => {
  const { client, plane } = await withOrders({ timings: { retireAfterMs: 60_000 } })
  for (const to of ['b', 'c', 'a', 'b']) {
    const [{ id }] = await client.migrations.start({ topics: ['orders'], to })
    await wait(plane, id)
  }
  const { chain } = await client.topics.get('orders')
  expect(chain.map((loglet) => loglet.cluster)).toEqual(['a', 'b', 'c', 'a', 'b'])
  expect(new Set(chain.map((loglet) => loglet.topic)).size).toBe(5)
})

test('brokers that apply the seal late are waited for', async () => {
  const { client, clusters, plane } = await withOrders()
  clusters.a.looksUntilSealed = 5
  const [{ id }] = await client.migrations.start({ topics: ['orders'], to: 'b' })
  expect((await wait(plane, id)).state).toBe('switched')
  expect(clusters.a.calls.filter((call) => call === 'readCuts').length).toBeGreaterThanOrEqual(1 + 5 + 1)
})

test('a log that still moves after the seal is cut where it comes to rest', async () => {
  const { client, clusters, plane, orders } = await withOrders()
  const readCuts = clusters.a.readCuts.bind(clusters.a)
  let late = 2
  clusters.a.readCuts = async (topics) => {
    const cuts = await readCuts(topics)
    if (cuts[0]!.sealed[0] && late-- > 0)
      clusters.a.write(orders.physicalTopic, 0, batch('validated before the seal'))
    return cuts
  }
  const [{ id }] = await client.migrations.start({ topics: ['orders'], to: 'b' })
  expect((await wait(plane, id)).cuts).toEqual(['5', '1'])
})

test('a topic that cannot be sealed in time stays where it is, and takes records', async () => {
  const { client, clusters, orders, plane } = await withOrders()
  clusters.a.looksUntilSealed = 1e9
  const [{ id }] = await client.migrations.start({ topics: ['orders'], to: 'b' })
  await expect(wait(plane, id)).rejects.toMatchObject({
    code: 'SEAL_FAILED',
    message: expect.stringMatching(/topic orders was not moved to b and stays on a.*2 of 2 partitions/),
  })
  expect(clusters.a.isSealed(orders.physicalTopic)).toBe(false)
  expect(clusters.b.topics.size).toBe(0)
  expect(await client.topics.get('orders')).toMatchObject({ cluster: 'a', loglets: 1, migration: null })
})

test('the limit that a topic had of its own is put back when the seal is undone', async () => {
  const clusters = fakeClusters()
  const plane = await startTestPlane(clusters)
  const {
    topic: { physicalTopic },
  } = await plane.client.topics.create({
    name: 'orders',
    partitions: 1,
    configs: { 'max.message.bytes': '5000' },
  })
  clusters.a.looksUntilSealed = 1e9
  const [{ id }] = await plane.client.migrations.start({ topics: ['orders'], to: 'b' })
  await expect(wait(plane, id)).rejects.toThrow('not moved')
  expect(clusters.a.topic(physicalTopic).configs.get('max.message.bytes')).toEqual({
    value: '5000',
    source: 'topic',
  })
})

describe('a crash at any point: the next control plane ends it, one way or the other', () => {
  for (const { name } of migrationSaga) {
    for (const phase of ['before', 'doing', 'after'] as const) {
      test(`${phase} ${name}`, async () => {
        const hook = { crashed: false }
        const { clusters, plane, orders, client } = await withOrders({
          migrationHooks: {
            step: (step, at) => {
              if (step !== name || at !== phase) return
              hook.crashed = true
              throw new Error('crash')
            },
          },
        })
        const [{ id }] = await client.migrations.start({ topics: ['orders'], to: 'b' })
        if (name === 'DRAIN' || name === 'RETIRE') {
          await wait(plane, id)
          clusters.a.expire(orders.physicalTopic)
        }
        await expect.poll(() => hook.crashed, { timeout: 3_000 }).toBe(true)
        const again = await plane.restart()
        const moved = await wait(again, id)
        expect(moved.cuts).toEqual(['3', '1'])
        const topic = await again.client.topics.get('orders')
        expect(topic).toMatchObject({ cluster: 'b', migration: null })
        // One physical topic each, whatever was tried twice.
        expect([...clusters.a.topics.keys()]).toEqual([orders.physicalTopic])
        expect([...clusters.b.topics.keys()]).toEqual([topic.physicalTopic])
        clusters.a.expire(orders.physicalTopic)
        expect(await wait(again, id, 'done')).toMatchObject({ state: 'done' })
        expect((await again.client.topics.get('orders')).loglets).toBe(1)
      })
    }
  }
})

describe('cancel', () => {
  const before = migrationSaga.slice(0, migrationSaga.findIndex((step) => step.kind === 'commit') + 1)
  for (const { name, kind } of before) {
    for (const phase of ['before', 'doing', 'after'] as const) {
      if (kind === 'commit' && phase !== 'before') continue
      test(`${phase} ${name}: nothing is left, and the topic takes records`, async () => {
        let cancel = async (_id: string) => {}
        const { clusters, plane, orders, client } = await withOrders({
          migrationHooks: {
            step: async (step, at, id) => {
              if (step === name && at === phase) await cancel(id)
            },
          },
        })
        cancel = async (id) => void (await client.migrations.cancel(id))
        const [{ id }] = await client.migrations.start({ topics: ['orders'], to: 'b' })
        await expect(wait(plane, id)).rejects.toMatchObject({ code: 'MIGRATION_CANCELLED' })
        expect((await client.migrations.get(id)).state).toBe('cancelled')
        expect(clusters.a.isSealed(orders.physicalTopic)).toBe(false)
        expect(clusters.b.topics.size).toBe(0)
        const topic = await client.topics.get('orders')
        expect(topic).toMatchObject({ cluster: 'a', loglets: 1, migration: null })
        cancel = async () => {}
        const [again] = await client.migrations.start({ topics: ['orders'], to: 'b' })
        expect((await wait(plane, again.id)).state).toBe('switched')
      })
    }
  }

  test('after a crash between seal and switch, cancelled while nobody was there to hear', async () => {
    const { clusters, plane, orders, client } = await withOrders({
      migrationHooks: {
        step: (step, phase) => {
          if (step === 'SEAL' && phase === 'doing') throw new Error('crash')
        },
      },
    })
    const [{ id }] = await client.migrations.start({ topics: ['orders'], to: 'b' })
    await expect.poll(() => clusters.a.isSealed(orders.physicalTopic)).toBe(true)
    await expect.poll(() => plane.logged.some((line) => line.event === 'migration.stopped')).toBe(true)
    await client.migrations.cancel(id)
    const again = await plane.restart()
    await ended(again.client, id, ['cancelled'])
    expect(clusters.a.isSealed(orders.physicalTopic)).toBe(false)
    expect(clusters.b.topics.size).toBe(0)
  })

  test('is refused after the switch, and says what to do', async () => {
    const { client, plane } = await withOrders()
    const [{ id }] = await client.migrations.start({ topics: ['orders'], to: 'b' })
    await wait(plane, id)
    await expect(client.migrations.cancel(id)).rejects.toMatchObject({
      code: 'MIGRATION_SWITCHED',
      status: 409,
      message: expect.stringMatching(/to go back, move it again/),
    })
  })
})

test('a target that dies after PREPARE: the topic is not even sealed; the rest is deleted later', async () => {
  const { client, clusters, plane } = await withOrders({
    migrationHooks: {
      step: (step, phase) => {
        if (step === 'SEAL' && phase === 'before') clusters.b.away = true
      },
    },
    timings: { sweepMaxMs: 20 },
  })
  const [{ id }] = await client.migrations.start({ topics: ['orders'], to: 'b' })
  await expect(wait(plane, id)).rejects.toMatchObject({ code: 'CLUSTER_UNREACHABLE' })
  expect(clusters.a.calls).not.toContain('seal')
  expect(clusters.b.topics.size).toBe(1)
  clusters.b.away = false
  await expect.poll(() => clusters.b.topics.size).toBe(0)
})

describe('retirement', () => {
  test('only when retention has emptied the loglet; home keeps its own as the place of the commits', async () => {
    const { client, clusters, plane, orders } = await withOrders()
    const [first] = await client.migrations.start({ topics: ['orders'], to: 'b' })
    await wait(plane, first.id)
    const onB = (await client.topics.get('orders')).physicalTopic
    clusters.b.write(onB, 0, batch('five'))
    const [second] = await client.migrations.start({ topics: ['orders'], to: 'c' })
    await wait(plane, second.id)
    await new Promise((resolve) => setTimeout(resolve, 60))
    expect((await client.topics.get('orders')).loglets).toBe(3)

    // The younger is empty first, and waits for the older.
    clusters.b.expire(onB)
    await new Promise((resolve) => setTimeout(resolve, 60))
    expect((await client.topics.get('orders')).loglets).toBe(3)

    clusters.a.expire(orders.physicalTopic)
    await wait(plane, first.id, 'done')
    await wait(plane, second.id, 'done')
    const topic = await client.topics.get('orders')
    expect(topic.loglets).toBe(1)
    expect(topic.chain[0]!.partitions.map((p) => p.base)).toEqual(['4', '1'])
    expect([...clusters.a.topics.keys()]).toEqual([orders.physicalTopic])
    await expect.poll(() => clusters.b.topics.size).toBe(0)
  })

  test('a source that is away is waited for', async () => {
    const { client, clusters, plane, orders } = await withOrders()
    const [{ id }] = await client.migrations.start({ topics: ['orders'], to: 'b' })
    await wait(plane, id)
    clusters.a.expire(orders.physicalTopic)
    clusters.a.away = true
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect((await client.migrations.get(id)).state).toBe('switched')
    clusters.a.away = false
    expect((await wait(plane, id, 'done')).state).toBe('done')
  })
})

describe('strays', () => {
  const pid = 2n ** 61n + 5n

  test('are recorded, copied to the active loglet once, and those that were sent again are left out', async () => {
    const { client, clusters, plane, orders } = await withOrders()
    const [{ id }] = await client.migrations.start({ topics: ['orders'], to: 'b' })
    await wait(plane, id)
    const onB = (await client.topics.get('orders')).physicalTopic
    const resent = encodeBatch({
      records: [record('resent')],
      producerId: pid,
      producerEpoch: 0,
      baseSequence: 7,
    })
    clusters.b.write(onB, 0, resent)
    clusters.a.write(orders.physicalTopic, 0, resent)
    clusters.a.write(orders.physicalTopic, 0, batch('stray 1', 'stray 2'))

    await expect
      .poll(async () => (await client.migrations.get(id)).strays)
      .toEqual([{ partition: 0, from: '3', to: '6', recovered: '6' }])
    const copied = clusters.b.topic(onB).partitions[0]!
    expect(copied.end).toBe(3n)
    const text = copied.batches.at(-1)!.toString('latin1')
    expect(text).toContain('stray 1')
    expect(text).toContain(`braid.stray.from`)
    expect(text).toContain(`a/${orders.physicalTopic}/0@4`)
    expect(plane.logged.find((line) => line.event === 'strays.seen')?.fields).toMatchObject({
      partition: 0,
      to: 6n,
    })

    // Nothing is copied twice, also by the next control plane.
    const again = await plane.restart()
    await new Promise((resolve) => setTimeout(resolve, 60))
    expect(copied.end).toBe(3n)
    clusters.a.write(orders.physicalTopic, 0, batch('stray 3'))
    await expect.poll(() => copied.end).toBe(4n)
    expect((await again.client.migrations.get(id)).strays).toEqual([
      { partition: 0, from: '3', to: '7', recovered: '7' },
    ])
  })

  test('appended but not recorded before a crash: the broker knows them, they are there once', async () => {
    const { client, clusters, plane, orders } = await withOrders({ timings: { strayChecksMs: [50, 100] } })
    const [{ id }] = await client.migrations.start({ topics: ['orders'], to: 'b' })
    await wait(plane, id)
    const onB = (await client.topics.get('orders')).physicalTopic
    clusters.a.write(orders.physicalTopic, 0, batch('stray'))
    const append = clusters.b.append.bind(clusters.b)
    let lostAnswers = 2
    clusters.b.append = async (...call) => {
      const answer = await append(...call)
      if (lostAnswers-- > 0) throw new Error('the answer was lost')
      return answer
    }
    await expect
      .poll(async () => (await client.migrations.get(id)).strays[0]?.recovered, { timeout: 3_000 })
      .toBe('4')
    expect(clusters.b.topic(onB).partitions[0]!.end).toBe(1n)
  })
})

test('a topic that is deleted while its old loglet drains ends that migration', async () => {
  const { client, clusters, plane } = await withOrders()
  const [{ id }] = await client.migrations.start({ topics: ['orders'], to: 'b' })
  await wait(plane, id)
  await client.topics.delete('orders')
  expect((await client.migrations.get(id)).state).toBe('done')
  expect([clusters.a.topics.size, clusters.b.topics.size]).toEqual([0, 0])
})
