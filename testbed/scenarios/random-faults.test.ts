import { randomInt } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { ControlPlaneError } from '@braid/control-api'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import type { KafkaCluster } from '../clusters/cluster.ts'
import { sharedClusters } from '../clusters/shared.ts'
import { type RunningBraid, startBraid } from '../components/running.ts'
import { type Choose, chooseBy } from '../faults/choice.ts'
import { Link } from '../faults/link.ts'
import { writtenBehindSeals } from '../workloads/physical-topics.ts'
import { TopicUnderLoad } from '../workloads/topic-under-load.ts'

// Moves at random, faults at random, both at once. BRAID_SEED repeats the choices of a run, though not its timing.

const RUN_MS = 25_000
/** Faults may prevent moves for long: it goes on until something was at stake. */
const MOVES_MIN = 3
const RUN_MAX_MS = 120_000
const seed = Number(process.env.BRAID_SEED ?? randomInt(1, 2 ** 31))

let clusters: KafkaCluster[]
let braid: RunningBraid
const links = new Map<string, Link>()
beforeAll(async () => {
  clusters = sharedClusters()
  braid = await startBraid(clusters, { proxies: 2 })
  const addresses = braid.proxies.flatMap(({ bootstrap, listeners }) => [
    bootstrap,
    ...Object.values(listeners),
  ])
  for (const address of addresses) links.set(address, await Link.open({ to: address }))
})
afterAll(async () => {
  for (const link of links.values()) await link.close()
  await braid?.stop()
})

/** Each ends with what it broke being whole again. */
const faults: Readonly<Record<string, (choose: Choose) => Promise<void>>> = {
  'slow links': async (choose) => {
    for (const link of links.values()) link.delay(choose.number(5, 100), choose.number(0, 50))
    await sleep(choose.number(300, 1_500))
    for (const link of links.values()) link.delay(0)
  },
  'links reset': async (choose) => {
    const link = choose.one([...links.values()])
    link.cut('reset')
    await sleep(choose.number(0, 300))
    link.mend()
  },
  'a proxy frozen': async (choose) => {
    const { process } = choose.one(braid.proxies)
    await process.pause()
    await sleep(choose.number(200, 3_000))
    process.resume()
  },
  'a broker frozen': async (choose) => {
    const [broker] = choose.one(clusters).brokers
    await broker!.pause()
    await sleep(choose.number(200, 2_500))
    await broker!.resume()
  },
  'the control plane killed': async (choose) => {
    await braid.controlPlane.process.kill()
    await sleep(choose.number(0, 1_000))
    await braid.startControlPlaneAgain()
  },
}

/** What a move may end with under these faults. Then the topic is where it was, and the judge sees whether it is. */
const PREVENTED = new Set([
  // The control plane was away, or died while it was asked.
  'UNAVAILABLE',
  'SHUTTING_DOWN',
  // A move that was asked for before it died goes on.
  'MIGRATION_IN_PROGRESS',
  'ALREADY_THERE',
  // A frozen broker.
  'CLUSTER_UNREACHABLE',
  'SEAL_FAILED',
])

test(`moves and faults at random, BRAID_SEED=${seed}`, async () => {
  const load = await TopicUnderLoad.start(braid, {
    topic: 'random-faults',
    on: 'a',
    clients: braid.proxies.map(({ id, bootstrap }) => ({
      name: `by-${id}`,
      route: { bootstrap: [bootstrap] },
      through: Object.fromEntries([...links].map(([address, link]) => [address, link.address])),
    })),
  })
  onTestFinished(() => load.stop())
  const startedAt = performance.now()
  let moves = 0
  const goesOn = () => performance.now() - startedAt < (moves < MOVES_MIN ? RUN_MAX_MS : RUN_MS)
  const mover = async (choose: Choose) => {
    while (goesOn()) {
      try {
        await load.move(choose.one(clusters).name)
        moves++
      } catch (error) {
        if (!(error instanceof ControlPlaneError) || !PREVENTED.has(error.code)) throw error
      }
      await sleep(choose.number(100, 1_500))
    }
  }
  const breaker = async (choose: Choose) => {
    while (goesOn()) {
      const name = choose.one(Object.keys(faults))
      await faults[name]!(choose)
      await sleep(choose.number(0, 500))
    }
  }
  await Promise.all([mover(chooseBy(seed)), breaker(chooseBy(seed + 1))])
  await expect.poll(migrationUnderWay, { timeout: 30_000 }).toBeNull()
  await load.worksOn()
  expect(await load.judge()).toMatchObject({ evidence: [], verdict: 'clean' })
  expect(moves).toBeGreaterThanOrEqual(MOVES_MIN)
  expect(await writtenBehindSeals(clusters, await topic())).toEqual([])
})

const topic = () => braid.controlPlane.client.topics.get('random-faults')
const migrationUnderWay = async () => (await topic()).migration
