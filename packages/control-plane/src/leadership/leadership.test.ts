// Several control planes on one PostgreSQL, on clusters in memory.
import { request as httpRequest } from 'node:http'
import { ControlPlaneClient, RouteFeed } from '@braid/control-api'
import { encodeBatch } from '@braid/kafka-protocol'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { startControlPlane } from '../start.ts'
import type { FakeCluster } from '../testing/fake-cluster.ts'
import { startPostgres, type TestPostgres } from '../testing/postgres.ts'
import { startProcess } from '../testing/started-process.ts'
import { fakeClusters, startTestPlane, type TestPlane } from '../testing/test-plane.ts'
import { forwardedHeader } from './forward.ts'

let server: TestPostgres
beforeAll(async () => {
  server = await startPostgres()
})
afterAll(() => server.stop())

interface Health {
  readonly role: 'leader' | 'reader'
  readonly leader?: string | null
  readonly term?: number
  readonly routeVersion: number
}
const health = async (url: string) => (await (await fetch(new URL('/healthz', url))).json()) as Health
const isReady = async (url: string) => (await fetch(new URL('/readyz', url))).status === 200
const leaders = async (urls: readonly string[]) =>
  (await Promise.all(urls.map(health))).filter(({ role }) => role === 'leader').length

/** Another on the same store and clusters. */
async function joined(store: string, clusters: Record<string, FakeCluster>): Promise<TestPlane> {
  return startTestPlane(clusters, { store }, 'join')
}

/** The versions that a reader is told, and whether each came as a delta. */
async function watched(url: string): Promise<{ feed: RouteFeed; versions: number[]; wholes: () => number }> {
  const versions: number[] = []
  let wholes = 0
  const feed = new RouteFeed({
    url,
    onChange: (table, delta) => {
      versions.push(table.version)
      if (delta === null) wholes++
    },
  })
  onTestFinished(() => feed.close())
  await feed.start()
  return { feed, versions, wholes: () => wholes }
}

const withoutGap = (versions: readonly number[]) => versions.map((_, i) => versions[0]! + i)

const lockHolder = `SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`

async function cutLeader(store: string): Promise<void> {
  const [holder] = await server.ask(store, lockHolder)
  await server.ask(store, `SELECT pg_terminate_backend(${String(holder?.pid)})`)
}

describe('a leader that is killed in the middle of a migration', () => {
  const points = [
    ['CHECK', 'doing'],
    ['PREPARE', 'doing'],
    ['SEAL', 'before'],
    ['SEAL', 'doing'],
    ['SWITCH', 'before'],
    ['SWITCH', 'after'],
  ] as const
  for (const [step, phase] of points) {
    test(`${phase} ${step}: another takes over in under 5 s, and ends it`, { timeout: 40_000 }, async () => {
      const store = await server.database()
      const clusters = fakeClusters()
      const leader = await startProcess(clusters, { store, holdAt: { step, phase } })
      const standby = await joined(store, clusters)
      const { client } = standby
      expect((await health(standby.url)).role).toBe('reader')
      for (const name of Object.keys(clusters)) {
        await client.clusters.register({ name, bootstrap: `${name}:9092` })
      }
      const { topic: orders } = await client.topics.create({ name: 'orders', partitions: 2 })
      clusters.a.write(orders.physicalTopic, 0, encodeBatch({ records: [{ value: Buffer.from('one') }] }))
      const { versions, wholes } = await watched(standby.url)
      const [{ id }] = await client.migrations.start({ topics: ['orders'], to: 'b' })
      await leader.held

      const killedAt = performance.now()
      await leader.kill()
      await expect.poll(async () => (await health(standby.url)).role, { timeout: 8_000 }).toBe('leader')
      await client.topics.list()
      const takeoverMs = performance.now() - killedAt
      expect(takeoverMs).toBeLessThan(5_000)

      const moved = await client.migrations.wait(id, { until: 'switched', timeoutMs: 10_000 })
      expect(moved).toMatchObject({ cuts: ['1', '0'], error: null })
      const topic = await client.topics.get('orders')
      expect(topic).toMatchObject({ cluster: 'b', migration: null })
      expect([...clusters.a.topics.keys()]).toEqual([orders.physicalTopic])
      expect([...clusters.b.topics.keys()]).toEqual([topic.physicalTopic])
      clusters.a.expire(orders.physicalTopic)
      await client.migrations.wait(id, { until: 'done', timeoutMs: 10_000 })
      expect((await client.topics.get('orders')).loglets).toBe(1)

      const { routeVersion } = await health(standby.url)
      await expect.poll(() => versions.at(-1)).toBe(routeVersion)
      expect([versions, wholes()]).toEqual([withoutGap(versions), 1])
    })
  }
})

