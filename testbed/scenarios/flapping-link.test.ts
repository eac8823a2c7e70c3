import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import type { KafkaCluster } from '../clusters/cluster.ts'
import { sharedClusters } from '../clusters/shared.ts'
import { type RunningBraid, startBraid } from '../components/running.ts'
import { ClusterLinks } from '../faults/cluster-links.ts'
import { failoversOf, returnCluster } from '../workloads/cluster-loss.ts'
import { TopicUnderLoad } from '../workloads/topic-under-load.ts'

// The network to a cluster goes and comes every two seconds, for everybody.

const FLAP_MS = 2_000
const FLAPS = 4

let clusters: KafkaCluster[]
let links: ClusterLinks
let braid: RunningBraid
beforeAll(async () => {
  clusters = sharedClusters().slice(0, 2)
  links = await ClusterLinks.open(clusters)
  const { detours } = links
  braid = await startBraid(clusters, {
    proxies: 2,
    detours: { controlPlane: detours, proxy: async () => detours },
  })
})
afterAll(async () => {
  await braid?.stop()
  await links?.close()
})

test('a link that flaps every two seconds: at most one failover, and never back by itself', async () => {
  const load = await TopicUnderLoad.start(braid, {
    topic: 'flapping',
    on: 'b',
    failover: { policy: 'strict' },
  })
  onTestFinished(() => load.stop())
  const places: string[] = []
  for (let flap = 0; flap < FLAPS; flap++) {
    for (const change of ['cut', 'mend'] as const) {
      links[change]('b')
      await sleep(FLAP_MS)
      places.push((await braid.client.topics.get(load.topic)).cluster)
    }
  }
  const failovers = await failoversOf(braid.client, 'b')
  console.info(`${FLAPS} flaps, ${failovers.length} failovers; the topic was on ${places.join(', ')}`)
  expect(failovers.length).toBeLessThanOrEqual(1)
  // From where it went on it never went back.
  expect(places.join('')).toMatch(failovers.length === 0 ? /^b+$/ : /^b*a+$/)
  await load.worksOn()
  if (failovers.length > 0) await returnCluster(braid.client, 'b')
  await load.worksOn()
  expect(await load.judge()).toMatchObject({ evidence: [], verdict: 'clean' })
})
