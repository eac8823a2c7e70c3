import { expect, test } from 'vitest'
import type { FakeCluster } from '../testing/fake-cluster.ts'
import { standsBy } from '../testing/stands-by.ts'
import { ended, fakeClusters, startTestPlane, type TestPlane } from '../testing/test-plane.ts'

/** The reconciler over clusters in memory, through the API. */

const often = {
  // What is sealed stays to be looked at.
  retireAfterMs: 60_000,
  termEndMaxMs: 100,
  reconcileEveryMs: 40,
  reconcileLookMaxMs: 200,
  reconcileSoonMaxMs: 1_000,
}
const never = { ...often, reconcileEveryMs: 60_000 }

async function started(timings: typeof often = often) {
  const clusters = fakeClusters()
  const plane = await startTestPlane(clusters, { timings })
  return { clusters, plane }
}

async function move(plane: TestPlane, to: string): Promise<string> {
  const [migration] = await plane.client.migrations.start({ topics: ['orders'], to })
  return migration!.id
}

/** A topic that has moved from b to c, with its stub on a. */
async function moved(plane: TestPlane) {
  await plane.client.topics.create({ name: 'orders', partitions: 3, cluster: 'b' })
  const id = await move(plane, 'c')
  await ended(plane.client, id, ['switched', 'done'])
  return plane.client.topics.get('orders')
}

const drift = async (plane: TestPlane) => (await plane.client.topics.get('orders')).drift
const events = (plane: TestPlane, event: string) => plane.logged.filter((line) => line.event === event)
const configOf = (cluster: FakeCluster, topic: string, name: string) =>
  cluster.topic(topic).configs.get(name)?.value

test('a config that somebody changed is shown, and set back', async () => {
  const { clusters, plane } = await started()
  const configs = { 'retention.ms': '7000' }
  const { topic } = await plane.client.topics.create({ name: 'orders', partitions: 2, cluster: 'b', configs })
  await clusters.b.changeConfigs([{ topic: topic!.physicalTopic, configs: { 'retention.ms': '9' } }])
  await expect.poll(() => configOf(clusters.b, topic!.physicalTopic, 'retention.ms')).toBe('7000')
  await expect.poll(() => events(plane, 'drift.gone')).toHaveLength(1)
  expect(events(plane, 'drift.seen')).toMatchObject([
    {
      level: 'warn',
      fields: { topic: 'orders', code: 'CONFIG_DIFFERS', drift: expect.stringContaining('retention.ms=9') },
    },
  ])
  expect(await drift(plane)).toEqual([])
})

test('a changed spec is in place when the update is answered; a config that is dropped is taken off again', async () => {
  const { clusters, plane } = await started(never)
  const { topic } = await plane.client.topics.create({ name: 'orders', partitions: 2, cluster: 'b' })
  const { physicalTopic } = topic!
  const { maxMessageBytes } = await plane.client.topics.update('orders', {
    configs: { 'retention.ms': '7000', 'max.message.bytes': '500000' },
  })
  expect(maxMessageBytes).toBe(500_000)
  expect(configOf(clusters.b, physicalTopic, 'retention.ms')).toBe('7000')
  expect(configOf(clusters.b, physicalTopic, 'max.message.bytes')).toBe('500000')
  await plane.client.topics.update('orders', { configs: {} })
  expect(clusters.b.topic(physicalTopic).configs.get('retention.ms')).toEqual({
    value: '604800000',
    source: 'default',
  })
})

test('partitions grow along the whole chain, and in the route only then', async () => {
  const { clusters, plane } = await started(never)
  const topic = await moved(plane)
  const [first, active] = topic.chain.map((loglet) => loglet.topic) as [string, string]
  const grown = await plane.client.topics.update('orders', { partitions: 5 })
  expect([grown.partitions, grown.drift]).toEqual([5, []])
  expect(clusters.b.topic(first).partitions).toHaveLength(5)
  expect(clusters.c.topic(active).partitions).toHaveLength(5)
  expect(clusters.a.topic(topic.homeTopic).partitions).toHaveLength(5)
  expect(grown.chain[0]!.partitions[4]).toEqual({ start: '0', end: '0', base: '0' })
  // It is so after a restart, and moves on.
  const again = await plane.restart()
  expect((await again.client.topics.get('orders')).chain[0]!.partitions).toHaveLength(5)
  const id = await move(again, 'b')
  expect((await ended(again.client, id, ['switched', 'done', 'failed'])).state).not.toBe('failed')
})

