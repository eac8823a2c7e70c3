import { setTimeout as sleep } from 'node:timers/promises'
import type { Operation } from '@braid/control-api'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { sharedClusters } from '../clusters/shared.ts'
import { type RunningBraid, startBraid } from '../components/running.ts'
import { TopicUnderLoad } from '../workloads/topic-under-load.ts'

// A cluster with 32 topics is emptied while clients write to two of them and read them. The control plane is killed
// (SIGKILL) in the middle and started again; the drain is paused and goes on.

const QUIET = Array.from({ length: 30 }, (_, i) => `drained-${String(i).padStart(2, '0')}`)
const BUSY = ['drained-busy-0', 'drained-busy-1']
const TOPICS = [...QUIET, ...BUSY]
const DRAINED = 'b'
const CONCURRENCY = 4
const WAIT_MAX_MS = 120_000

let braid: RunningBraid
beforeAll(async () => {
  braid = await startBraid(sharedClusters())
})
afterAll(() => braid?.stop())

test('a cluster is emptied under load, over a crash of the control plane and a pause: nothing is lost, nothing moves twice', async () => {
  const { client } = braid
  for (const name of QUIET) await client.topics.create({ name, partitions: 2, cluster: DRAINED })
  const loads = await Promise.all(
    BUSY.map((topic) =>
      TopicUnderLoad.start(braid, { topic, on: DRAINED, partitions: 4, recordsPerSecond: 200 }),
    ),
  )
  onTestFinished(async () => {
    for (const load of loads) await load.stop()
  })
  // Where they were created is not where they must stay.
  for (const name of TOPICS) await client.topics.update(name, { cluster: null })

  const startedAt = performance.now()
  const { operation, plan } = await client.clusters.drain(DRAINED, { concurrency: CONCURRENCY })
  expect(plan.moves).toHaveLength(TOPICS.length)
  expect(plan.obstacles).toEqual([])
  const { id } = operation!

  await until(id, ({ counts }) => counts.moved >= 6)
  await braid.controlPlane.process.kill()
  await braid.startControlPlaneAgain()
  const afterCrash = await until(id, ({ counts }) => counts.moved >= 14)
  expect(afterCrash.counts.moving).toBeLessThanOrEqual(CONCURRENCY)

  await client.operations.pause(id)
  const held = await until(id, ({ state, counts }) => state === 'paused' && counts.moving === 0)
  await sleep(2_000)
  expect((await client.operations.get(id)).counts).toEqual(held.counts)
  expect(held.counts.waiting).toBeGreaterThan(0)
  expect(await client.clusters.get(DRAINED)).toMatchObject({ state: 'draining' })
  for (const load of loads) await load.worksOn()

  await client.operations.resume(id)
  const ended = await client.operations.wait(id, { timeoutMs: WAIT_MAX_MS })
  expect(ended).toMatchObject({
    state: 'done',
    counts: { moved: TOPICS.length, failed: 0, skipped: 0, waiting: 0, moving: 0 },
  })
  console.log(`${TOPICS.length} topics drained in ${((performance.now() - startedAt) / 1000).toFixed(1)} s`)

  expect(await client.clusters.get(DRAINED)).toMatchObject({ state: 'cordoned', topics: 0 })
  const migrations = (await client.migrations.list({ limit: 1_000 })).filter(
    ({ operation }) => operation === id,
  )
  const switched = migrations.filter(({ state }) => state === 'switched' || state === 'done')
  expect(switched.map(({ topic }) => topic).sort()).toEqual([...TOPICS].sort())
  for (const load of loads) await load.worksOn()
  for (const load of loads) expect(await load.judge()).toMatchObject({ evidence: [], verdict: 'clean' })
})

async function until(id: string, holds: (operation: Operation) => boolean): Promise<Operation> {
  const deadline = performance.now() + WAIT_MAX_MS
  for (;;) {
    const operation = await braid.client.operations.get(id)
    if (holds(operation)) return operation
    if (operation.endedAt !== null || performance.now() > deadline)
      throw new Error(`it did not come to it: ${JSON.stringify(operation)}`)
    await sleep(20)
  }
}
