import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { sharedClusters } from '../clusters/shared.ts'
import { type RunningBraid, startBraid } from '../components/running.ts'
import { TopicUnderLoad } from '../workloads/topic-under-load.ts'

let braid: RunningBraid
beforeAll(async () => {
  braid = await startBraid(sharedClusters(), { proxies: 2 })
})
afterAll(() => braid?.stop())

const PAUSE_MS = 10_000

test('a proxy is frozen for ten seconds while the topic moves: what waited in it does no harm', async () => {
  const [frozen, other] = braid.proxies
  const load = await TopicUnderLoad.start(braid, {
    topic: 'proxy-paused',
    on: 'a',
    clients: [
      { name: 'by-the-frozen-one', route: { bootstrap: [frozen!.bootstrap] } },
      { name: 'by-the-other', route: { bootstrap: [other!.bootstrap] } },
    ],
  })
  onTestFinished(() => load.stop())
  await load.moveAnd('b', { step: 'SEAL', phase: 'doing' }, async () => frozen!.process.pause())
  await sleep(PAUSE_MS)
  frozen!.process.resume()
  await load.worksOn()
  expect(await load.judge()).toMatchObject({ evidence: [], verdict: 'clean' })
})