test('while partitions are added no migration begins, and while it moves none are added', async () => {
  const { clusters, plane } = await started(never)
  await moved(plane)
  const gate = Promise.withResolvers<void>()
  const asked = Promise.withResolvers<void>()
  const add = clusters.c.createPartitions.bind(clusters.c)
  clusters.c.createPartitions = async (topics) => {
    asked.resolve()
    await gate.promise
    return add(topics)
  }
  const growing = plane.client.topics.update('orders', { partitions: 5 })
  await asked.promise
  await expect(move(plane, 'a')).rejects.toMatchObject({
    code: 'TOPIC_CHANGING',
    detail: expect.stringContaining('partitions are added'),
  })
  gate.resolve()
  expect((await growing).partitions).toBe(5)

  clusters.c.stubborn.add((await plane.client.topics.get('orders')).physicalTopic)
  await move(plane, 'a')
  const waiting = await plane.client.topics.update('orders', { partitions: 6 })
  expect([waiting.partitions, waiting.drift]).toEqual([5, [expect.stringContaining('waits for migration')]])
})

test('a process that dies while partitions are added leaves the next one to go on', async () => {
  const { clusters, plane } = await started(never)
  const topic = await moved(plane)
  const add = clusters.c.createPartitions.bind(clusters.c)
  const dead = Promise.withResolvers<void>()
  clusters.c.createPartitions = async () => {
    dead.resolve()
    await new Promise(() => {}) // it never hears of it
  }
  plane.client.topics.update('orders', { partitions: 5 }).catch(() => {})
  await dead.promise
  expect(clusters.b.topic(topic.chain[0]!.topic).partitions).toHaveLength(5)
  clusters.c.createPartitions = add
  const again = await plane.restart({ timings: often })
  await expect.poll(async () => (await again.client.topics.get('orders')).partitions).toBe(5)
  expect(clusters.c.topic(topic.physicalTopic).partitions).toHaveLength(5)
  // Nobody holds it.
  await move(again, 'a')
})

test('a stub that was deleted is made again; a topic that was deleted is an alarm', async () => {
  const { clusters, plane } = await started()
  const topic = await moved(plane)
  clusters.a.topics.delete(topic.homeTopic)
  await expect.poll(() => clusters.a.topics.has(topic.homeTopic)).toBe(true)
  expect(clusters.a.isSealed(topic.homeTopic)).toBe(true)
  expect(events(plane, 'drift.seen')).toMatchObject([{ level: 'error', fields: { code: 'STUB_MISSING' } }])

  clusters.c.topics.delete(topic.physicalTopic)
  await expect.poll(() => drift(plane)).toEqual([expect.stringContaining('somebody deleted it')])
  await plane.client.topics.update('orders', { configs: { 'retention.ms': '5' } })
  expect(clusters.c.topics.has(topic.physicalTopic)).toBe(false)
  expect(await drift(plane)).toHaveLength(1)
})

test('a seal that was taken off is put on again', async () => {
  const { clusters, plane } = await started()
  const topic = await moved(plane)
  const sealed = topic.chain[0]!.topic
  await clusters.b.unseal([{ topic: sealed, override: null }])
  await expect.poll(() => clusters.b.isSealed(sealed)).toBe(true)
})

