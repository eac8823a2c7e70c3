import { setTimeout as sleep } from 'node:timers/promises'
import { writeLeaseMs } from '@braid/control-api'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import type { KafkaCluster } from '../clusters/cluster.ts'
import { sharedClusters } from '../clusters/shared.ts'
import { type RunningBraid, startBraid } from '../components/running.ts'
import { ClusterLinks } from '../faults/cluster-links.ts'
import { Link } from '../faults/link.ts'
import { monotonicMs } from '../history/event.ts'
import { returnCluster, untilGivenUp } from '../workloads/cluster-loss.ts'
import { lossReport } from '../workloads/loss-report.ts'
import { askCluster } from '../workloads/physical-topics.ts'
import { TopicUnderLoad } from '../workloads/topic-under-load.ts'

// A proxy is cut off from the control plane and still reaches a cluster that nobody else does. The cluster is given up
// when the proxy's lease has run out, and nothing of it is written there after that.

let b: KafkaCluster
let plane: ClusterLinks
let other: ClusterLinks
let fence: Link
let braid: RunningBraid
beforeAll(async () => {
  const clusters = sharedClusters().slice(0, 2)
  b = clusters[1]!
  plane = await ClusterLinks.open(clusters)
  other = await ClusterLinks.open(clusters)
  braid = await startBraid(clusters, {
    proxies: 2,
    detours: {
      controlPlane: plane.detours,
      proxy: async (index, [url]) => {
        if (index === 1) return other.detours
        const { host } = new URL(url!)
        fence = await Link.open({ to: host })
        return { [host]: fence.address }
      },
    },
  })
})
afterAll(async () => {
  await braid?.stop()
  for (const link of [fence, plane, other]) await link?.close()
})

test('a proxy that hears nothing stops writing within its lease, and its clients go on by the other one', async () => {
  const [behind, free] = braid.proxies
  const load = await TopicUnderLoad.start(braid, {
    topic: 'fenced',
    on: 'b',
    failover: { policy: 'strict' },
    clients: [
      { name: 'by-the-one-behind', route: { bootstrap: [behind!.bootstrap] } },
      { name: 'by-the-free-one', route: { bootstrap: [free!.bootstrap] } },
    ],
  })
  onTestFinished(() => load.stop())
  const { physicalTopic } = await braid.client.topics.get(load.topic)
  const appended = async () => {
    const ends = await askCluster(b, (admin) => admin.fetchTopicOffsets(physicalTopic))
    return ends.reduce((sum, { high }) => sum + Number(high), 0)
  }
  const from = monotonicMs()
  fence.cut()
  plane.cut('b')
  other.cut('b')
  const loss = { cluster: 'b', from, to: monotonicMs() }
  const { failover, seenAt } = await untilGivenUp(braid.client, 'b')
  const atSwitch = await appended()
  // It still reaches the cluster, and has clients that want to write.
  await sleep(2 * writeLeaseMs)
  expect(await appended()).toBe(atSwitch)
  // All of its clients have another proxy to go to.
  await load.worksOn()
  plane.mend('b')
  other.mend('b')
  fence.mend()
  const returned = await returnCluster(braid.client, 'b')
  await load.worksOn()
  const verdict = await load.judge()
  console.info(
    `given up ${(seenAt - from).toFixed(0)} ms after the cut`,
    lossReport(load.outage(loss), failover, returned, verdict),
  )
  expect(verdict).toMatchObject({ evidence: [], verdict: 'clean' })
})
