import { setTimeout as sleep } from 'node:timers/promises'
import { ControlPlaneError, type Failover } from '@braid/control-api'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import type { KafkaCluster } from '../clusters/cluster.ts'
import { sharedClusters } from '../clusters/shared.ts'
import { type MigrationPoint, type RunningBraid, startBraid } from '../components/running.ts'
import { bringBack, pauseCluster, untilCopied } from '../workloads/cluster-loss.ts'
import { standbyReady } from '../workloads/failover-topic.ts'
import { TopicUnderLoad } from '../workloads/topic-under-load.ts'

// The control plane is killed (SIGKILL) in the middle of a failover and of a return, and goes on with it when it is
// back. Every other point is in packages/control-plane, on clusters that are not real.

const FAILOVER_POINTS: readonly MigrationPoint[] = [
  { kind: 'failover', step: 'CHECK', phase: 'doing' },
  { kind: 'failover', step: 'FENCE', phase: 'doing' },
  { kind: 'failover', step: 'SWITCH', phase: 'before' },
  { kind: 'failover', step: 'SWITCH', phase: 'after' },
]
const RETURN_POINTS: readonly MigrationPoint[] = [
  { kind: 'return', step: 'SEAL', phase: 'doing' },
  { kind: 'return', step: 'ANNOUNCE', phase: 'after' },
  { kind: 'return', step: 'RECOVER', phase: 'doing' },
  { kind: 'return', step: 'END', phase: 'before' },
]
/** That a cluster answers again. */
const NOTICED_MAX_MS = 20_000
const SAGA_MAX_MS = 40_000
/** A control plane that has just begun knows no ends of logs, so all of a loglet is copied on. */
const COPIED_MAX_MS = 60_000
/** Each new control plane begins its rounds anew: the standby topic of the next loss is made in one. */
const timings = { standbyCheckMaxMs: 5_000, reconcileEveryMs: 2_000 }

let clusters: KafkaCluster[]
let braid: RunningBraid
beforeAll(async () => {
  clusters = sharedClusters()
  // A cluster that has just woken may be slow to answer, and it is where the next failover goes.
  braid = await startBraid(clusters, { proxies: 2, timings })
  // Everything here is asked for by hand, one after the other.
  await braid.client.failovers.configure({ automatic: false, quietMs: 0 })
})
afterAll(() => braid?.stop())

test('at points of every step, under load: the failover goes on, and so does the return', async () => {
  const load = await TopicUnderLoad.start(braid, {
    topic: 'plane-dies-too',
    on: 'b',
    partitions: 4,
    failover: { policy: 'available', standby: 'c' },
  })
  onTestFinished(() => load.stop())
  const { failovers, topics } = braid.client
  for (const [index, failoverPoint] of FAILOVER_POINTS.entries()) {
    await standbyReady(braid.client, load.topic)
    const { cluster: name } = await topics.get(load.topic)
    const cluster = clusters.find((candidate) => candidate.name === name)!
    await pauseCluster(cluster)
    await dyingAt(failoverPoint, name, () => failovers.start(name, { force: true }))
    expect((await topics.get(load.topic)).cluster, pointName(failoverPoint)).not.toBe(name)
    await load.worksOn()

    await bringBack(cluster)
    const returnPoint = RETURN_POINTS[index]!
    const returned = await dyingAt(returnPoint, name, () => failovers.return(name))
    await untilCopied(braid.client, returned, performance.now() + COPIED_MAX_MS)
    expect(await braid.client.clusters.get(name), pointName(returnPoint)).toMatchObject({ state: 'active' })
    await load.worksOn()
  }
  expect(await load.judge()).toMatchObject({ evidence: [], verdict: 'clean' })
})

/** Asks for it, with a control plane that dies there; resolves when the next one has ended it. */
async function dyingAt(
  point: MigrationPoint,
  cluster: string,
  ask: () => Promise<{ failover: Failover | null }>,
): Promise<string> {
  await braid.controlPlane.dieAt(point)
  const asked = (async () => {
    const deadline = performance.now() + NOTICED_MAX_MS
    for (;;) {
      try {
        return (await ask()).failover!.id
      } catch (error) {
        if (!(error instanceof ControlPlaneError)) throw error
        // It answers, and that was not noticed yet.
        if (error.code === 'CLUSTER_STILL_FAILING' || error.code === 'CLUSTER_UNREACHABLE') {
          if (performance.now() > deadline) throw error
          await sleep(100)
          continue
        }
        // Killed before it could answer: what it was asked for is on its disk.
        if (error.code === 'UNAVAILABLE' || error.code === 'FAILOVER_IN_PROGRESS') return undefined
        throw error
      }
    }
  })()
  const { signal } = await Promise.race([
    braid.controlPlane.process.exited,
    asked.then(() => braid.controlPlane.process.exited),
  ])
  expect(signal, pointName(point)).toBe('SIGKILL')
  await braid.startControlPlaneAgain()
  const id = (await asked) ?? (await latest(point, cluster))
  const ended = await braid.client.failovers.wait(id, { timeoutMs: SAGA_MAX_MS })
  expect(ended, pointName(point)).toMatchObject({ kind: point.kind, cluster, state: 'done' })
  return id
}

async function latest({ kind }: MigrationPoint, cluster: string): Promise<string> {
  const found = (await braid.client.failovers.list()).find(
    (candidate) => candidate.kind === kind && candidate.cluster === cluster,
  )
  if (found === undefined) throw new Error(`nothing was written down of the ${kind} of ${cluster}`)
  return found.id
}

function pointName({ kind, step, phase }: MigrationPoint): string {
  return `killed ${phase} ${step} of a ${kind}`
}