test('a cluster that is away is shown, holds up nobody else, and is mended when it is back', async () => {
  const { clusters, plane } = await started()
  await moved(plane)
  clusters.c.away = true
  await plane.client.topics.create({ name: 'other', partitions: 1, cluster: 'b' })
  const other = await plane.client.topics.update('other', { configs: { 'retention.ms': '7000' } })
  expect(other.drift).toEqual([])
  const waiting = await plane.client.topics.update('orders', { configs: { 'retention.ms': '7000' } })
  expect(waiting.drift).toEqual([expect.stringContaining('c cannot be asked')])
  expect(Math.abs(Date.parse(waiting.driftSince!) - Date.now())).toBeLessThan(10_000)
  clusters.c.away = false
  await expect.poll(() => drift(plane)).toEqual([])
  expect((await plane.client.topics.get('orders')).driftSince).toBeNull()
  expect(configOf(clusters.c, waiting.physicalTopic, 'retention.ms')).toBe('7000')
})

test('what a cluster refuses stays shown, with its reason', async () => {
  const { clusters, plane } = await started(never)
  await plane.client.topics.create({ name: 'orders', partitions: 2, cluster: 'b' })
  clusters.b.changeConfigs = async () => {
    throw new Error('b does not allow retention.ms')
  }
  const { drift } = await plane.client.topics.update('orders', { configs: { 'retention.ms': '7000' } })
  expect(drift).toEqual([
    expect.stringContaining('should be 7000'),
    'it was not mended: b does not allow retention.ms',
  ])
})

test('what protects a new topic from the loss of its cluster does not wait for a round', async () => {
  const { clusters, plane } = await started(never)
  await plane.client.tenants.put({ name: 'default', home: 'a', standbyHome: 'b' })
  await plane.client.slas.put({
    name: 'gold',
    availability: { failover: 'strict' },
    durability: { replicationFactor: 1 },
  })
  await plane.client.topics.create({ name: 'orders', partitions: 2, cluster: 'a', sla: 'gold' })
  await standsBy(plane.client, 'orders')
  const sealedOn = (cluster: FakeCluster) =>
    [...cluster.topics.keys()].filter((name) => cluster.isSealed(name))
  await expect.poll(() => sealedOn(clusters.b)).toHaveLength(1)
  // Nor does a topic that has been there, when its commits shall be mirrored elsewhere.
  await plane.client.tenants.put({ name: 'default', home: 'a', standbyHome: 'c' })
  await expect.poll(() => sealedOn(clusters.c)).toHaveLength(1)
})

test('a standby topic is made where placement says, kept in step, and goes with its topic', async () => {
  const { clusters, plane } = await started()
  await plane.client.slas.put({
    name: 'strict',
    availability: { failover: 'strict' },
    durability: { replicationFactor: 1 },
  })
  const { topic } = await plane.client.topics.create({ name: 'orders', partitions: 2, sla: 'strict' })
  const standby = clusters[topic!.standby as 'a']
  expect(standby).toBeDefined()
  // Its stub may be there too.
  const waiting = () => [...standby.topics.keys()].filter((name) => name !== topic!.homeTopic)
  await expect.poll(waiting).toHaveLength(1)
  const [name] = waiting() as [string]
  await plane.client.topics.update('orders', { partitions: 4, configs: { 'retention.ms': '7000' } })
  await expect.poll(() => standby.topic(name).partitions.length).toBe(4)
  await expect.poll(() => configOf(standby, name, 'retention.ms')).toBe('7000')
  await plane.client.topics.delete('orders')
  await expect.poll(() => standby.topics.has(name)).toBe(false)
})

const strict = {
  name: 'strict',
  availability: { failover: 'strict' },
  durability: { replicationFactor: 1 },
} as const

async function strictTopic(plane: TestPlane, cluster: string) {
  await plane.client.slas.put(strict)
  await plane.client.topics.create({ name: 'orders', partitions: 2, cluster, sla: 'strict' })
  await standsBy(plane.client, 'orders')
  return plane.client.topics.get('orders')
}

