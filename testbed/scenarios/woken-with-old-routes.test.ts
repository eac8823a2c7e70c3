import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { sharedClusters } from '../clusters/shared.ts'
import { type RunningBraid, startBraid } from '../components/running.ts'
import { writtenBehindSeals } from '../workloads/physical-topics.ts'
import { TopicUnderLoad } from '../workloads/topic-under-load.ts'

let braid: RunningBraid
beforeAll(async () => {
  braid = await startBraid(sharedClusters(), { proxies: 2 })
})
afterAll(() => braid?.stop())

test('a proxy sleeps while the topic moves away and back: woken, it takes its old way for neither writing nor reading', async () => {
  const [sleeper, other] = braid.proxies
  const load = await TopicUnderLoad.start(braid, {
    topic: 'old-routes',
    on: 'a',
    clients: [
      { name: 'by-the-sleeper', route: { bootstrap: [sleeper!.bootstrap] } },
      { name: 'by-the-other', route: { bootstrap: [other!.bootstrap] } },
    ],
  })
  onTestFinished(() => load.stop())
  await sleeper!.process.pause()
  await load.move('b')
  await load.move('a')
  sleeper!.process.resume()
  await load.worksOn()
  expect(await load.judge()).toMatchObject({ evidence: [], verdict: 'clean' })
  const topic = await braid.controlPlane.client.topics.get(load.topic)
  expect(await writtenBehindSeals(sharedClusters(), topic)).toEqual([])
})
