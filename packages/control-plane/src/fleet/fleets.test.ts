import { type FleetInput, fleet, type Operation } from '@braid/control-api'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { FakeCluster } from '../testing/fake-cluster.ts'
import { startTestPlane, type TestPlane } from '../testing/test-plane.ts'
import { exportFleet } from './document.ts'
import { randomFleet } from './testing/random-fleet.ts'

/** A control plane without clusters, in a world where these can be reached. */
async function startIn(names: readonly string[], options: Parameters<typeof startTestPlane>[1] = {}) {
  const clusters = Object.fromEntries(names.map((name) => [name, new FakeCluster(name)]))
  for (const cluster of Object.values(clusters)) cluster.brokers = 3
  const plane = await startTestPlane(
    {},
    {
      openCluster: ({ name, bootstrap }) => {
        const at = bootstrap[0]!.split(':')[0]!
        const found = clusters[at]
        if (found !== undefined) return found
        const nobody = new FakeCluster(name)
        nobody.away = true
        return nobody
      },
      ...options,
    },
  )
  return { plane, clusters }
}

async function apply({ client }: TestPlane, file: FleetInput, { prune = false } = {}): Promise<Operation> {
  const { basedOn } = await client.fleet.plan(file, { prune })
  const { operation } = await client.fleet.apply(file, { basedOn, prune })
  return client.operations.wait(operation.id, { timeoutMs: 20_000 })
}

const shop: FleetInput = {
  version: 1,
  clusters: [
    { name: 'eu', bootstrap: 'eu:9092', labels: { region: 'eu' } },
    { name: 'us', bootstrap: 'us:9092', labels: { region: 'us' }, capacity: { partitions: 1_000 } },
  ],
  slas: [{ name: 'american', latency: { labels: { region: 'us' } }, durability: { replicationFactor: 2 } }],
  tenants: [
    { name: 'default', home: 'eu' },
    { name: 'shop', home: 'eu', owners: ['user:ann'], quotas: { topicsMax: 10 } },
  ],
  topics: [
    { name: 'audit', partitions: 2 },
    {
      name: 'orders',
      tenant: 'shop',
      partitions: 4,
      sla: 'american',
      configs: { 'retention.ms': '3600000' },
    },
  ],
}

const physicalTopics = (clusters: Record<string, FakeCluster>) =>
  Object.values(clusters).flatMap((cluster) =>
    [...cluster.topics.keys()].map((name) => `${cluster.name} ${name}`),
  )

