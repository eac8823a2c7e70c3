import { randomInt } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import type { KafkaCluster } from '../clusters/cluster.ts'
import { sharedClusters } from '../clusters/shared.ts'
import { type RunningPostgres, startPostgres } from '../components/postgres.ts'
import { type MigrationPoint, type RunningBraid, startBraid } from '../components/running.ts'
import { chooseBy } from '../faults/choice.ts'
import { Recorder } from '../history/recorder.ts'
import { startKcatProducer } from '../workloads/kcat.ts'
import { writtenBehindSeals } from '../workloads/physical-topics.ts'
import { TopicUnderLoad } from '../workloads/topic-under-load.ts'

// Two control planes on one PostgreSQL, two proxies that know both. The one that leads is killed (SIGKILL) while a
// topic moves: the other takes over, and the move ends. BRAID_SEED repeats the choices of a run, though not its timing.

/** With clusters, clients and all at work on the same cores; alone it takes a second or two. */
const TAKEOVER_MAX_MS = 15_000
const RANDOM_KILLS = 3
const POINTS: readonly MigrationPoint[] = [
  { step: 'PREPARE', phase: 'doing' },
  // Clients wait until somebody else ends this.
  { step: 'SEAL', phase: 'doing' },
  { step: 'SWITCH', phase: 'before' },
]
const seed = Number(process.env.BRAID_SEED ?? randomInt(1, 2 ** 31))

let clusters: KafkaCluster[]
let postgres: RunningPostgres
let braid: RunningBraid
beforeAll(async () => {
  clusters = sharedClusters()
  postgres = await startPostgres()
  braid = await startBraid(clusters, { store: await postgres.database(), controlPlanes: 2, proxies: 2 })
})
afterAll(async () => {
  await braid?.stop()
  await postgres?.stop()
})

test(`the leader is killed while a topic moves: the other takes over, BRAID_SEED=${seed}`, async () => {
  const load = await TopicUnderLoad.start(braid, { topic: 'takeover', on: 'a', recordsPerSecond: 400 })
  onTestFinished(() => load.stop())
  const recorder = new Recorder()
  const bootstrap = braid.bootstrap.join(',')
  const kcat = await startKcatProducer(recorder, { bootstrap, topic: load.topic, recordsPerSecond: 200 })
  onTestFinished(() => kcat.stop())
  const takeoversMs: number[] = []

  for (const [index, point] of POINTS.entries()) {
    const leader = await braid.leader()
    const held = await leader.holdAt(point)
    const moving = load.move(index % 2 === 0 ? 'b' : 'a')
    moving.catch(() => {}) // awaited below, unless what comes before fails first
    await held.reached
    takeoversMs.push(await killLeader())
    await moving
    await load.worksOn()
  }

  const choose = chooseBy(seed)
  let stopping = false
  const mover = (async () => {
    for (let to = 'c'; !stopping; to = to === 'c' ? 'b' : 'c') {
      await load.move(to)
      await sleep(choose.number(0, 300))
    }
  })()
  mover.catch(() => {})
  for (let kill = 0; kill < RANDOM_KILLS; kill++) {
    await sleep(choose.number(200, 1_500))
    takeoversMs.push(await killLeader())
  }
  stopping = true
  await mover
  await load.worksOn()

  const { acknowledged } = kcat
  await expect.poll(() => kcat.acknowledged, { timeout: 20_000 }).toBeGreaterThan(acknowledged)
  await kcat.stop()
  expect(await load.judge({ also: recorder.events })).toMatchObject({ evidence: [], verdict: 'clean' })
  const topic = await braid.client.topics.get(load.topic)
  expect(topic.migration).toBeNull()
  expect(await writtenBehindSeals(clusters, topic)).toEqual([])
  console.info(`takeovers: ${takeoversMs.map((ms) => `${ms.toFixed(0)} ms`).join(', ')}`)
  expect(Math.max(...takeoversMs)).toBeLessThan(TAKEOVER_MAX_MS)
})

let writes = 0

/** How long until a change was made again, ms. Both control planes are there when it resolves. */
async function killLeader(): Promise<number> {
  const leader = await braid.leader()
  await leader.process.kill()
  const killedAt = performance.now()
  // Asked as often as the client asks by itself: what users see of it.
  await braid.client.slas.put({ name: 'takeover', description: `write ${++writes}` })
  const tookMs = performance.now() - killedAt
  expect(await braid.leader()).not.toBe(leader)
  await proxiesFollow()
  await braid.startControlPlaneAgain(leader)
  expect(await braid.client.slas.get('takeover')).toMatchObject({ description: `write ${writes}` })
  return tookMs
}

/** Every proxy is told of a change that comes after the kill. */
async function proxiesFollow(): Promise<void> {
  const { accessPoints, clusters } = braid.client
  const [cluster] = await clusters.list()
  await clusters.update(cluster!.name, { labels: { write: String(writes) } })
  const { routeVersion: now } = await healthOf((await braid.leader()).url)
  const versions = async () => (await accessPoints.list()).map(({ routeVersion }) => routeVersion)
  await expect
    .poll(async () => Math.min(...(await versions())), { timeout: 10_000 })
    .toBeGreaterThanOrEqual(now)
  expect(await versions()).toHaveLength(braid.proxies.length)
}

async function healthOf(url: string): Promise<{ routeVersion: number }> {
  return (await (await fetch(new URL('/healthz', url))).json()) as { routeVersion: number }
}
