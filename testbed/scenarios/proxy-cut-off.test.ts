import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { sharedClusters } from '../clusters/shared.ts'
import { type RunningBraid, type RunningProxy, startBraid, startProxyProcess } from '../components/running.ts'
import { Link } from '../faults/link.ts'
import { writtenBehindSeals } from '../workloads/physical-topics.ts'
import { TopicUnderLoad } from '../workloads/topic-under-load.ts'

// A proxy that hears nothing of the control plane, and reaches all clusters: it knows only the loglet that is sealed.

const CUT_MS = 4_000

let braid: RunningBraid
let link: Link
let proxy: RunningProxy
beforeAll(async () => {
  braid = await startBraid(sharedClusters())
  const { host } = new URL(braid.controlPlane.url)
  link = await Link.open({ to: host })
  proxy = await startProxyProcess({ controlPlane: `http://${link.address}`, id: 'cut-off' })
})
afterAll(async () => {
  link?.mend()
  await proxy?.process.stop()
  await link?.close()
  await braid?.stop()
})

test('a proxy is cut off from the control plane and not from the clusters: it writes nothing behind the seal', async () => {
  const load = await TopicUnderLoad.start(braid, {
    topic: 'cut-off',
    on: 'a',
    clients: [
      { name: 'by-the-one-cut-off', route: { bootstrap: [proxy.bootstrap] } },
      { name: 'by-the-other', route: { bootstrap: braid.bootstrap } },
    ],
  })
  onTestFinished(() => load.stop())
  link.cut()
  await load.move('b')
  // Its clients wait meanwhile: it offers their batches to the loglet that it knows, which refuses them.
  await proxy.process.waitFor(
    'that the sealed loglet refused',
    ({ event, topic }) => event === 'refused' && topic === load.topic,
    10_000,
  )
  await sleep(CUT_MS)
  const topic = await braid.controlPlane.client.topics.get(load.topic)
  expect(await writtenBehindSeals(sharedClusters(), topic)).toEqual([])
  link.mend()
  await load.worksOn()
  expect(await load.judge()).toMatchObject({ evidence: [], verdict: 'clean' })
  expect(await writtenBehindSeals(sharedClusters(), topic)).toEqual([])
})
