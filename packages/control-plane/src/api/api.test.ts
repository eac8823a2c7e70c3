// The API as its callers see it, over clusters in memory.
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, connect as tcpConnect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Problem, RouteFeed } from '@braid/control-api'
import { describe, expect, onTestFinished, test } from 'vitest'
import { startControlPlane } from '../start.ts'
import { fakeClusters, startTestPlane } from '../testing/test-plane.ts'

async function ask(url: string, method: string, path: string, body?: unknown) {
  const response = await fetch(new URL(path, url), {
    method,
    ...(body !== undefined && {
      body: typeof body === 'string' ? body : JSON.stringify(body),
      headers: { 'content-type': 'application/json' },
    }),
  })
  const text = await response.text()
  return {
    status: response.status,
    type: response.headers.get('content-type'),
    problem: (text === '' ? undefined : JSON.parse(text)) as Problem,
  }
}

describe('bad input', () => {
  const long = 'x'.repeat(300)
  const cases: [string, string, string, unknown, number, string, RegExp][] = [
    [
      'an unknown field',
      'POST',
      '/v1/tenants/default/topics',
      { name: 't', partitions: 1, partitons: 2 },
      400,
      'BAD_REQUEST',
      /partitons/,
    ],
    ['no name', 'POST', '/v1/tenants/default/topics', { partitions: 1 }, 400, 'BAD_REQUEST', /name/],
    [
      'a name of 300 characters',
      'POST',
      '/v1/tenants/default/topics',
      { name: long, partitions: 1 },
      400,
      'BAD_REQUEST',
      /249/,
    ],
    [
      'a path as name',
      'POST',
      '/v1/tenants/default/topics',
      { name: '../x', partitions: 1 },
      400,
      'BAD_REQUEST',
      /letters/,
    ],
    [
      'control characters',
      'POST',
      '/v1/tenants/default/topics',
      { name: 'a\u0000\u001b[31m', partitions: 1 },
      400,
      'BAD_REQUEST',
      /letters/,
    ],
    [
      'a name of dots',
      'POST',
      '/v1/tenants/default/topics',
      { name: '..', partitions: 1 },
      400,
      'BAD_REQUEST',
      /cannot be called/,
    ],
    [
      "one of Kafka's own",
      'POST',
      '/v1/tenants/default/topics',
      { name: '__consumer_offsets', partitions: 1 },
      400,
      'BAD_REQUEST',
      /Kafka's own/,
    ],
    [
      'no partitions',
      'POST',
      '/v1/tenants/default/topics',
      { name: 't', partitions: 0 },
      400,
      'BAD_REQUEST',
      /partitions/,
    ],
    [
      'half a partition',
      'POST',
      '/v1/tenants/default/topics',
      { name: 't', partitions: 1.5 },
      400,
      'BAD_REQUEST',
      /partitions/,
    ],
    ['no JSON', 'POST', '/v1/tenants/default/topics', '{"name":', 400, 'BAD_REQUEST', /JSON/],
    ['no body', 'POST', '/v1/tenants/default/topics', undefined, 400, 'BAD_REQUEST', /takes a body/],
    [
      'a prototype',
      'POST',
      '/v1/tenants/default/topics',
      '{"__proto__":{"name":"x"}}',
      400,
      'BAD_REQUEST',
      /./,
    ],
    [
      'an unknown cluster',
      'POST',
      '/v1/tenants/default/topics',
      { name: 't', partitions: 1, cluster: 'nowhere' },
      404,
      'UNKNOWN_CLUSTER',
      /no cluster nowhere; registered are a, b, c/,
    ],
    [
      'more replicas than brokers',
      'POST',
      '/v1/tenants/default/topics',
      { name: 't', partitions: 1, replicationFactor: 3 },
      409,
      'TOO_FEW_BROKERS',
      /replication factor 3, and a has 1 broker/,
    ],
    [
      'a limit that seals',
      'POST',
      '/v1/tenants/default/topics',
      { name: 't', partitions: 1, configs: { 'max.message.bytes': '1' } },
      422,
      'TOPIC_CONFIG_REFUSED',
      /refuse every record/,
    ],
    [
      'a topic that is not there',
      'GET',
      '/v1/tenants/default/topics/none',
      undefined,
      404,
      'UNKNOWN_TOPIC',
      /no topic none/,
    ],
    [
      'a hostile name in the path',
      'GET',
      `/v1/tenants/default/topics/${encodeURIComponent('../../etc\n')}`,
      undefined,
      400,
      'BAD_REQUEST',
      /letters/,
    ],
    ['a bad escape in the path', 'GET', '/v1/tenants/default/topics/%zz', undefined, 400, 'BAD_REQUEST', /./],
    [
      'deleting what is not there',
      'DELETE',
      '/v1/tenants/default/topics/none',
      undefined,
      404,
      'UNKNOWN_TOPIC',
      /no topic none/,
    ],
    [
      'adopting what is not there',
      'POST',
      '/v1/tenants/default/topics/adopt',
      { name: 'none', cluster: 'a' },
      404,
      'TOPIC_NOT_ON_CLUSTER',
      /a has no topic none/,
    ],
    [
      'moving what is not there',
      'POST',
      '/v1/migrations',
      { topics: ['none'], to: 'b' },
      404,
      'UNKNOWN_TOPIC',
      /no topic none/,
    ],
    [
      'moving nowhere',
      'POST',
      '/v1/migrations',
      { topics: ['none'], to: 'nowhere' },
      404,
      'UNKNOWN_CLUSTER',
      /nowhere/,
    ],
    [
      'a migration that is not there',
      'GET',
      '/v1/migrations/x',
      undefined,
      404,
      'UNKNOWN_MIGRATION',
      /no migration x/,
    ],
    [
      'waiting for an hour',
      'GET',
      '/v1/migrations/x?waitMs=3600000',
      undefined,
      400,
      'BAD_REQUEST',
      /waitMs/,
    ],
    [
      'an address without a port',
      'POST',
      '/v1/clusters',
      { name: 'd', bootstrap: 'host' },
      400,
      'BAD_REQUEST',
      /host:port/,
    ],
    [
      'a port beyond 65535',
      'POST',
      '/v1/clusters',
      { name: 'd', bootstrap: ['h:99999'] },
      400,
      'BAD_REQUEST',
      /port/,
    ],
    [
      'a cluster of that name',
      'POST',
      '/v1/clusters',
      { name: 'a', bootstrap: 'h:1' },
      409,
      'CLUSTER_EXISTS',
      /cluster a is registered, at a:9092/,
    ],
    [
      'a cluster that is away',
      'POST',
      '/v1/clusters',
      { name: 'd', bootstrap: 'h:1' },
      502,
      'CLUSTER_UNREACHABLE',
      /d does not answer at h:1/,
    ],
    [
      'the same cluster again',
      'POST',
      '/v1/clusters',
      { name: 'd', bootstrap: 'b:9092' },
      409,
      'CLUSTER_ALREADY_REGISTERED',
      /registered as b/,
    ],
    [
      'removing the home',
      'DELETE',
      '/v1/clusters/a',
      undefined,
      409,
      'CLUSTER_IN_USE',
      /home of tenant default/,
    ],
    [
      'a listener without an address',
      'PUT',
      '/v1/access-points/p',
      { bootstrap: 'h:1', listeners: { a: 'x' }, routeVersion: 0 },
      400,
      'BAD_REQUEST',
      /listeners.a/,
    ],
    ['nothing at that address', 'GET', '/v2/x', undefined, 404, 'NOT_FOUND', /no GET \/v2\/x/],
    [
      'a body of 2 MiB',
      'POST',
      '/v1/tenants/default/topics',
      JSON.stringify({ name: 'x'.repeat(2 ** 21) }),
      413,
      'BAD_REQUEST',
      /large/,
    ],
  ]
  for (const [name, method, path, body, status, code, detail] of cases) {
    test(`${name}: ${status} ${code}`, async () => {
      const clusters = fakeClusters()
      const { url, logged } = await startTestPlane(clusters)
      const before = await ask(url, 'GET', '/healthz')
      const { problem, ...answer } = await ask(url, method, path, body)
      expect(answer.type).toMatch(/^application\/problem\+json/)
      expect({ status: answer.status, code: problem.code }).toEqual({ status, code })
      expect(problem.detail).toMatch(detail)
      expect(problem).toMatchObject({ type: `urn:braid:problem:${code}`, status })
      // Nothing is half done.
      expect((await ask(url, 'GET', '/healthz')).problem).toEqual(before.problem)
      expect(Object.values(clusters).map((cluster) => cluster.topics.size)).toEqual([0, 0, 0])
      expect(logged.filter((line) => line.level === 'error')).toEqual([])
    })
  }
})