describe('a fleet file', () => {
  test('is put into force as a whole: clusters, classes, tenants, topics where the plan put them', async () => {
    const { plane, clusters } = await startIn(['eu', 'us'])
    const plan = await plane.client.fleet.plan(shop)
    expect(plan.obstacles).toEqual([])
    const { operation } = await plane.client.fleet.apply(shop, { basedOn: plan.basedOn })
    expect(operation).toMatchObject({ kind: 'apply', state: 'running' })
    const ended = await plane.client.operations.wait(operation.id, { timeoutMs: 10_000 })
    expect(ended).toMatchObject({ state: 'done', error: null })

    const orders = await plane.client.topics.get('orders', { tenant: 'shop' })
    expect(orders).toMatchObject({ cluster: 'us', sla: 'american', configs: { 'retention.ms': '3600000' } })
    const made = clusters.us!.topic(orders.physicalTopic)
    expect(made.replicationFactor).toBe(2)
    expect(made.configs.get('retention.ms')?.value).toBe('3600000')
    // Its groups commit on the tenant's home.
    expect(clusters.eu!.isSealed(orders.homeTopic)).toBe(true)
    expect(await plane.client.topics.get('audit')).toMatchObject({ cluster: 'eu' })
    expect(await plane.client.tenants.get('shop')).toMatchObject({ owners: ['user:ann'] })
    expect((await plane.client.fleet.export()).fleet).toEqual(exportFleet(fleet.parse(shop)))
  })

  test('that says what is already so changes nothing, and is done at once', async () => {
    const { plane, clusters } = await startIn(['eu', 'us'])
    await apply(plane, shop)
    const before = physicalTopics(clusters)
    const { revision, fleet: exported } = await plane.client.fleet.export()
    const plan = await plane.client.fleet.plan(exported as FleetInput, { prune: true })
    expect(plan).toEqual({ basedOn: revision, changes: [], moves: [], obstacles: [], unnamed: [] })
    expect(await apply(plane, exported as FleetInput, { prune: true })).toMatchObject({ state: 'done' })
    expect(physicalTopics(clusters)).toEqual(before)
    expect((await plane.client.fleet.export()).revision).toBe(revision)
  })

  test('is refused when the world has changed since the plan, and nothing of it is done', async () => {
    const { plane, clusters } = await startIn(['eu', 'us'])
    await apply(plane, shop)
    const more = { ...shop, topics: [...shop.topics!, { name: 'new', partitions: 1 }] }
    const { basedOn } = await plane.client.fleet.plan(more)
    await plane.client.clusters.cordon('us')
    await expect(plane.client.fleet.apply(more, { basedOn })).rejects.toMatchObject({ code: 'STALE_PLAN' })
    expect((await plane.client.operations.list()).length).toBe(1)
    expect(physicalTopics(clusters).some((name) => name.includes('new'))).toBe(false)
  })

  test('is undone when the world changes while it is prepared', async () => {
    const { plane, clusters } = await startIn(['eu', 'us'], {
      migrationHooks: {
        step: (step, phase, _id, kind) =>
          kind === 'apply' && step === 'COMMIT' && phase === 'before' ? held.promise : undefined,
      },
    })
    const held = Promise.withResolvers<void>()
    const { basedOn } = await plane.client.fleet.plan(shop)
    const { operation } = await plane.client.fleet.apply(shop, { basedOn })
    await expect.poll(() => physicalTopics(clusters).length).toBeGreaterThanOrEqual(3)
    await plane.client.slas.put({ name: 'other' })
    await expect(plane.client.fleet.apply(shop, { basedOn })).rejects.toMatchObject({ code: 'STALE_PLAN' })
    const { basedOn: now } = await plane.client.fleet.plan(shop)
    await expect(plane.client.fleet.apply(shop, { basedOn: now })).rejects.toMatchObject({
      code: 'OPERATION_IN_PROGRESS',
    })
    held.resolve()
    await expect(plane.client.operations.wait(operation.id, { timeoutMs: 10_000 })).rejects.toMatchObject({
      code: 'STALE_PLAN',
    })
    expect(physicalTopics(clusters)).toEqual([])
    expect(await plane.client.clusters.list()).toEqual([])
    expect((await plane.client.slas.list()).map(({ name }) => name)).toEqual(['other'])
  })

  test('with obstacles is refused, and says which', async () => {
    const { plane } = await startIn(['eu', 'us'])
    const wrong = { ...shop, topics: [{ name: 'x', partitions: 1, sla: 'amercian' }] }
    const { basedOn, obstacles } = await plane.client.fleet.plan(wrong)
    expect(obstacles).toHaveLength(1)
    await expect(plane.client.fleet.apply(wrong, { basedOn })).rejects.toMatchObject({
      code: 'PLAN_HAS_OBSTACLES',
      detail: expect.stringContaining('did you mean american?'),
    })
    const away = { ...shop, clusters: [...shop.clusters!, { name: 'far', bootstrap: 'far:9092' }] }
    expect((await plane.client.fleet.plan(away)).obstacles).toEqual([
      { what: 'cluster far', reason: expect.stringContaining('no cluster answers at far:9092') },
    ])
  })

  test('moves topics that may not stay, changes what changed, and removes what it does not name', async () => {
    const { plane, clusters } = await startIn(['eu', 'us', 'old'])
    await apply(plane, { ...shop, clusters: [...shop.clusters!, { name: 'old', bootstrap: 'old:9092' }] })
    const next: FleetInput = {
      ...shop,
      tenants: [shop.tenants![0]!],
      topics: [{ name: 'audit', partitions: 2, sla: 'american', owner: 'the audit team' }],
    }
    const ended = await apply(plane, next, { prune: true })
    expect(ended).toMatchObject({ state: 'done', counts: { moved: 1 } })
    const [move] = await plane.client.operations.moves(ended.id)
    expect(move).toMatchObject({ topic: 'audit', from: 'eu', to: 'us', state: 'moved' })
    expect(move!.reason).toContain('it may not stay on eu: region=us is asked for')
    expect(await plane.client.topics.get('audit')).toMatchObject({ cluster: 'us', owner: 'the audit team' })
    expect((await plane.client.fleet.export()).fleet).toEqual(exportFleet(fleet.parse(next)))
    await expect.poll(() => physicalTopics(clusters).some((name) => name.includes('orders'))).toBe(false)
  })

  test('is in force even where a topic could not be moved: that is named, and retry moves it', async () => {
    const { plane, clusters } = await startIn(['eu', 'us'])
    await apply(plane, shop)
    const next = { ...shop, topics: [{ name: 'audit', partitions: 2, sla: 'american' }] }
    const { physicalTopic } = await plane.client.topics.get('audit')
    const bad = clusters.eu!.topic(physicalTopic)
    bad.configs.set('cleanup.policy', { value: 'compact', source: 'topic' })
    const { basedOn } = await plane.client.fleet.plan(next)
    const { operation } = await plane.client.fleet.apply(next, { basedOn })
    await expect(plane.client.operations.wait(operation.id, { timeoutMs: 10_000 })).rejects.toMatchObject({
      code: 'TOPIC_COMPACTED',
      detail: expect.stringContaining('the file is in force all the same'),
    })
    bad.configs.set('cleanup.policy', { value: 'delete', source: 'default' })
    await plane.client.operations.retry(operation.id)
    expect(await plane.client.operations.wait(operation.id, { timeoutMs: 10_000 })).toMatchObject({
      state: 'done',
      counts: { moved: 1, failed: 0 },
    })
  })

  test('that failed before it was in force is retried with topics that nobody is about to delete', async () => {
    const { plane, clusters } = await startIn(['eu', 'us'], {
      timings: { leftoverSettleMs: 60_000, sweepEveryMs: 10 },
    })
    await apply(plane, { ...shop, topics: [] })
    const { createTopic } = clusters.us!
    clusters.us!.createTopic = async () => {
      throw new Error('not now')
    }
    const { basedOn } = await plane.client.fleet.plan(shop)
    const { operation } = await plane.client.fleet.apply(shop, { basedOn })
    await expect(plane.client.operations.wait(operation.id, { timeoutMs: 10_000 })).rejects.toThrow('not now')
    clusters.us!.createTopic = createTopic
    await plane.client.operations.retry(operation.id)
    await plane.client.operations.wait(operation.id, { timeoutMs: 10_000 })
    const routed = async () => {
      const orders = await plane.client.topics.get('orders', { tenant: 'shop' })
      const audit = await plane.client.topics.get('audit')
      return [`eu ${audit.physicalTopic}`, `eu ${orders.homeTopic}`, `us ${orders.physicalTopic}`]
    }
    // Longer than a few sweeps.
    await new Promise((resolve) => setTimeout(resolve, 100))
    expect(physicalTopics(clusters).sort()).toEqual((await routed()).sort())
  })

  test('prunes the topics that it was asked to, and not what has come under their names since', async () => {
    let deleting: Promise<void> | undefined
    const moving = Promise.withResolvers<void>()
    const { plane } = await startIn(['eu', 'us'], {
      migrationHooks: {
        step: (step, phase, _id, kind) => {
          if (kind === 'apply' && step === 'DELETE' && phase === 'before') return deleting
          if (kind === 'migration' && step === 'SEAL' && phase === 'before') return moving.promise
          return undefined
        },
      },
    })
    const { client } = plane
    const without = { ...shop, topics: [] }
    const old = ['a-topic', 'b-topic'].map((name) => ({ name, partitions: 1, cluster: 'eu' }))
    await apply(plane, { ...shop, topics: old })
    const { basedOn } = await client.fleet.plan(without, { prune: true })
    const held = Promise.withResolvers<void>()
    deleting = held.promise
    const { operation } = await client.fleet.apply(without, { basedOn, prune: true })
    await client.migrations.start({ topics: ['b-topic'], to: 'us' })
    held.resolve()
    // One is gone, the other waits for its migration: the step begins again and again.
    await expect.poll(async () => (await client.topics.list()).map(({ name }) => name)).toEqual(['b-topic'])
    const { topic } = await client.topics.create({ name: 'a-topic', partitions: 3, cluster: 'eu' })
    moving.resolve()
    await client.operations.wait(operation.id, { timeoutMs: 10_000 })
    expect((await client.topics.list()).map(({ name, id }) => [name, id])).toEqual([['a-topic', topic?.id]])
  })

  test('any, applied one after the other: the export is what the file says, and its plan is empty', async () => {
    let applied = 0
    await fc.assert(
      fc.asyncProperty(randomFleet(), randomFleet(), async (first, second) => {
        const { plane } = await startIn(['c-0', 'c-1', 'c-2', 'c-3'])
        try {
          for (const [i, file] of [first, second].entries()) {
            const plan = await plane.client.fleet.plan(file, { prune: true })
            if (plan.obstacles.length > 0) continue
            if (i > 0) applied++
            await apply(plane, file, { prune: true })
            const exported = (await plane.client.fleet.export()).fleet as FleetInput
            expect(exported).toEqual(exportFleet(fleet.parse(file)))
            const again = await plane.client.fleet.plan(exported, { prune: true })
            expect(again).toMatchObject({ changes: [], moves: [], obstacles: [], unnamed: [] })
          }
        } finally {
          await plane.close()
        }
      }),
      { numRuns: 15 },
    )
    expect(applied).toBeGreaterThan(3)
  }, 60_000)

  test('may be larger than any other request', async () => {
    const { plane } = await startIn(['eu', 'us'])
    const topics = Array.from({ length: 1_000 }, (_, i) => ({
      name: `t-${i}`,
      partitions: 1,
      configs: { 'retention.ms': '1000', 'message.timestamp.type': 'x'.repeat(1_500) },
    }))
    const plan = await plane.client.fleet.plan({ ...shop, topics })
    expect(plan.changes).toHaveLength(1_000 + 5)
  })

  test('of a hundred clusters and two thousand topics is planned and exported in a moment', async () => {
    const names = Array.from({ length: 100 }, (_, i) => `c-${i}`)
    const { plane } = await startIn(names)
    const file: FleetInput = {
      version: 1,
      clusters: names.map((name) => ({ name, bootstrap: `${name}:9092` })),
      tenants: [{ name: 'default', home: 'c-0' }],
      topics: Array.from({ length: 2_000 }, (_, i) => ({
        name: `t-${i}`,
        partitions: 1,
        expected: { bytesInPerSecond: 1_000 * (i % 50) },
      })),
    }
    await apply(plane, file)
    const startedAt = performance.now()
    const { fleet: exported } = await plane.client.fleet.export()
    const plan = await plane.client.fleet.plan(exported as FleetInput, { prune: true })
    expect(plan).toMatchObject({ changes: [], moves: [], obstacles: [] })
    expect(exported).toEqual(exportFleet(fleet.parse(file)))
    expect(performance.now() - startedAt).toBeLessThan(10_000)
  }, 60_000)
})
