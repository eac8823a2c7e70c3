import { expect, onTestFinished, test } from 'vitest'
import type { KafkaCluster } from '../clusters/cluster.ts'
import { sharedClusters } from '../clusters/shared.ts'
import { startBraid } from '../components/running.ts'
import { Recorder } from '../history/recorder.ts'
import { bringBack, killCluster, returnCluster, untilGivenUp } from '../workloads/cluster-loss.ts'
import type { FailoverPolicy } from '../workloads/failover-topic.ts'
import { startJavaProducer } from '../workloads/java-clients.ts'
import { readWithKcat } from '../workloads/kcat-read-back.ts'
import { lossReport } from '../workloads/loss-report.ts'
import { TopicUnderLoad } from '../workloads/topic-under-load.ts'

// All brokers of a cluster are killed (SIGKILL) under 2,000 records/s. Nobody is told anything: two proxies and the
// control plane see it, and producers go on elsewhere. Then it comes back with its data.

const POLICIES: readonly { policy: FailoverPolicy; readers: string }[] = [
  { policy: 'strict', readers: 'readers wait, and read its tail in order' },
  { policy: 'available', readers: 'readers go on too, and what they skipped is copied on' },
]

test.each(POLICIES)(
  'under $policy producers go on by themselves, $readers, nothing is lost',
  async ({ policy }) => {
    const [home, lost] = sharedClusters() as [KafkaCluster, KafkaCluster]
    const braid = await startBraid([home, lost], { proxies: 2 })
    onTestFinished(() => braid.stop())
    const load = await TopicUnderLoad.start(braid, {
      topic: `lost-${policy}`,
      on: 'b',
      partitions: 12,
      recordsPerSecond: 1_500,
      failover: { policy },
      clients: [{ name: `lost-${policy}-clients`, producers: { producers: 8 } }],
    })
    onTestFinished(() => load.stop())
    const bootstrap = braid.bootstrap.join(',')
    const recorder = new Recorder()
    const java = await startJavaProducer(recorder, {
      bootstrap,
      topic: load.topic,
      recordsPerSecond: 500,
      properties: { 'delivery.timeout.ms': '30000', 'request.timeout.ms': '10000' },
    })
    onTestFinished(() => java.stop())
    await load.worksOn(2_000)

    const loss = await killCluster(lost)
    const { failover } = await untilGivenUp(braid.client, 'b')
    expect(failover).toMatchObject({ state: 'done', counts: { topics: 1, moved: 1, waiting: 0 } })
    await load.worksOn(2_000)
    if (policy === 'available') await load.readsOn(2_000)

    await bringBack(lost)
    const returned = await returnCluster(braid.client, 'b')
    await load.worksOn(1_000)
    await java.stop()
    await load.stopProducing()
    const kcat = await readWithKcat(braid, load.topic)
    const verdict = await load.judge({
      also: [...recorder.events, ...kcat.events],
      groups: [load.group, kcat.group],
    })
    console.info(lossReport(load.outage(loss), failover, returned, verdict))
    expect(verdict).toMatchObject({ evidence: [], verdict: 'clean' })
    expect(java.acknowledged).toBe(java.sent)
    expect(load.outage(loss).everyProducerMs).toBeLessThan(10_000)
    expect(await braid.client.clusters.get('b')).toMatchObject({ state: 'active' })
  },
)
