import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import type { KafkaCluster } from '../clusters/cluster.ts'
import { sharedClusters } from '../clusters/shared.ts'
import { type RunningBraid, startBraid } from '../components/running.ts'
import { ClusterLinks } from '../faults/cluster-links.ts'
import { monotonicMs } from '../history/event.ts'
import { failoversOf, returnCluster, untilGivenUp } from '../workloads/cluster-loss.ts'
import { lossReport } from '../workloads/loss-report.ts'
import { TopicUnderLoad } from '../workloads/topic-under-load.ts'

// A cluster that works, and that not everybody reaches. What counts is whether those who serve clients do.

const WATCH_MS = 8_000

let clusters: KafkaCluster[]
let plane: ClusterLinks
let proxies: ClusterLinks[]
let braid: RunningBraid
beforeAll(async () => {
  clusters = sharedClusters().slice(0, 2)
  plane = await ClusterLinks.open(clusters)
  proxies = [await ClusterLinks.open(clusters), await ClusterLinks.open(clusters)]
  braid = await startBraid(clusters, {
    proxies: 2,
    detours: { controlPlane: plane.detours, proxy: async (index) => proxies[index]!.detours },
  })
})
afterAll(async () => {
  await braid?.stop()
  for (const links of [plane, ...(proxies ?? [])]) await links?.close()
})

test('seen by the proxies and not by the control plane: it is not given up', async () => {
  const load = await TopicUnderLoad.start(braid, {
    topic: 'by-proxies',
    on: 'b',
    failover: { policy: 'strict' },
  })
  onTestFinished(() => load.stop())
  plane.cut('b')
  await sleep(WATCH_MS)
  const { clusters: health } = await braid.client.failovers.status()
  const seen = health.find(({ cluster }) => cluster === 'b')!
  console.info(seen.verdict, seen.votes)
  expect(seen.votes.find(({ by }) => by === 'control plane')).toMatchObject({ state: 'down' })
  expect(seen.state).not.toBe('down')
  plane.mend('b')
  await load.worksOn()
  expect(await failoversOf(braid.client, 'b')).toEqual([])
  expect(await load.judge()).toMatchObject({ evidence: [], verdict: 'clean' })
})

test('seen by the control plane and by no proxy: no client can write there, so it is given up, once', async () => {
  const load = await TopicUnderLoad.start(braid, {
    topic: 'by-plane',
    on: 'b',
    failover: { policy: 'strict' },
  })
  onTestFinished(() => load.stop())
  const from = monotonicMs()
  for (const links of proxies) links.cut('b')
  const loss = { cluster: 'b', from, to: monotonicMs() }
  const { failover } = await untilGivenUp(braid.client, 'b')
  await load.worksOn()
  for (const links of proxies) links.mend('b')
  const returned = await returnCluster(braid.client, 'b')
  await load.worksOn()
  const verdict = await load.judge()
  console.info(lossReport(load.outage(loss), failover, returned, verdict))
  expect(verdict).toMatchObject({ evidence: [], verdict: 'clean' })
  expect(await failoversOf(braid.client, 'b')).toHaveLength(1)
})