describe('topics', () => {
  test('one that is not on home has an empty, sealed place there for its commits', async () => {
    const clusters = fakeClusters()
    const { client } = await startTestPlane(clusters)
    const { topic } = await client.topics.create({ name: 'orders', partitions: 3, cluster: 'b' })
    expect(topic).toMatchObject({ cluster: 'b', partitions: 3, maxMessageBytes: 1048588 })
    expect([...clusters.b.topics.keys()]).toEqual([topic.physicalTopic])
    expect([...clusters.a.topics.keys()]).toEqual([topic.homeTopic])
    expect(clusters.a.isSealed(topic.homeTopic)).toBe(true)
    expect(topic.physicalTopic).toMatch(/^orders\.[a-z0-9]{12}$/)
    expect((await client.topics.list()).map(({ name }) => name)).toEqual(['orders'])
    await client.topics.delete('orders')
    expect([clusters.a.topics.size, clusters.b.topics.size]).toEqual([0, 0])
    await expect(client.topics.get('orders')).rejects.toMatchObject({ code: 'UNKNOWN_TOPIC' })
  })

  test('a creation that fails half way leaves nothing, and one that crashed is cleaned up later', async () => {
    const clusters = fakeClusters()
    const plane = await startTestPlane(clusters)
    clusters.a.createTopic = async () => {
      throw new Error('full disk')
    }
    await expect(
      plane.client.topics.create({ name: 'orders', partitions: 1, cluster: 'b' }),
    ).rejects.toMatchObject({
      message: expect.stringMatching(/where groups of topic orders commit could not be made.*full disk/),
    })
    expect(clusters.b.topics.size).toBe(0)

    // The cluster hangs after making it, and the process ends.
    clusters.b.waitForLeaders = () => new Promise(() => {})
    void plane.client.topics.create({ name: 'orders', partitions: 1, cluster: 'b' }).catch(() => {})
    await expect.poll(() => clusters.b.topics.size).toBe(1)
    await plane.restart()
    await expect.poll(() => clusters.b.topics.size).toBe(0)
  })

  test('two creations of one name at once: one wins', async () => {
    const { client } = await startTestPlane(fakeClusters())
    const create = () => client.topics.create({ name: 'orders', partitions: 1 })
    const results = await Promise.allSettled([create(), create()])
    expect(results.map((result) => result.status).sort()).toEqual(['fulfilled', 'rejected'])
    await expect(create()).rejects.toMatchObject({ code: 'TOPIC_EXISTS', status: 409 })
  })

  test('a cluster with a limit of partitions takes no more, and says the numbers', async () => {
    const clusters = fakeClusters()
    const { d } = { d: clusters.c }
    const { client } = await startTestPlane({ a: clusters.a })
    expect(d.topics.size).toBe(0)
    await client.clusters.remove('a')
    await client.clusters.register({ name: 'a', bootstrap: 'a:9092', capacity: { partitions: 10 } })
    await client.topics.create({ name: 'first', partitions: 8 })
    await expect(client.topics.create({ name: 'second', partitions: 3 })).rejects.toMatchObject({
      code: 'NO_ROOM',
      message: expect.stringMatching(/no room for the 3 partitions of topic second: it has 8 of at most 10/),
    })
    expect(clusters.a.topics.size).toBe(1)
  })

  test('a topic whose cluster is away is deleted at once, and its data when the cluster is back', async () => {
    const clusters = fakeClusters()
    const { client } = await startTestPlane(clusters, { timings: { sweepMaxMs: 20 } })
    await client.topics.create({ name: 'orders', partitions: 1 })
    clusters.a.away = true
    await client.topics.delete('orders')
    expect(await client.topics.list()).toEqual([])
    expect(clusters.a.topics.size).toBe(1)
    clusters.a.away = false
    await expect.poll(() => clusters.a.topics.size).toBe(0)
  })
})

