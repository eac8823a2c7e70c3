import { createTopics, errorCodes } from '@braid/kafka-protocol'
import { type Admin, Kafka } from 'kafkajs'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import type { KafkaCluster } from '../clusters/cluster.ts'
import { sharedClusters } from '../clusters/shared.ts'
import { type RunningPostgres, startPostgres } from '../components/postgres.ts'
import { type RunningBraid, startBraid } from '../components/running.ts'
import { KafkajsLog } from '../workloads/kafkajs-log.ts'
import { RawConnection } from '../workloads/raw-connection.ts'
import { TopicUnderLoad } from '../workloads/topic-under-load.ts'

// All control planes are killed (SIGKILL). Clients go on with the routes that the proxies have, a proxy that is
// started meanwhile takes them from its disk, and what needs a control plane is refused for now.

const ANSWER_MAX_MS = 5_000
const START_MAX_MS = 10_000

let clusters: KafkaCluster[]
let postgres: RunningPostgres
let braid: RunningBraid
beforeAll(async () => {
  clusters = sharedClusters()
  postgres = await startPostgres()
  const store = await postgres.database()
  braid = await startBraid(clusters, { store, controlPlanes: 2, proxies: 2, proxiesLast: true })
})
afterAll(async () => {
  await braid?.stop()
  await postgres?.stop()
})

test('clients go on, a proxy starts from its disk, and all catches up when a control plane is back', async () => {
  const load = await TopicUnderLoad.start(braid, {
    topic: 'plane-away',
    on: 'a',
    clients: braid.proxies.map(({ id, bootstrap }) => ({
      name: `by-${id}`,
      route: { bootstrap: [bootstrap] },
    })),
  })
  onTestFinished(() => load.stop())
  await load.move('b')

  for (const { process } of braid.controlPlanes) await process.kill()
  await load.worksOn(500)

  const [, second] = braid.proxies
  await second!.process.kill()
  const startedAt = performance.now()
  const again = await braid.startProxyAgain(second!)
  expect(performance.now() - startedAt).toBeLessThan(START_MAX_MS)
  expect(again).toMatchObject({ bootstrap: second!.bootstrap, listeners: second!.listeners })
  // Its clients are back, with nobody to ask but it.
  await load.worksOn(500)

  for (const { bootstrap } of braid.proxies) await expectRefusedForNow(bootstrap)

  for (const before of [...braid.controlPlanes]) await braid.startControlPlaneAgain(before)
  await withAdmin(braid.bootstrap, async (admin) => {
    expect(await admin.createTopics({ topics: [{ topic: 'after-away', numPartitions: 2 }] })).toBe(true)
  })
  const topics = async () => (await braid.client.topics.list()).map(({ name }) => name)
  expect(await topics()).toEqual(['after-away', load.topic])
  await load.move('c')
  await load.worksOn()

  // Not dead, and not answering either.
  for (const { process } of braid.controlPlanes) await process.pause()
  await expectAnswerInTime(braid.bootstrap[0]!, 'while-frozen')
  await load.worksOn()
  for (const { process } of braid.controlPlanes) process.resume()
  // As a broker does that was late.
  await expect.poll(topics, { timeout: 10_000 }).toContain('while-frozen')

  const ids = async () => (await braid.client.accessPoints.list()).map(({ id }) => id)
  await expect.poll(ids, { timeout: 15_000 }).toEqual(['proxy-1', 'proxy-2'])
  // Metadata names a killed proxy until its lease has ended, as Kafka names a dead broker until its session has; here
  // nobody is there to end it. A KafkaJS consumer that tries it five times says so, and starts over by itself.
  const allowed = /^Connection error: connect ECONNREFUSED/
  expect(await load.judge({ allowed })).toMatchObject({ evidence: [], verdict: 'clean' })
})

/** By an error that clients try again after, which says why; and soon. */
async function expectRefusedForNow(bootstrap: string): Promise<void> {
  const startedAt = performance.now()
  expect(await create(bootstrap, 'never-made')).toMatchObject({
    errorCode: errorCodes.REQUEST_TIMED_OUT,
    errorMessage: expect.stringMatching(/^no control plane answers at http:.*: is it running there\?$/),
  })
  await withAdmin([bootstrap], async (admin) => {
    const topics = [{ topic: 'never-made' }]
    await expect(admin.createTopics({ topics, timeout: ANSWER_MAX_MS })).rejects.toMatchObject({
      errors: [{ type: 'REQUEST_TIMED_OUT', retriable: true }],
    })
  })
  expect(performance.now() - startedAt).toBeLessThan(2 * ANSWER_MAX_MS)
}

async function expectAnswerInTime(bootstrap: string, topic: string): Promise<void> {
  const startedAt = performance.now()
  expect(await create(bootstrap, topic)).toMatchObject({
    errorCode: errorCodes.REQUEST_TIMED_OUT,
    errorMessage: expect.stringMatching(/did not answer within 5000 ms/),
  })
  expect(performance.now() - startedAt).toBeLessThan(ANSWER_MAX_MS + 2_000)
}

/** One try, with all that is answered. */
async function create(bootstrap: string, name: string) {
  const connection = await RawConnection.open(bootstrap)
  try {
    const wanted = { name, numPartitions: 1, replicationFactor: -1, assignments: [], configs: [] }
    const request = { topics: [wanted], timeoutMs: ANSWER_MAX_MS, validateOnly: false }
    return (await connection.call(createTopics, 5, request)).topics[0]
  } finally {
    connection.close()
  }
}

async function withAdmin(bootstrap: readonly string[], use: (admin: Admin) => Promise<void>): Promise<void> {
  const admin = new Kafka({ brokers: [...bootstrap], logCreator: new KafkajsLog().creator }).admin()
  await admin.connect()
  try {
    await use(admin)
  } finally {
    await admin.disconnect()
  }
}
