import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { sharedClusters } from '../clusters/shared.ts'
import { within } from '../clusters/within.ts'
import { type RunningBraid, startBraid } from '../components/running.ts'
import { type Direction, Link } from '../faults/link.ts'
import { TopicUnderLoad } from '../workloads/topic-under-load.ts'

const RESET_MAX_MS = 15_000
const UNANSWERED_MS = 300

let braid: RunningBraid
const links = new Map<string, Link>()
beforeAll(async () => {
  braid = await startBraid(sharedClusters())
  const [proxy] = braid.proxies
  for (const address of [proxy!.bootstrap, ...Object.values(proxy!.listeners)]) {
    links.set(address, await Link.open({ to: address }))
  }
})
afterAll(async () => {
  for (const link of links.values()) await link.close()
  await braid?.stop()
})

test('connections of clients are reset in the middle of a request, and of an answer, while the topic moves', async () => {
  const load = await TopicUnderLoad.start(braid, {
    topic: 'mid-frame',
    on: 'a',
    clients: [{ name: 'through-links', through: throughLinks() }],
  })
  onTestFinished(() => load.stop())
  await load.moveAnd('b', { step: 'SEAL', phase: 'before' }, async () => {
    await resetOne('toServer')
    await resetOne('toClient')
  })
  // Clients stay where they are until they ask again who leads, which those do whose connection is gone.
  await resetOne('toServer')
  await resetOne('toClient')
  await load.worksOn()
  // With batches of the ones that are cut off held back in the proxy, because no loglet takes them just now.
  await load.moveAnd('a', { step: 'SEAL', phase: 'doing' }, async () => {
    await resetOne('toServer')
    await resetOne('toClient')
  })
  await load.worksOn()
  expect(await load.judge()).toMatchObject({ evidence: [], verdict: 'clean' })
})

test('answers are lost, and their requests come again when the topic has moved: nothing stands there twice', async () => {
  const load = await TopicUnderLoad.start(braid, {
    topic: 'answers-lost',
    on: 'a',
    clients: [{ name: 'answered-too-late', through: throughLinks() }],
  })
  onTestFinished(() => load.stop())
  await load.moveAnd('b', { step: 'SEAL', phase: 'before' }, async () => {
    for (const link of links.values()) link.oneWay('toServer')
    await sleep(UNANSWERED_MS)
  })
  for (const link of links.values()) {
    link.cut('reset')
    link.mend()
  }
  await load.worksOn()
  expect(await load.judge()).toMatchObject({ evidence: [], verdict: 'clean' })
  // The new cluster has never heard of their producers: that they landed, the sealed loglet tells.
  await braid.proxies[0]!.process.waitFor(
    'that a batch had landed before the cut',
    ({ event, topic }) => event === 'landed-before-cut' && topic === load.topic,
    5_000,
  )
})

function throughLinks(): Record<string, string> {
  return Object.fromEntries([...links].map(([address, link]) => [address, link.address]))
}

/** Cuts the next frame in this direction, on whichever link it comes. */
async function resetOne(direction: Direction): Promise<void> {
  const all = [...links.values()]
  const cuts = all.map((link) => link.resetMidFrame({ direction }))
  await within(Promise.race(cuts), RESET_MAX_MS, `no frame came ${direction}`)
  for (const link of all) link.letFramesPass()
}