describe('adoption', () => {
  async function existing(configs: Record<string, string> = {}) {
    const clusters = fakeClusters()
    const plane = await startTestPlane(clusters)
    await clusters.b.createTopic({ topic: 'legacy', partitions: 4, configs })
    return { clusters, client: plane.client }
  }

  test('keeps name, offsets and limits, and copies what groups have committed', async () => {
    const { clusters, client } = await existing({ 'max.message.bytes': '2000' })
    const commit = { topic: 'legacy', partition: 2, offset: 17n, metadata: 'm' }
    clusters.b.groups.set('billing', [commit, { ...commit, topic: 'other' }])
    clusters.b.groups.set('idle', [{ ...commit, topic: 'other' }])
    const topic = await client.topics.adopt({ name: 'legacy', cluster: 'b' })
    expect(topic).toMatchObject({
      physicalTopic: 'legacy',
      cluster: 'b',
      partitions: 4,
      maxMessageBytes: 2000,
    })
    expect(topic.chain[0]!.partitions[0]).toEqual({ start: '0', end: null, base: '0' })
    expect([...clusters.a.groups]).toEqual([['billing', [{ ...commit, topic: topic.homeTopic }]]])
    await expect(client.topics.adopt({ name: 'legacy', cluster: 'b' })).rejects.toMatchObject({
      code: 'TOPIC_EXISTS',
    })
  })

  test('a group that is active on home keeps the topic from being adopted, and nothing is left', async () => {
    const { clusters, client } = await existing()
    clusters.b.groups.set('billing', [{ topic: 'legacy', partition: 0, offset: 1n, metadata: null }])
    clusters.a.commit = async () => {
      throw new Error('UNKNOWN_MEMBER_ID')
    }
    await expect(client.topics.adopt({ name: 'legacy', cluster: 'b' })).rejects.toMatchObject({
      code: 'GROUPS_BUSY',
      message: expect.stringMatching(/group billing for legacy.*stop its members/),
    })
    expect(clusters.a.topics.size).toBe(0)
    expect([...clusters.b.topics.keys()]).toEqual(['legacy'])
  })

  test('refuses what is compacted or sealed', async () => {
    const compacted = await existing({ 'cleanup.policy': 'compact,delete' })
    await expect(compacted.client.topics.adopt({ name: 'legacy', cluster: 'b' })).rejects.toMatchObject({
      code: 'TOPIC_COMPACTED',
      status: 422,
    })
    const sealed = await existing({ 'max.message.bytes': '1' })
    await expect(sealed.client.topics.adopt({ name: 'legacy', cluster: 'b' })).rejects.toMatchObject({
      code: 'TOPIC_SEALED',
    })
  })
})

