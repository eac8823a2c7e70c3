import type { ControlPlaneClient, FleetInput } from '@braid/control-api'
import { expect, test } from 'vitest'
import { ended, fakeClusters, startTestPlane } from '../testing/test-plane.ts'

/** What is sealed stays in the chain. */
const timings = { retireAfterMs: 60_000 }
const compact = { 'cleanup.policy': 'compact' }
const refused = {
  code: 'TOPIC_CONFIG_REFUSED',
  detail: expect.stringContaining('orders cannot become compacted'),
}

/** By a fleet file, which wishes what an update is refused. */
async function wishFor(client: ControlPlaneClient, configs: Record<string, string>): Promise<string> {
  const fleet = (await client.fleet.export()).fleet as FleetInput
  const wished = { ...fleet, topics: fleet.topics!.map((topic) => ({ ...topic, configs })) }
  const { basedOn } = await client.fleet.plan(wished)
  const { operation } = await client.fleet.apply(wished, { basedOn })
  return operation.id
}

test('a topic whose chain has sealed loglets does not become compacted: old keys would go with them', async () => {
  const clusters = fakeClusters()
  const { client } = await startTestPlane(clusters, { timings })
  await client.topics.create({ name: 'orders', partitions: 1 })
  const [{ id }] = await client.migrations.start({ topics: ['orders'], to: 'b' })
  await ended(client, id, ['switched'])
  await expect(client.topics.update('orders', { configs: compact })).rejects.toMatchObject(refused)
  await client.operations.wait(await wishFor(client, compact), { timeoutMs: 5_000 })
  const updated = await client.topics.update('orders', { owner: 'shop' })
  const active = clusters.b.topic(updated.physicalTopic)
  expect(active.configs.get('cleanup.policy')?.value).toBe('delete')
  expect(updated.drift).toEqual([expect.stringContaining('cleanup.policy=compact')])
})

test('nor while it moves: it is then', async () => {
  const clusters = fakeClusters()
  const held = Promise.withResolvers<void>()
  let migration = ''
  const { client } = await startTestPlane(clusters, {
    timings,
    migrationHooks: {
      // The apply of a fleet file has a PREPARE too.
      step: (step, phase, id) => {
        migration ||= id
        return step === 'PREPARE' && phase === 'before' && id === migration ? held.promise : undefined
      },
    },
  })
  await client.topics.create({ name: 'orders', partitions: 1 })
  const [{ id }] = await client.migrations.start({ topics: ['orders'], to: 'b' })
  await expect(client.topics.update('orders', { configs: compact })).rejects.toMatchObject(refused)
  const operation = await wishFor(client, compact)
  await expect.poll(async () => (await client.topics.get('orders')).configs['cleanup.policy']).toBe('compact')
  held.resolve()
  await client.operations.wait(operation, { timeoutMs: 5_000 })
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
