import { expect, test } from 'vitest'
import { ended, fakeClusters, startTestPlane } from '../testing/test-plane.ts'

/** What is sealed stays in the chain. */
const timings = { retireAfterMs: 60_000 }
const compact = { 'cleanup.policy': 'compact' }

test('a topic whose chain has sealed loglets does not become compacted: old keys would go with them', async () => {
  const clusters = fakeClusters()
  const { client } = await startTestPlane(clusters, { timings })
  await client.topics.create({ name: 'orders', partitions: 1 })
  const [{ id }] = await client.migrations.start({ topics: ['orders'], to: 'b' })
  await ended(client, id, ['switched'])
  const updated = await client.topics.update('orders', { configs: compact })
  const active = clusters.b.topic(updated.physicalTopic)
  expect(active.configs.get('cleanup.policy')?.value).toBe('delete')
  expect(updated.drift).toEqual([expect.stringContaining('cleanup.policy=compact')])
})

test('nor while it moves: it is then', async () => {
  const clusters = fakeClusters()
  const held = Promise.withResolvers<void>()
  const { client } = await startTestPlane(clusters, {
    timings,
    migrationHooks: {
      step: (step, phase) => (step === 'PREPARE' && phase === 'before' ? held.promise : undefined),
    },
  })
  await client.topics.create({ name: 'orders', partitions: 1 })
  const [{ id }] = await client.migrations.start({ topics: ['orders'], to: 'b' })
  await client.topics.update('orders', { configs: compact })
  held.resolve()
  await ended(client, id, ['switched'])
  for (const cluster of [clusters.a, clusters.b]) {
    for (const { configs } of cluster.topics.values())
      expect(configs.get('cleanup.policy')?.value).toBe('delete')
  }
})

test('one that has not moved does, and is not moved then', async () => {
  const clusters = fakeClusters()
  const { client } = await startTestPlane(clusters, { timings })
  await client.topics.create({ name: 'orders', partitions: 1 })
  const { physicalTopic, drift } = await client.topics.update('orders', { configs: compact })
  expect([drift, clusters.a.topic(physicalTopic).configs.get('cleanup.policy')?.value]).toEqual([
    [],
    'compact',
  ])
})
