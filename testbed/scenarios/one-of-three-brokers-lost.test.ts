import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { type KafkaCluster, startClusters } from '../clusters/cluster.ts'
import { sharedClusters } from '../clusters/shared.ts'
import { type RunningBraid, startBraid } from '../components/running.ts'
import { failoversOf } from '../workloads/cluster-loss.ts'
import { giveStandbyHome } from '../workloads/failover-topic.ts'
import { TopicUnderLoad } from '../workloads/topic-under-load.ts'

// Kafka heals itself from this, so nobody gives the cluster up, though it could: its groups have a standby home.

const WATCH_MS = 8_000

let three: KafkaCluster
let braid: RunningBraid
beforeAll(async () => {
  const [started] = await startClusters([{ name: 'three', brokers: 3 }])
  three = started!
  braid = await startBraid([three, sharedClusters()[0]!], { proxies: 2 })
  await giveStandbyHome(braid.client, 'three', 'a')
})
afterAll(async () => {
  await braid?.stop()
  await three?.stop()
})

test('one of three brokers is killed: its cluster is not given up, and clients go on', async () => {
  const load = await TopicUnderLoad.start(braid, { topic: 'one-of-three', on: 'three' })
  onTestFinished(() => load.stop())
  await three.brokers[1]!.kill()
  const until = performance.now() + WATCH_MS
  while (performance.now() < until) {
    const { clusters } = await braid.client.failovers.status()
    const seen = clusters.find(({ cluster }) => cluster === 'three')!
    // One who looks may be late, on a machine that elects leaders just now: that is not enough, and stays so.
    expect(['up', 'suspected'], seen.verdict).toContain(seen.state)
    await sleep(200)
  }
  await load.worksOn()
  await three.brokers[1]!.start()
  await load.worksOn()
  expect(await failoversOf(braid.client, 'three')).toEqual([])
  // A member that had its coordinator there says that the connection broke, and starts over by itself.
  const allowed = /^(Connection error|Closed connection|This is not the correct coordinator)/
  expect(await load.judge({ allowed })).toMatchObject({ evidence: [], verdict: 'clean' })
})
