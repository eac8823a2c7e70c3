import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import type { KafkaCluster } from '../clusters/cluster.ts'
import { sharedClusters } from '../clusters/shared.ts'
import { type RunningBraid, startBraid } from '../components/running.ts'
import {
  bringBack,
  failoversOf,
  killCluster,
  returnCluster,
  untilGivenUp,
} from '../workloads/cluster-loss.ts'
import { standbyReady } from '../workloads/failover-topic.ts'
import { TopicUnderLoad } from '../workloads/topic-under-load.ts'

// A topic's cluster is lost, and then the one that it went on at. It has no third, so it waits.

const PARTITIONS = 4

let first: KafkaCluster
let second: KafkaCluster
let braid: RunningBraid
beforeAll(async () => {
  const [a, b, c] = sharedClusters()
  first = b!
  second = c!
  braid = await startBraid([a!, first, second], { proxies: 2 })
  // The second loss comes in seconds.
  await braid.client.failovers.configure({ quietMs: 0 })
})
afterAll(() => braid?.stop())

async function bothLost(topic: string): Promise<TopicUnderLoad> {
  const load = await TopicUnderLoad.start(braid, {
    topic,
    on: 'b',
    partitions: PARTITIONS,
    failover: { policy: 'strict', standby: 'c' },
  })
  onTestFinished(() => load.stop())
  const before = await failoversOf(braid.client, 'b')
  await killCluster(first)
  await untilGivenUp(braid.client, 'b', { timeoutMs: 15_000, after: before })
  await load.worksOn(300)
  await killCluster(second)
  return load
}

test('the one that was lost first returns first: the topic goes back to it, and waits for the other', async () => {
  const load = await bothLost('first-first')
  await bringBack(first)
  await returnCluster(braid.client, 'b', { timeoutMs: 30_000 })
  // It is there again to go on at, and the other one is still down.
  await untilGivenUp(braid.client, 'c', { timeoutMs: 30_000 })
  await load.worksOn(300)
  await bringBack(second)
  await returnCluster(braid.client, 'c', { timeoutMs: 30_000 })
  await load.worksOn()
  expect(await load.judge()).toMatchObject({ evidence: [], verdict: 'clean' })
})

test('the one that was lost last returns first: the topic goes on there, and waits for the first', async () => {
  const load = await bothLost('last-first')
  await bringBack(second)
  await load.worksOn(300)
  await bringBack(first)
  await returnCluster(braid.client, 'b', { timeoutMs: 30_000 })
  expect(await standbyReady(braid.client, load.topic)).toBe('b')
  await load.worksOn()
  expect(await load.judge()).toMatchObject({ evidence: [], verdict: 'clean' })
})
