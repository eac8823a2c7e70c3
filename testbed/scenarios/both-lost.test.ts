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

// A topic's cluster is lost, and then the one that it went on at, so that it ends up at a third. Each of the lost ones
// may have batches that stand in the next one too, and comes back when it does.

let clusters: KafkaCluster[]
let braid: RunningBraid
beforeAll(async () => {
  clusters = sharedClusters()
  braid = await startBraid(clusters, { proxies: 2 })
  // The second loss comes in seconds.
  await braid.client.failovers.configure({ quietMs: 0 })
})
afterAll(() => braid?.stop())

test.each([
  ['the first one', ['b', 'c']],
  ['the last one', ['c', 'b']],
] as const)('both clusters of a topic are lost, and %s returns first', async (_, order) => {
  const load = await TopicUnderLoad.start(braid, {
    topic: `both-lost-${order.join('-')}`,
    on: 'b',
    partitions: 4,
    failover: { policy: 'strict', standby: 'c' },
  })
  onTestFinished(() => load.stop())
  // From here on it may stand by there, too.
  const [pair] = Object.entries((await braid.client.clusters.get('c')).labels)
  await braid.client.clusters.update('a', { labels: Object.fromEntries([pair!]) })

  for (const [name, next] of [
    ['b', 'c'],
    ['c', 'a'],
  ] as const) {
    expect(await standbyReady(braid.client, load.topic)).toBe(next)
    const before = await failoversOf(braid.client, name)
    await killCluster(clusterOf(name))
    await untilGivenUp(braid.client, name, { after: before })
    await load.worksOn(300)
  }
  for (const name of order) {
    await bringBack(clusterOf(name))
    await returnCluster(braid.client, name)
    await load.worksOn()
  }
  await braid.client.clusters.update('a', { labels: {} })
  const { chain } = await braid.client.topics.get(load.topic)
  expect(chain.filter(({ state }) => state === 'lost' || state === 'returning')).toEqual([])
  expect(await load.judge()).toMatchObject({ evidence: [], verdict: 'clean' })
})

const clusterOf = (name: string) => clusters.find((cluster) => cluster.name === name)!
