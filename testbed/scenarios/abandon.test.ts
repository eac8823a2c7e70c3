import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import type { KafkaCluster } from '../clusters/cluster.ts'
import { sharedClusters } from '../clusters/shared.ts'
import { type RunningBraid, startBraid } from '../components/running.ts'
import { bringBack, killCluster, returnCluster, untilGivenUp } from '../workloads/cluster-loss.ts'
import { TopicUnderLoad } from '../workloads/topic-under-load.ts'

// Somebody gives up what a lost cluster has, because readers cannot wait any longer. What that costs is said before.

/** What was written in the last seconds is not known of. */
const UNKNOWN_MAX = 3_000

let lost: KafkaCluster
let braid: RunningBraid
beforeAll(async () => {
  const [a, b] = sharedClusters()
  lost = b!
  braid = await startBraid([a!, lost], { proxies: 2 })
})
afterAll(() => braid?.stop())

test('a lost loglet is abandoned: readers go on, and what is gone is what was named, and nothing else', async () => {
  const load = await TopicUnderLoad.start(braid, {
    topic: 'abandoned',
    on: 'b',
    failover: { policy: 'strict' },
  })
  onTestFinished(() => load.stop())
  await load.worksOn(1_000)
  await killCluster(lost)
  await untilGivenUp(braid.client, 'b')
  await load.worksOn(500)
  const { received } = load
  await sleep(1_000)
  // Readers wait for what stands before.
  expect(load.received).toBe(received)

  const { topics } = braid.client
  const asked = await topics.abandon(load.topic, 0)
  expect(asked).toMatchObject({ cluster: 'b', done: false, price: expect.stringMatching(/./) })
  expect((await topics.get(load.topic)).chain[0]).toMatchObject({ cluster: 'b', state: 'lost' })
  expect(await topics.abandon(load.topic, 0, { confirm: true })).toMatchObject({ done: true })
  await load.readsOn(500)
  expect((await topics.get(load.topic)).chain.map(({ cluster, state }) => [cluster, state])).toEqual([
    ['a', 'active'],
  ])

  await bringBack(lost)
  await returnCluster(braid.client, 'b')
  await load.worksOn()
  const verdict = await load.judge({ evidenceMax: 2 })
  const { lost: gone, verdict: _, evidence: __, acknowledged: ___, ...others } = verdict
  console.info(`named before: ${asked.price} (${asked.recordsKnown} records known); gone: ${gone}`)
  expect(Object.entries(others).filter(([, count]) => count > 0)).toEqual([])
  expect(gone).toBeGreaterThan(0)
  expect(gone).toBeLessThanOrEqual(asked.recordsKnown! + UNKNOWN_MAX)
})