describe('migrations that cannot be', () => {
  test('moving twice at once says step and time; moving to where it is says so', async () => {
    const { client } = await startTestPlane(fakeClusters(), {
      migrationHooks: {
        step: (step, phase) => (step === 'PREPARE' && phase === 'before' ? new Promise(() => {}) : undefined),
      },
    })
    await client.topics.create({ name: 'orders', partitions: 1 })
    await expect(client.migrations.start({ topics: ['orders'], to: 'a' })).rejects.toMatchObject({
      code: 'ALREADY_THERE',
      message: expect.stringContaining('topic orders is on a already'),
    })
    const [{ id }] = await client.migrations.start({ topics: ['orders'], to: 'b' })
    await expect.poll(async () => (await client.migrations.get(id)).step).toBe('PREPARE')
    await expect(client.migrations.start({ topics: ['orders'], to: 'c' })).rejects.toMatchObject({
      code: 'MIGRATION_IN_PROGRESS',
      status: 409,
      message: expect.stringMatching(/topic orders is being moved to b \(step PREPARE since \d+ s\)/),
    })
    await expect(client.topics.delete('orders')).rejects.toMatchObject({ code: 'MIGRATION_IN_PROGRESS' })
    await expect(client.clusters.remove('b')).rejects.toMatchObject({ code: 'CLUSTER_IN_USE' })
  })

  const failing: [string, (clusters: ReturnType<typeof fakeClusters>) => void, string, RegExp][] = [
    [
      'a target that is away',
      ({ b }) => {
        b.away = true
      },
      'CLUSTER_UNREACHABLE',
      /b does not answer at b:9092/,
    ],
    [
      'a target that was formatted anew',
      ({ b }) => {
        b.clusterId = 'new'
      },
      'CLUSTER_CHANGED',
      /is new, registered was id-of-b/,
    ],
    [
      'a topic that was compacted since',
      ({ a }) =>
        a.topics.values().next().value!.configs.set('cleanup.policy', { value: 'compact', source: 'topic' }),
      'TOPIC_COMPACTED',
      /cannot be split/,
    ],
    [
      'a topic that somebody sealed by hand',
      ({ a }) =>
        a.topics.values().next().value!.configs.set('max.message.bytes', { value: '1', source: 'topic' }),
      'TOPIC_SEALED',
      /not by this migration/,
    ],
    [
      'a target with fewer brokers than replicas',
      ({ a }) => {
        a.topics.values().next().value!.replicationFactor = 3
      },
      'TOO_FEW_BROKERS',
      /replication factor 3, and b has 1 broker/,
    ],
    [
      'partitions that were added by hand',
      ({ a }) => {
        const topic = a.topics.values().next().value!
        topic.partitions.push(topic.partitions[0]!)
      },
      'TOPIC_CONFIG_REFUSED',
      /has 2 partitions, topic orders has 1/,
    ],
  ]
  for (const [name, spoil, code, detail] of failing) {
    test(`${name}: the topic stays where it is`, async () => {
      const clusters = fakeClusters()
      const { client } = await startTestPlane(clusters)
      const {
        topic: { physicalTopic },
      } = await client.topics.create({ name: 'orders', partitions: 1 })
      spoil(clusters)
      const [{ id }] = await client.migrations.start({ topics: ['orders'], to: 'b' })
      const wait = client.migrations.wait(id, { until: 'switched', timeoutMs: 3_000 })
      await expect(wait).rejects.toMatchObject({ code, message: expect.stringMatching(detail) })
      expect((await client.migrations.get(id)).state).toBe('failed')
      expect(clusters.b.topics.size).toBe(0)
      expect(await client.topics.get('orders')).toMatchObject({
        cluster: 'a',
        physicalTopic,
        migration: null,
      })
      expect(clusters.a.calls).not.toContain('seal')
    })
  }
})