describe('a leader whose connection to the store is cut', () => {
  test('steps down, its readers go on without a gap, and the next term begins', async () => {
    const store = await server.database()
    const clusters = fakeClusters()
    const first = await startTestPlane(clusters, { store })
    const second = await joined(store, clusters)
    const urls = [first.url, second.url]
    const feeds = await Promise.all(urls.map(watched))
    const termBefore = (await health(first.url)).term!
    for (let round = 0; round < 3; round++) {
      await first.client.topics.create({ name: `topic-${round}`, partitions: 1 })
      await cutLeader(store)
      await expect
        .poll(async () => Math.max(...(await Promise.all(urls.map(health))).map(({ term }) => term ?? 0)), {
          timeout: 5_000,
        })
        .toBe(termBefore + 1 + round)
      await expect.poll(() => leaders(urls)).toBe(1)
      await expect.poll(async () => (await first.client.topics.list()).length).toBe(round + 1)
      expect(await second.client.topics.list()).toHaveLength(round + 1)
    }
    const { routeVersion } = await health(first.url)
    for (const { versions, wholes } of feeds) {
      await expect.poll(() => versions.at(-1)).toBe(routeVersion)
      expect([versions, wholes()]).toEqual([withoutGap(versions), 1])
    }
  })

  test('cannot write any more: what was begun is not there, and is answered with NO_LEADER', async () => {
    const store = await server.database()
    const clusters = fakeClusters()
    const timings = { leftoverSettleMs: 60_000 }
    const { client, url } = await startTestPlane(clusters, { store, timings })
    const going = Promise.withResolvers<void>()
    const stuck = Promise.withResolvers<void>()
    const { createTopic } = clusters.a
    clusters.a.createTopic = async (wanted) => {
      stuck.resolve()
      await going.promise
      return createTopic.call(clusters.a, wanted)
    }
    // Asked once: the client would try again.
    const creating = fetch(new URL('/v1/tenants/default/topics', url), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ name: 'orders', partitions: 1 }),
    })
    await stuck.promise
    const { term } = await health(url)
    await cutLeader(store)
    await expect.poll(async () => (await health(url)).term, { timeout: 5_000 }).toBe(term! + 1)
    going.resolve()
    const answer = await creating
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '1'])
    expect(await answer.json()).toMatchObject({
      code: 'NO_LEADER',
      detail: expect.stringMatching(/may or may not have been done/),
    })
    expect(await client.topics.list()).toEqual([])
    // The next term deletes what the last one made.
    await expect.poll(() => clusters.a.topics.size).toBe(0)
  })
})

describe('several at once', () => {
  test('on a fresh store: the schema is made once, and one leads', async () => {
    const store = await server.database()
    const clusters = fakeClusters()
    const planes = await Promise.all([1, 2, 3].map(() => joined(store, clusters)))
    const urls = planes.map(({ url }) => url)
    expect(await leaders(urls)).toBe(1)
    await expect.poll(async () => (await Promise.all(urls.map(isReady))).every(Boolean)).toBe(true)
    expect(planes.flatMap(({ logged }) => logged.filter(({ level }) => level !== 'info'))).toEqual([])
  })

  test('of two that wait, one takes over from a leader that stops, and leads alone', async () => {
    const store = await server.database()
    const clusters = fakeClusters()
    const leader = await startTestPlane(clusters, { store })
    const waiting = await Promise.all([joined(store, clusters), joined(store, clusters)])
    const urls = waiting.map(({ url }) => url)
    expect(await leaders(urls)).toBe(0)
    await leader.close()
    await expect.poll(() => leaders(urls), { timeout: 3_000 }).toBe(1)
    await new Promise((resolve) => setTimeout(resolve, 1_200))
    expect(await leaders(urls)).toBe(1)
    for (const { client } of waiting) expect(await client.clusters.list()).toHaveLength(3)
  })
})

