import { expect, test } from 'vitest'
import { fakeClusters, startTestPlane } from '../testing/test-plane.ts'

test('what is about to be deleted is not adopted: it would be deleted under its new name', async () => {
  const clusters = fakeClusters()
  const { client } = await startTestPlane(clusters, { timings: { sweepEveryMs: 60_000 } })
  await clusters.a.createTopic({ topic: 'legacy', partitions: 1 })
  await client.topics.adopt({ name: 'legacy', cluster: 'a' })
  clusters.a.away = true
  await client.topics.delete('legacy')
  clusters.a.away = false
  await expect(client.topics.adopt({ name: 'legacy', cluster: 'a' })).rejects.toMatchObject({
    code: 'TOPIC_CHANGING',
    detail: expect.stringContaining('legacy on a is being deleted'),
  })
  expect(await client.topics.list()).toEqual([])
})

test('what a topic is being moved to is not adopted as another one', async () => {
  const clusters = fakeClusters()
  const held = Promise.withResolvers<void>()
  const { client } = await startTestPlane(clusters, {
    migrationHooks: {
      step: (step, phase) => (step === 'SEAL' && phase === 'before' ? held.promise : undefined),
    },
  })
  await client.topics.create({ name: 'orders', partitions: 1 })
  const [migration] = await client.migrations.start({ topics: ['orders'], to: 'b' })
  await expect.poll(() => clusters.b.topics.size).toBe(1)
  const [physical] = clusters.b.topics.keys()
  await expect(client.topics.adopt({ name: physical!, cluster: 'b' })).rejects.toMatchObject({
    code: 'TOPIC_EXISTS',
    detail: expect.stringContaining('orders'),
  })
  held.resolve()
  await client.migrations.wait(migration.id, { until: 'switched', timeoutMs: 5_000 })
})

test('what is kept for a failover of a topic is not adopted as another one', async () => {
  const clusters = fakeClusters()
  const { client } = await startTestPlane(clusters)
  await client.slas.put({
    name: 'gold',
    availability: { failover: 'strict' },
    durability: { replicationFactor: 1 },
  })
  const { topic } = await client.topics.create({ name: 'orders', partitions: 1, sla: 'gold', cluster: 'a' })
  const standby = clusters[topic!.standby as 'b' | 'c']
  await client.topics.update('orders', { owner: 'shop' }) // looked at now, not with the next round
  await expect.poll(() => standby.topics.size).toBe(1)
  const [physical] = standby.topics.keys()
  await expect(client.topics.adopt({ name: physical!, cluster: standby.name })).rejects.toMatchObject({
    code: 'TOPIC_EXISTS',
    detail: expect.stringContaining('failover'),
  })
})
