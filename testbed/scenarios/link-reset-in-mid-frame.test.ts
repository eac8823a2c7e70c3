import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { sharedClusters } from '../clusters/shared.ts'
import { within } from '../clusters/within.ts'
import { type RunningBraid, startBraid } from '../components/running.ts'
import { type Direction, Link } from '../faults/link.ts'
import { TopicUnderLoad } from '../workloads/topic-under-load.ts'

const RESET_MAX_MS = 15_000

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
    clients: [
      {
        name: 'through-links',
        through: Object.fromEntries([...links].map(([address, link]) => [address, link.address])),
      },
    ],
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

/** Links that wait for a frame to cut. One that carries nothing just now waits on. */
const armed = new Set<Link>()

/** Cuts the next frame in this direction, on whichever link it comes. */
async function resetOne(direction: Direction): Promise<void> {
  const cuts = [...links.values()]
    .filter((link) => !armed.has(link))
    .map((link) => {
      armed.add(link)
      return link.resetMidFrame({ direction }).then(() => armed.delete(link))
    })
  await within(Promise.race(cuts), RESET_MAX_MS, `no frame came ${direction}`)
}