describe('one that does not lead', () => {
  async function pair() {
    const store = await server.database()
    const clusters = fakeClusters()
    const leader = await startTestPlane(clusters, { store })
    const reader = await joined(store, clusters)
    return { store, clusters, leader, reader }
  }

  test('forwards all but feed and health: answers, problems, long polls', async () => {
    const { clusters, leader, reader } = await pair()
    const { client } = reader
    await client.topics.create({ name: 'orders', partitions: 1 })
    expect(await client.topics.get('orders')).toEqual(await leader.client.topics.get('orders'))
    await expect(client.topics.create({ name: 'orders', partitions: 1 })).rejects.toMatchObject({
      code: 'TOPIC_EXISTS',
      status: 409,
    })
    await expect(client.topics.create({ name: '../x', partitions: 1 })).rejects.toMatchObject({
      code: 'BAD_REQUEST',
    })
    const [{ id }] = await client.migrations.start({ topics: ['orders'], to: 'b' })
    expect(await client.migrations.wait(id, { until: 'switched', timeoutMs: 5_000 })).toMatchObject({
      state: 'switched',
    })
    expect([...clusters.b.topics.keys()]).toHaveLength(1)
    const tooMuch = await fetch(new URL('/v1/tenants/default/topics', reader.url), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ name: 'x'.repeat(2 * 1024 * 1024) }),
    }).catch(() => undefined)
    expect([413, 503, undefined]).toContain(tooMuch?.status)
    expect(await client.topics.list()).toHaveLength(1)
  })

  test('tells its own readers of every change', async () => {
    const { leader, reader } = await pair()
    const { feed } = await watched(reader.url)
    const before = feed.table.version
    await leader.client.topics.create({ name: 'orders', partitions: 1 })
    const startedAt = performance.now()
    await expect.poll(() => feed.table.version, { interval: 2 }).toBe(before + 1)
    // Woken, not by its look every second.
    expect(performance.now() - startedAt).toBeLessThan(500)
    expect(feed.table.topic('default', 'orders')?.depth).toBe(1)
  })

  test('never forwards twice, and says when there is no leader', async () => {
    const { store, leader, reader } = await pair()
    const asked = await new Promise<{ status: number | undefined; retryAfter: string | undefined }>(
      (resolve, reject) =>
        httpRequest(new URL('/v1/topics', reader.url), { headers: { [forwardedHeader]: 'x' } })
          .on('response', (response) => {
            response.resume()
            resolve({ status: response.statusCode, retryAfter: response.headers['retry-after'] })
          })
          .on('error', reject)
          .end(),
    )
    expect(asked).toEqual({ status: 503, retryAfter: '1' })

    // Somebody else holds the lock, and leads nowhere.
    await leader.close()
    await expect.poll(async () => (await health(reader.url)).role, { timeout: 3_000 }).toBe('leader')
    const late = await joined(store, {})
    await reader.close()
    await expect.poll(async () => (await health(late.url)).role, { timeout: 3_000 }).toBe('leader')
    await late.close()
  })

  test('a leader that is gone and one that does not answer are told apart from a failure of ours', async () => {
    const store = await server.database()
    // Advertised where nobody listens.
    const leader = await startControlPlane({ port: 0, store, advertise: 'http://127.0.0.1:1' })
    onTestFinished(() => leader.close())
    const reader = await startControlPlane({ port: 0, store })
    onTestFinished(() => reader.close())
    const response = await fetch(new URL('/v1/clusters', reader.url))
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '1'])
    expect(await response.json()).toMatchObject({
      code: 'NO_LEADER',
      detail: expect.stringMatching(/that leads, at http:\/\/127.0.0.1:1, does not answer: .*ECONNREFUSED/),
    })
    expect(await new ControlPlaneClient({ url: leader.url }).clusters.list()).toEqual([])
    await expect(reader.backup('/tmp/never.db')).rejects.toThrow(/does not lead/)
    await expect(leader.backup('/tmp/never.db')).rejects.toThrow(/use pg_dump/)
  })
})

test('a store that cannot be reached: the start says which and why, without its password', async () => {
  const store = 'postgres://braid:secret@127.0.0.1:1/braid'
  await expect(startControlPlane({ port: 0, store })).rejects.toThrow(
    'postgres://braid:***@127.0.0.1:1/braid cannot be used: connect ECONNREFUSED',
  )
})