test('a topic that moves to its standby gets another one, without waiting for a round', async () => {
  const { clusters, plane } = await started(never)
  const { standby } = await strictTopic(plane, 'b')
  const id = await move(plane, standby!)
  const { to } = await ended(plane.client, id, ['switched', 'done'])
  expect(to.cluster).toBe(standby)
  await standsBy(plane.client, 'orders')
  const topic = await plane.client.topics.get('orders')
  expect([topic.cluster, topic.standby]).toEqual([standby, expect.stringMatching(/./)])
  expect(topic.standby).not.toBe(standby)
  // What waited there for a failover is gone.
  const left = () =>
    [...clusters[standby as 'c'].topics.keys()].filter(
      (name) => name !== topic.homeTopic && name !== topic.physicalTopic,
    )
  await expect.poll(left).toEqual([])
  expect(topic.drift).toEqual([])
})

test('one that moves to where it would be lost with its standby gets one elsewhere', async () => {
  const { plane } = await started(never)
  for (const name of ['b', 'c'])
    await plane.client.clusters.update(name, { labels: { 'failure-domain': 'west' } })
  const { standby } = await strictTopic(plane, 'a')
  const id = await move(plane, standby === 'b' ? 'c' : 'b')
  await ended(plane.client, id, ['switched', 'done'])
  await expect.poll(async () => (await plane.client.topics.get('orders')).standby).toBe('a')
  await standsBy(plane.client, 'orders')
})

test('one whose control plane ended right after the move gets another standby by the next round', async () => {
  const { plane } = await started(never)
  const { standby } = await strictTopic(plane, 'b')
  const id = await move(plane, standby!)
  await ended(plane.client, id, ['switched', 'done'])
  await plane.close()
  const next = await plane.restart({ timings: often })
  await standsBy(next.client, 'orders')
  const topic = await next.client.topics.get('orders')
  expect([topic.cluster, topic.standby]).toEqual([standby, expect.stringMatching(/./)])
  expect(topic.standby).not.toBe(standby)
})

test('one for which there is no other cluster says so', async () => {
  const { plane } = await started()
  const { standby } = await strictTopic(plane, 'b')
  for (const name of ['a', 'b', 'c']) if (name !== standby) await plane.client.clusters.cordon(name)
  const id = await move(plane, standby!)
  await ended(plane.client, id, ['switched', 'done'])
  await expect
    .poll(() => drift(plane))
    .toEqual([`it has moved to ${standby}, which was its standby, and has no other one yet`])
  expect((await plane.client.topics.get('orders')).standby).toBeNull()
  for (const name of ['a', 'b', 'c']) if (name !== standby) await plane.client.clusters.uncordon(name)
  await standsBy(plane.client, 'orders')
})

test.each<[string, (plane: TestPlane, clusters: Record<'a' | 'b' | 'c', FakeCluster>) => Promise<unknown>]>([
  [
    'is given a class that fails over',
    async (plane) => {
      await plane.client.topics.create({ name: 'orders', partitions: 2, cluster: 'b' })
      await plane.client.topics.update('orders', { sla: 'strict' })
    },
  ],
  [
    'is of a class that fails over from now on',
    async (plane) => {
      await plane.client.slas.put({ ...strict, name: 'plain', availability: { failover: 'none' } })
      await plane.client.topics.create({ name: 'orders', partitions: 2, cluster: 'b', sla: 'plain' })
      await plane.client.slas.put({ ...strict, name: 'plain' })
    },
  ],
  [
    'is adopted with a class that fails over',
    async (plane, { b }) => {
      await b.createTopic({ topic: 'orders', partitions: 2, configs: {} })
      await plane.client.topics.adopt({ name: 'orders', cluster: 'b', sla: 'strict' })
    },
  ],
])('a topic that %s gets a standby', async (_, change) => {
  const { clusters, plane } = await started()
  await plane.client.slas.put(strict)
  await change(plane, clusters)
  await standsBy(plane.client, 'orders')
  expect((await plane.client.topics.get('orders')).standby).toMatch(/^[ac]$/)
})

test('rounds end with the term', async () => {
  const { clusters, plane } = await started()
  await moved(plane)
  await expect
    .poll(() => clusters.c.calls.filter((call) => call === 'describeTopics').length)
    .toBeGreaterThan(1)
  await plane.close()
  const calls = clusters.c.calls.length
  await new Promise((resolve) => setTimeout(resolve, 150))
  expect(clusters.c.calls).toHaveLength(calls)
})
