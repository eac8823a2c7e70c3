// A home that is lost and taken back, through the API, with all that belongs to it: failover, return and reconciler.
import { expect, test } from 'vitest'
import { IdempotentProducer } from '../testing/idempotent-producer.ts'
import { standsBy } from '../testing/stands-by.ts'
import { fakeClusters, startTestPlane, type TestPlane } from '../testing/test-plane.ts'

const timings = {
  reconcileEveryMs: 40,
  reconcileLookMaxMs: 200,
  reconcileSoonMaxMs: 1_000,
  termEndMaxMs: 200,
  writeLeaseMs: 10,
  leaseMarginMs: 1,
  pulseEveryMs: 20,
  pulseTimeoutMs: 50,
  knownEndsEveryMs: 20,
  repeatsSettleMs: 0,
}

const orders = ({ client }: TestPlane) => client.topics.get('orders')
const ended = async ({ client }: TestPlane, id: string) =>
  expect.poll(async () => (await client.failovers.get(id)).state).toBe('done')
const inOrder = async (plane: TestPlane, name: string) =>
  expect.poll(async () => (await plane.client.topics.get(name)).drift).toEqual([])

async function furnished() {
  const clusters = fakeClusters()
  const plane = await startTestPlane(clusters, { timings })
  const { client } = plane
  await client.failovers.configure({ automatic: false })
  await client.slas.put({
    name: 'gold',
    availability: { failover: 'strict' },
    durability: { replicationFactor: 1, minInSyncReplicas: 1 },
  })
  await client.tenants.put({ name: 'default', home: 'a', standbyHome: 'b' })
  await client.topics.create({ name: 'orders', partitions: 1, sla: 'gold', cluster: 'a' })
  await standsBy(client, 'orders')
  await inOrder(plane, 'orders')
  return { clusters, plane, client }
}

test('a home is lost and taken back: topics, groups and standbys are in order each time', async () => {
  const { clusters, plane, client } = await furnished()
  const before = await orders(plane)
  const producer = new IdempotentProducer(7n)
  producer.send(clusters.a, before.physicalTopic, 'answered')
  const unanswered = producer.send(clusters.a, before.physicalTopic, 'not answered')
  const commit = { topic: before.homeTopic, partition: 0, offset: 1n, metadata: null }
  await clusters.a.commit({ groupId: 'readers', offsets: [commit] })

  const { failover } = await client.failovers.start('a', { force: true })
  clusters.a.away = true
  await ended(plane, failover!.id)
  const moved = await orders(plane)
  expect(moved.chain.map(({ state }) => state)).toEqual(['lost', 'active'])
  expect((await client.tenants.get('default')).home).toBe('b')
  clusters[moved.cluster as 'b' | 'c'].write(moved.physicalTopic, 0, unanswered)
  await expect(client.topics.update('orders', { partitions: 2 })).rejects.toMatchObject({
    code: 'TOPIC_CHANGING',
    detail: expect.stringContaining('given up'),
  })
  await expect(client.topics.abandon('orders', 0)).resolves.toMatchObject({ done: false, cluster: 'a' })
  await expect(client.failovers.return('a')).rejects.toMatchObject({ code: 'CLUSTER_STILL_FAILING' })

  clusters.a.away = false
  await expect
    .poll(() => client.failovers.return('a', {}, { dryRun: true }).catch(() => undefined))
    .toBeDefined()
  const { plan } = await client.failovers.return('a', {}, { dryRun: true })
  expect(plan.topics.map(({ topic, from }) => [topic, from.cluster])).toEqual([['orders', 'a']])
  const { failover: taken } = await client.failovers.return('a')
  await ended(plane, taken!.id)
  const topics = await client.failovers.topics(taken!.id)
  expect(topics[0]?.recovered).toMatchObject({ leftOut: 1, toCopy: 0 })
  expect((await orders(plane)).chain.map(({ state }) => state)).toEqual(['sealed', 'active'])
  expect(await client.clusters.get('a')).toMatchObject({ state: 'active' })
  expect(await client.tenants.get('default')).toMatchObject({ home: 'b', standbyHome: 'a' })
  const [record] = await client.migrations.list()
  expect(record).toMatchObject({ state: 'switched', step: 'DRAIN', strays: [], cuts: ['2'] })
  expect(new Set(record?.attempts.map(({ step }) => step))).toEqual(new Set(['DRAIN']))
  await inOrder(plane, 'orders')
  // Commits are mirrored the other way round by now.
  await clusters.b.commit({
    groupId: 'others',
    offsets: [{ ...commit, topic: (await orders(plane)).homeTopic, offset: 9n }],
  })
  expect((await client.topics.update('orders', { partitions: 2 })).partitions).toBe(2)
  const audited = (await client.audit.list()).entries.map(({ action, outcome }) => `${action} ${outcome}`)
  expect(audited).toContain('clusters.return done')
  expect(audited).toContain('clusters.return refused')
})

test('a lost loglet is abandoned by whoever confirms it, and that is audited with its price', async () => {
  const { clusters, plane, client } = await furnished()
  const { failover } = await client.failovers.start('a', { force: true })
  clusters.a.away = true
  await ended(plane, failover!.id)
  const { price } = await client.topics.abandon('orders', 0)
  const abandoned = await client.topics.abandon('orders', 0, { confirm: true })
  expect(abandoned).toMatchObject({ done: true, price })
  expect((await orders(plane)).chain.map(({ state }) => state)).toEqual(['active'])
  const entry = (await client.audit.list()).entries.find(({ action }) => action === 'topics.abandon')
  expect(entry).toMatchObject({ outcome: 'done', what: 'topic orders' })
  expect(JSON.stringify(entry?.diff)).toContain('records')
})
