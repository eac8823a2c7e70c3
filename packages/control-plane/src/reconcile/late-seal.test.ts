import { expect, test } from 'vitest'
import { ended, fakeClusters, startTestPlane } from '../testing/test-plane.ts'

test('a seal that arrives after it was taken back is taken off; one of somebody else is not', async () => {
  const clusters = fakeClusters()
  const { client } = await startTestPlane(clusters, { timings: { reconcileEveryMs: 20 } })
  const seal = clusters.a.seal.bind(clusters.a)
  clusters.a.seal = async () => {
    throw new Error('the broker that was asked has not answered')
  }
  const names = ['orders', 'clicks']
  const physicals: string[] = []
  for (const name of names) {
    const { topic } = await client.topics.create({ name, partitions: 1 })
    physicals.push(topic!.physicalTopic)
  }
  const [{ id }] = await client.migrations.start({ topics: ['orders'], to: 'b' })
  await ended(client, id, ['failed'])
  // It has got it all the same.
  await seal(physicals)
  const sealed = () => physicals.map((physical) => clusters.a.isSealed(physical))
  await expect.poll(sealed).toEqual([false, true])
  await expect
    .poll(async () => (await client.topics.get('clicks')).drift.join())
    .toContain('somebody sealed it')
  const orders = clusters.a.topic(physicals[0]!).configs.get('max.message.bytes')
  expect(orders?.value).toBe(String((await client.topics.get('orders')).maxMessageBytes))
})
