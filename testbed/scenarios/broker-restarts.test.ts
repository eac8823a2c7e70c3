import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { sharedClusters } from '../clusters/shared.ts'
import { type RunningBraid, startBraid } from '../components/running.ts'
import { TopicUnderLoad } from '../workloads/topic-under-load.ts'

// Kafka promises to keep what it acknowledged over a killed broker that comes back, and so do we. Groups live on a,
// which is not touched.

let braid: RunningBraid
beforeAll(async () => {
  braid = await startBraid(sharedClusters())
})
afterAll(() => braid?.stop())

test('the broker that the topic leaves is killed and started again during the move, and then the one it goes to', async () => {
  const load = await TopicUnderLoad.start(braid, { topic: 'broker-restarts', on: 'b' })
  onTestFinished(() => load.stop())
  const [broker] = sharedClusters().find(({ name }) => name === 'b')!.brokers

  // Sealed, its cuts read, and gone: producers go on at once, readers wait for what stands there.
  let startedAgain: Promise<void> | undefined
  await load.moveAnd('c', { step: 'SEAL', phase: 'doing' }, async () => {
    await broker!.kill()
    startedAgain = broker!.start()
    startedAgain.catch(() => {})
  })
  await load.worksOn()
  await startedAgain

  // Ready to take the topic, and gone before the switch: producers wait for it.
  await load.moveAnd('b', { step: 'SEAL', phase: 'doing' }, async () => {
    await broker!.kill()
    startedAgain = broker!.start()
    startedAgain.catch(() => {})
  })
  await startedAgain
  await load.worksOn()
  expect(await load.judge()).toMatchObject({ evidence: [], verdict: 'clean' })
})
