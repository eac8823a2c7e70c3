import { setTimeout as sleep } from 'node:timers/promises'
import { ControlPlaneError } from '@braid/control-api'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import type { KafkaCluster } from '../clusters/cluster.ts'
import { sharedClusters } from '../clusters/shared.ts'
import { type MigrationPoint, type RunningBraid, startBraid } from '../components/running.ts'
import { bringBack, failoversOf, killCluster, returnCluster } from '../workloads/cluster-loss.ts'
import { standbyReady } from '../workloads/failover-topic.ts'
import { TopicUnderLoad } from '../workloads/topic-under-load.ts'

// The cluster that a topic is just leaving is lost, before it is sealed and when it is.

let leaving: KafkaCluster
let braid: RunningBraid
beforeAll(async () => {
  const clusters = sharedClusters()
  leaving = clusters[1]!
  braid = await startBraid(clusters, { proxies: 2 })
  await braid.client.failovers.configure({ quietMs: 0 })
})
afterAll(() => braid?.stop())

const points: readonly MigrationPoint[] = [
  { step: 'PREPARE', phase: 'doing' },
  { step: 'SEAL', phase: 'doing' },
]

test.each(points)(
  'lost while a move stands at $step: the topic goes on somewhere, with all of its records',
  async (point) => {
    const topic = `lost-at-${point.step.toLowerCase()}`
    const load = await TopicUnderLoad.start(braid, {
      topic,
      on: 'b',
      partitions: 4,
      failover: { policy: 'strict' },
    })
    onTestFinished(() => load.stop())
    const before = (await failoversOf(braid.client, 'b')).length
    const held = await (await braid.leader()).holdAt(point)
    const moving = load.move('c').then(
      () => 'moved',
      (error: unknown) => {
        if (!(error instanceof ControlPlaneError)) throw error
        return `${error.code}: ${error.detail}`
      },
    )
    await held.reached
    try {
      await killCluster(leaving)
      await sleep(3_000)
    } finally {
      held.goOn()
    }
    await load.worksOn(300)
    const moved = await moving
    const failovers = (await failoversOf(braid.client, 'b')).length - before
    const { cluster } = await braid.client.topics.get(topic)
    console.info(
      `${point.step}: the move ended with: ${moved}; ${failovers} failovers; the topic is on ${cluster}`,
    )
    expect(cluster).not.toBe('b')
    expect(failovers).toBeLessThanOrEqual(1)
    await bringBack(leaving)
    if ((await braid.client.clusters.get('b')).state === 'unavailable') await returnCluster(braid.client, 'b')
    await standbyReady(braid.client, topic)
    await load.worksOn()
    expect(await load.judge()).toMatchObject({ evidence: [], verdict: 'clean' })
  },
)
