import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import type { KafkaCluster } from '../clusters/cluster.ts'
import { sharedClusters } from '../clusters/shared.ts'
import { type RunningBraid, startBraid } from '../components/running.ts'
import { bringBack, killCluster, returnCluster, untilGivenUp } from '../workloads/cluster-loss.ts'
import { standbyReady } from '../workloads/failover-topic.ts'
import { TopicUnderLoad } from '../workloads/topic-under-load.ts'

// Somebody moves a topic to the cluster that was its standby, and that cluster is lost. With two clusters there is no
// other way to move it.

let a: KafkaCluster
let b: KafkaCluster
let braid: RunningBraid
beforeAll(async () => {
  ;[a, b] = sharedClusters() as [KafkaCluster, KafkaCluster]
  braid = await startBraid([a, b], { proxies: 2 })
})
afterAll(() => braid?.stop())

test('a topic has moved to its standby when that is lost: it goes on where it came from', async () => {
  const load = await TopicUnderLoad.start(braid, {
    topic: 'moved-and-lost',
    on: 'a',
    partitions: 4,
    failover: { policy: 'strict' },
  })
  onTestFinished(() => load.stop())
  expect((await braid.client.topics.get(load.topic)).standby).toBe('b')
  await load.move('b')
  expect(await standbyReady(braid.client, load.topic)).toBe('a')
  await load.worksOn()
  await killCluster(b)
  const { failover } = await untilGivenUp(braid.client, 'b')
  expect(failover).toMatchObject({ state: 'done', counts: { topics: 1, moved: 1, waiting: 0 } })
  await load.worksOn(300)
  await bringBack(b)
  await returnCluster(braid.client, 'b')
  expect(await standbyReady(braid.client, load.topic)).toBe('b')
  await load.worksOn()
  expect(await load.judge()).toMatchObject({ evidence: [], verdict: 'clean' })
})