describe('access points', () => {
  const renewal = { id: 'proxy-1', bootstrap: 'h:9092', listeners: { a: 'h:9093' }, routeVersion: 0 }

  test('a lease makes it known, renewals change nothing, its end takes it out; the number stays', async () => {
    const plane = await startTestPlane(fakeClusters(), { timings: { leaseMs: 150, leaseCheckMs: 10 } })
    const { accessPoints } = plane.client
    const lease = await accessPoints.renew(renewal)
    expect(lease).toMatchObject({ number: 1, leaseMs: 150 })
    expect(await accessPoints.renew({ ...renewal, routeVersion: 3 })).toEqual(lease)
    expect(await accessPoints.list()).toMatchObject([{ id: 'proxy-1', number: 1, routeVersion: 3 }])
    const moved = await accessPoints.renew({ ...renewal, listeners: { a: 'h:9094' } })
    expect(moved).toMatchObject({ number: 1, routeVersion: lease.routeVersion + 1 })
    expect((await accessPoints.renew({ ...renewal, id: 'proxy-2' })).number).toBe(2)
    await expect.poll(() => accessPoints.list(), { timeout: 2_000 }).toEqual([])
    expect((await accessPoints.renew(renewal)).number).toBe(1)
    await accessPoints.remove('proxy-1')
    expect(await accessPoints.list()).toEqual([])
    await expect(accessPoints.remove('proxy-1')).rejects.toMatchObject({ code: 'UNKNOWN_ACCESS_POINT' })
  })

  test('a restart gives every lease anew', async () => {
    const plane = await startTestPlane(fakeClusters(), { timings: { leaseMs: 400, leaseCheckMs: 10 } })
    await plane.client.accessPoints.renew(renewal)
    const again = await plane.restart()
    expect(await again.client.accessPoints.list()).toMatchObject([{ id: 'proxy-1', number: 1 }])
    await expect.poll(() => again.client.accessPoints.list(), { timeout: 2_000 }).toEqual([])
  })
})

