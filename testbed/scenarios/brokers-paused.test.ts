import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import type { KafkaCluster } from '../clusters/cluster.ts'
import { sharedClusters } from '../clusters/shared.ts'
import { type RunningBraid, startBraid } from '../components/running.ts'
import { bringBack, pauseCluster, returnCluster, untilGivenUp } from '../workloads/cluster-loss.ts'
import { lossReport } from '../workloads/loss-report.ts'
import { TopicUnderLoad } from '../workloads/topic-under-load.ts'

// All brokers of a cluster are frozen (SIGSTOP): connections stay open, and what was sent to them lies in their
// sockets. When they go on they write it, long after its producers have gone on elsewhere.

let frozen: KafkaCluster
let braid: RunningBraid
beforeAll(async () => {
  const [a, b] = sharedClusters()
  frozen = b!
  braid = await startBraid([a!, frozen], { proxies: 2 })
})
afterAll(() => braid?.stop())

test('a cluster freezes and wakes: what it writes late is in its range, and nothing is there twice', async () => {
  const load = await TopicUnderLoad.start(braid, {
    topic: 'frozen',
    on: 'b',
    recordsPerSecond: 1_500,
    failover: { policy: 'strict' },
    clients: [{ name: 'frozen-clients', producers: { producers: 8 } }],
  })
  onTestFinished(() => load.stop())
  await load.worksOn(1_000)
  const loss = await pauseCluster(frozen)
  const { failover } = await untilGivenUp(braid.client, 'b')
  await load.worksOn(1_000)
  await bringBack(frozen)
  await load.worksOn(1_000)
  const returned = await returnCluster(braid.client, 'b')
  await load.worksOn()
  const verdict = await load.judge()
  const [topic] = await braid.client.failovers.topics(returned.id)
  console.info(lossReport(load.outage(loss), failover, returned, verdict), topic?.recovered)
  expect(verdict).toMatchObject({ evidence: [], verdict: 'clean' })
})
