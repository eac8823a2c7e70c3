import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { sharedClusters } from '../clusters/shared.ts'
import { type RunningBraid, startBraid } from '../components/running.ts'
import { TopicUnderLoad } from '../workloads/topic-under-load.ts'

let braid: RunningBraid
beforeAll(async () => {
  braid = await startBraid(sharedClusters(), { proxies: 2 })
})
afterAll(() => braid?.stop())

test('a proxy is killed while the topic moves: its clients go on through the other one', async () => {
  const [first] = braid.proxies
  const load = await TopicUnderLoad.start(braid, { topic: 'proxy-killed', on: 'a' })
  onTestFinished(() => load.stop())
  await load.moveAnd('b', { step: 'SEAL', phase: 'doing' }, () => first!.process.kill())
  await load.worksOn()
  await load.move('c')
  await load.worksOn()
  // Metadata names a dead listener until its lease has ended, as Kafka names a dead broker until its session has. A
  // KafkaJS consumer that tries it five times says so, and starts over by itself.
  const allowed = /^Connection error: connect ECONNREFUSED/
  expect(await load.judge({ allowed })).toMatchObject({ evidence: [], verdict: 'clean' })
})