describe('the route feed', () => {
  test('tells of changes, and across a restart what was missed', async () => {
    const plane = await startTestPlane(fakeClusters(), { timings: { retireAfterMs: 60_000 } })
    const port = Number(new URL(plane.url).port)
    const versions: [number, boolean][] = []
    const feed = new RouteFeed({
      url: plane.url,
      onChange: (table, delta) => void versions.push([table.version, delta !== null]),
    })
    onTestFinished(() => feed.close())
    await feed.start()
    const start = feed.table.version
    await plane.client.topics.create({ name: 'orders', partitions: 1 })
    await expect.poll(() => feed.table.topic('default', 'orders')?.depth).toBe(1)
    const again = await plane.restart({ port })
    expect(await again.client.topics.list()).toHaveLength(1)
    const [{ id }] = await again.client.migrations.start({ topics: ['orders'], to: 'b' })
    await again.client.migrations.wait(id, { until: 'switched', timeoutMs: 3_000 })
    await expect.poll(() => feed.table.topic('default', 'orders')?.depth, { timeout: 5_000 }).toBe(2)
    expect(versions[0]).toEqual([start, false])
    // Every version once, and none of them by a snapshot.
    expect(versions.slice(1)).toEqual(versions.slice(1).map((_, i) => [start + 1 + i, true]))
  })

  test('a topic that is prepared is hinted at before its switch', async () => {
    const plane = await startTestPlane(fakeClusters())
    await plane.client.topics.create({ name: 'orders', partitions: 1 })
    const hints: (string | undefined)[] = []
    const feed = new RouteFeed({
      url: plane.url,
      onChange: (table) => void hints.push(table.topic('default', 'orders')?.prepared?.cluster),
    })
    onTestFinished(() => feed.close())
    await feed.start()
    const [{ id }] = await plane.client.migrations.start({ topics: ['orders'], to: 'b' })
    await plane.client.migrations.wait(id, { until: 'switched', timeoutMs: 3_000 })
    await expect.poll(() => hints.slice(0, 3)).toEqual([undefined, 'b', undefined])
  })

  test('a reader that does not read is cut off, not waited for', { timeout: 30_000 }, async () => {
    const { client, url, logged } = await startTestPlane(fakeClusters())
    const socket = tcpConnect(Number(new URL(url).port), '127.0.0.1')
    onTestFinished(() => void socket.destroy())
    socket.pause()
    socket.write('GET /v1/routes HTTP/1.1\r\nhost: x\r\n\r\n')
    await client.topics.create({ name: 'orders', partitions: 1 })
    const big = Object.fromEntries(
      Array.from({ length: 4_000 }, (_, i) => [`cluster-${i}-${'x'.repeat(40)}`, 'host:9092']),
    )
    const cutOff = () => logged.some((line) => line.event === 'route-feed.reader-too-slow')
    for (let i = 0; i < 300 && !cutOff(); i++) {
      await client.accessPoints.renew({ id: 'p', bootstrap: `h:${i + 1}`, listeners: big, routeVersion: 0 })
    }
    expect(cutOff()).toBe(true)
    expect((await client.topics.list()).length).toBe(1)
  })
})

describe('starting and stopping', () => {
  test('a port in use: says which address, and what to change', async () => {
    const taken = createServer()
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void taken.close())
    const { port } = taken.address() as { port: number }
    await expect(startControlPlane({ port, databaseFile: ':memory:' })).rejects.toThrow(
      `cannot listen on 127.0.0.1:${port}: the address is in use; stop what listens there, or choose another with --api host:port`,
    )
  })

  test('a store in use is refused by name', async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'braid-twice-'))
    onTestFinished(() => rmSync(dataDir, { recursive: true, force: true }))
    const first = await startControlPlane({ port: 0, dataDir })
    onTestFinished(() => first.close())
    await expect(startControlPlane({ port: 0, dataDir })).rejects.toThrow(/in use by another control plane/)
  })

  test('close ends feeds, waiting calls and sagas, and can be called twice', async () => {
    const plane = await startTestPlane(fakeClusters())
    const { client, url } = plane
    await client.topics.create({ name: 'orders', partitions: 1 })
    const [{ id }] = await client.migrations.start({ topics: ['orders'], to: 'b' })
    await client.migrations.wait(id, { until: 'switched', timeoutMs: 3_000 })
    const feed = await fetch(new URL('/v1/routes', url))
    const reading = feed.text().catch(() => 'cut')
    const waiting = ask(url, 'GET', `/v1/migrations/${id}?afterRevision=100000&waitMs=20000`).catch(
      () => 'cut',
    )
    await new Promise((resolve) => setTimeout(resolve, 50))
    const startedAt = performance.now()
    await Promise.all([plane.close(), plane.close()])
    expect(performance.now() - startedAt).toBeLessThan(10_000)
    await Promise.all([reading, waiting])
    await expect(fetch(new URL('/healthz', url))).rejects.toThrow()
  })
})
