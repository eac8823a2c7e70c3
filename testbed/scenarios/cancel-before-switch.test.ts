import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { sharedClusters } from '../clusters/shared.ts'
import { type RunningBraid, startBraid } from '../components/running.ts'
import { neededTopics, physicalTopics } from '../workloads/physical-topics.ts'
import { TopicUnderLoad } from '../workloads/topic-under-load.ts'

let braid: RunningBraid
beforeAll(async () => {
  braid = await startBraid(sharedClusters())
})
afterAll(() => braid?.stop())

test('a migration is cancelled at every step before SWITCH: the topic stays, and takes records again', async () => {
  const load = await TopicUnderLoad.start(braid, { topic: 'cancelled', on: 'a' })
  onTestFinished(() => load.stop())
  const { controlPlane } = braid
  const { migrations, topics } = controlPlane.client
  for (const step of ['CHECK', 'PREPARE', 'SEAL'] as const) {
    const held = await controlPlane.holdAt({ step, phase: 'doing' })
    const [{ id }] = await migrations.start({ topics: [load.topic], to: 'b' })
    await held.reached
    expect(await migrations.cancel(id)).toMatchObject({ cancelRequested: true })
    held.goOn()
    const ended = migrations.wait(id, { until: 'switched', timeoutMs: 20_000 })
    await expect(ended).rejects.toMatchObject({ code: 'MIGRATION_CANCELLED' })
    expect(await migrations.get(id)).toMatchObject({ state: 'cancelled' })
    await load.worksOn()
  }
  const topic = await topics.get(load.topic)
  expect(topic).toMatchObject({ cluster: 'a', loglets: 1, migration: null })
  expect(await physicalTopics(sharedClusters(), `${load.topic}.`)).toEqual(neededTopics(topic, 'a'))

  await load.move('b')
  await load.worksOn()
  expect(await load.judge()).toMatchObject({ evidence: [], verdict: 'clean' })
})
