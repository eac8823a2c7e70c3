import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import type { KafkaCluster } from '../clusters/cluster.ts'
import { sharedClusters } from '../clusters/shared.ts'
import { type RunningBraid, startBraid } from '../components/running.ts'
import { bringBack, killCluster, returnCluster, untilGivenUp } from '../workloads/cluster-loss.ts'
import { giveStandbyHome } from '../workloads/failover-topic.ts'
import { whyNotMirrored } from '../workloads/mirrored-commits.ts'
import { TopicUnderLoad } from '../workloads/topic-under-load.ts'

// The cluster dies that coordinates all groups. Commits were mirrored to the standby home all the time.

const REJOINED_MAX_MS = 10_000
const FORGOTTEN_MAX_MS = 2_000

let home: KafkaCluster
let clusters: KafkaCluster[]
let braid: RunningBraid
beforeAll(async () => {
  const [a, b] = sharedClusters()
  home = a!
  clusters = [home, b!]
  // Commits are mirrored once a round has made the standby home's topic.
  braid = await startBraid(clusters, { proxies: 2, timings: { reconcileEveryMs: 2_000 } })
  await giveStandbyHome(braid.client, 'a', 'b')
})
afterAll(() => braid?.stop())

test('the home is lost: groups go on at the standby home where they were', async () => {
  const load = await TopicUnderLoad.start(braid, { topic: 'home-lost', on: 'b' })
  onTestFinished(() => load.stop())
  await load.readsOn(3_000)
  await expect.poll(() => whyNotMirrored(braid, clusters, load), { timeout: 60_000 }).toBeUndefined()
  const loss = await killCluster(home)
  const { failover } = await untilGivenUp(braid.client, 'a')
  expect(failover).toMatchObject({ state: 'done', counts: { homes: 1 } })
  expect(await braid.client.tenants.get('default')).toMatchObject({ home: 'b' })
  await load.readsOn(1_000)

  await bringBack(home)
  await returnCluster(braid.client, 'a')
  await load.readsOn(500)
  // A member that cannot reach its coordinator says so, and starts over by itself.
  const allowed =
    /^(Connection error|Connection timeout|Closed connection|This is not the correct coordinator|The coordinator)/
  const verdict = await load.judge({
    allowed,
    homeLosses: [{ ...loss, forgottenMaxMs: FORGOTTEN_MAX_MS }],
  })
  const rejoined = load.rejoinedMs(loss)
  console.info(`every member was back after ${rejoined.map((ms) => `${ms.toFixed(0)} ms`).join(', ')}`)
  expect(verdict).toMatchObject({ evidence: [], verdict: 'clean' })
  expect(Math.max(...rejoined)).toBeLessThan(REJOINED_MAX_MS)
})
