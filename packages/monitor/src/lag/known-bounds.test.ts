import { expect, test } from 'vitest'
import { ClusterSet, questionBounds } from '../clusters/cluster-set.ts'
import { FakeCluster } from '../testing/fake-cluster.ts'
import { tableOf, topicOf } from '../testing/routes.ts'
import { KnownBounds } from './known-bounds.ts'

test('a start that is refused does not keep the ends of other topics from being known', async () => {
  const a = await FakeCluster.start()
  const set = new ClusterSet(questionBounds)
  const [orders, clicks] = [topicOf('orders'), topicOf('clicks')]
  const [refused] = a.createTopic('orders.1', 1)
  const [log] = a.createTopic('clicks.1', 1)
  set.follow(tableOf({ a }, [orders, clicks]))
  const bounds = new KnownBounds()
  const refresh = () =>
    bounds.refresh(
      [orders, clicks].map((route) => ({ route, partitions: new Set([0]) })),
      set.get,
      1_000,
    )
  expect([...(await refresh())]).toEqual([])
  refused!.start = -1n
  log!.write(10)
  expect([...(await refresh())]).toEqual(['a'])
  expect(bounds.of(clicks, 0)).toEqual({ starts: [0n], ends: [10n] })
  await Promise.all([set.close(), a.stop()])
})
