import { randomBytes } from 'node:crypto'
import { createServer } from 'node:net'
import { ControlPlaneClient, type ControlPlaneError } from '@braid/control-api'
import { apiVersions, errorCodes, metadata, produce } from '@braid/kafka-protocol'
import { startProxy } from '@braid/proxy'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import type { KafkaCluster } from '../clusters/cluster.ts'
import { sharedClusters } from '../clusters/shared.ts'
import type { JsonLine } from '../components/line-process.ts'
import { type RunningBraid, startBraid } from '../components/running.ts'
import { physicalTopics } from '../workloads/physical-topics.ts'
import { RawConnection } from '../workloads/raw-connection.ts'
import { TopicUnderLoad } from '../workloads/topic-under-load.ts'

const CLOSE_MAX_MS = 5_000
const TRANSACTION_COMMIT_KEY = 26

let clusters: KafkaCluster[]
let braid: RunningBraid
const closed: JsonLine[] = []
beforeAll(async () => {
  clusters = sharedClusters()
  braid = await startBraid(clusters, {
    onProxyLine: (_proxy, line) => {
      if (line.event === 'session-closed') closed.push(line)
    },
  })
})
afterAll(() => braid?.stop())

test('bytes that mean nothing close their own connection, with a line that says why; other clients go on', async () => {
  const load = await TopicUnderLoad.start(braid, { topic: 'beside-garbage', on: 'a' })
  onTestFinished(() => load.stop())
  const [proxy] = braid.proxies
  for (const address of [proxy!.bootstrap, proxy!.listeners.a!]) {
    await expectClosed(address, randomFrame(), 'UNSUPPORTED_API')
    await expectClosed(address, size(0x7fff_ffff), 'FRAME_TOO_LARGE')
    await expectClosed(address, size(-1), 'BAD_LENGTH')
    await expectClosed(address, request(TRANSACTION_COMMIT_KEY, 0), 'UNSUPPORTED_API')
    await expectClosed(address, request(produce.key, 99), 'UNSUPPORTED_VERSION')
    await expectClosed(address, Buffer.concat([size(12), header(produce.key, 9)]), 'TRUNCATED')
  }
  await load.worksOn()
  await load.move('b')
  await load.worksOn()
  expect(await load.judge()).toMatchObject({ evidence: [], verdict: 'clean' })
})

test('a client that is too new for a version of ApiVersions, or names no topic, is answered and not cut off', async () => {
  const connection = await RawConnection.open(braid.bootstrap[0]!)
  onTestFinished(() => connection.close())
  const known = { name: 'no-such-topic' }
  const answer = await connection.call(metadata, 5, { topics: [known], allowAutoTopicCreation: true })
  expect(answer.topics).toMatchObject([{ ...known, errorCode: errorCodes.UNKNOWN_TOPIC_OR_PARTITION }])
  connection.sendBytes(request(apiVersions.key, 9))
  const versions = await connection.call(apiVersions, 0, {})
  expect(versions.errorCode).toBe(0)
  expect(versions.apiKeys.map(({ apiKey }) => apiKey)).not.toContain(TRANSACTION_COMMIT_KEY)
})

describe('a move that cannot be', () => {
  test('says why, leaves nothing, and the topic where it was, taking records', async () => {
    const load = await TopicUnderLoad.start(braid, { topic: 'cannot-move', on: 'a' })
    onTestFinished(() => load.stop())
    const { controlPlane } = braid
    const { client } = controlPlane
    const before = await physicalTopics(clusters, 'cannot-move')

    await expectRefusal(move('cannot-move', 'nowhere'), 'UNKNOWN_CLUSTER', /nowhere/)
    await expectRefusal(move('no-such-topic', 'b'), 'UNKNOWN_TOPIC', /no-such-topic/)
    await expectRefusal(move('cannot-move', 'a'), 'ALREADY_THERE', /cannot-move.* a /)

    const [broker] = clusters.find(({ name }) => name === 'c')!.brokers
    await broker!.kill()
    await expectRefusal(move('cannot-move', 'c'), 'CLUSTER_UNREACHABLE', /\bc\b/)
    await broker!.start()

    const held = await controlPlane.holdAt({ step: 'CHECK', phase: 'before' })
    const [{ id }] = await client.migrations.start({ topics: ['cannot-move'], to: 'b' })
    await held.reached
    await expectRefusal(move('cannot-move', 'c'), 'MIGRATION_IN_PROGRESS', /cannot-move.*CHECK/)
    await client.migrations.cancel(id)
    held.goOn()
    await expectRefusal(ended(id), 'MIGRATION_CANCELLED', /stays on a/)

    expect(await client.topics.get('cannot-move')).toMatchObject({
      cluster: 'a',
      loglets: 1,
      migration: null,
    })
    expect(await physicalTopics(clusters, 'cannot-move')).toEqual(before)
    await load.worksOn()
    expect(await load.judge()).toMatchObject({ evidence: [], verdict: 'clean' })
  })

  test('a compacted topic stays, and so does one that its target has no room for', async () => {
    const { client } = braid.controlPlane
    const configs = { 'cleanup.policy': 'compact' }
    await client.topics.create({ name: 'compacted', partitions: 1, cluster: 'a', configs })
    await expectRefusal(move('compacted', 'b'), 'TOPIC_COMPACTED', /compacted.*a/)
    expect([...(await physicalTopics(clusters, 'compacted.'))]).toHaveLength(1)

    // Another control plane, for which c has room for one partition.
    const small = await startBraid(
      clusters.filter(({ name }) => name !== 'c'),
      { proxies: 0 },
    )
    onTestFinished(() => small.stop())
    const { client: other } = small.controlPlane
    const { name, bootstrap } = clusters.find((cluster) => cluster.name === 'c')!
    await other.clusters.register({ name, bootstrap: bootstrap.split(','), capacity: { partitions: 1 } })
    await other.topics.create({ name: 'large', partitions: 3, cluster: 'a' })
    const [{ id }] = await other.migrations.start({ topics: ['large'], to: 'c' })
    await expectRefusal(
      other.migrations.wait(id, { until: 'done', timeoutMs: 20_000 }),
      'NO_ROOM',
      /c has no room.*large/,
    )
    expect(await other.topics.get('large')).toMatchObject({ cluster: 'a', loglets: 1, migration: null })
    expect([...(await physicalTopics(clusters, 'large.'))]).toHaveLength(1)
  })
})

describe('what cannot start says where and what to do', () => {
  test('a proxy whose port is in use', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    onTestFinished(() => void server.close())
    await new Promise((resolve) => server.once('listening', resolve))
    const address = server.address()
    const listen = `127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`
    const started = startProxy({ controlPlane: braid.controlPlane.url, id: 'no-port', listen })
    await expect(started).rejects.toThrow(new RegExp(`${listen}.*(in use|another process)`))
  })

  test('a call to a control plane that is not there', async () => {
    const client = new ControlPlaneClient({ url: 'http://127.0.0.1:9' })
    await expectRefusal(client.topics.list(), 'UNAVAILABLE', /127\.0\.0\.1:9.*is it running/)
  })
})

async function move(topic: string, to: string): Promise<unknown> {
  const [{ id }] = await braid.controlPlane.client.migrations.start({ topics: [topic], to })
  return ended(id)
}

function ended(id: string): Promise<unknown> {
  return braid.controlPlane.client.migrations.wait(id, { until: 'switched', timeoutMs: 30_000 })
}

async function expectRefusal(call: Promise<unknown>, code: string, detail: RegExp): Promise<void> {
  const error = await call.then(
    () => undefined,
    (refused: ControlPlaneError) => refused,
  )
  expect(error).toMatchObject({ name: 'ControlPlaneError', code })
  expect(error!.detail).toMatch(detail)
}

/** Sends it on a connection of its own, which is then closed, with a log line of this code that names its peer. */
async function expectClosed(address: string, bytes: Buffer, code: string): Promise<void> {
  const connection = await RawConnection.open(address)
  const { peer } = connection
  connection.sendBytes(bytes)
  await connection.closed(CLOSE_MAX_MS)
  await expect
    .poll(() => closed.find((line) => line.peer === peer), { timeout: CLOSE_MAX_MS })
    .toMatchObject({ event: 'session-closed', level: 'warn', code, why: expect.stringMatching(/\w+ \w+/) })
}

function size(bytes: number): Buffer {
  const frame = Buffer.alloc(4)
  frame.writeInt32BE(bytes)
  return frame
}

/** A length that is right, and then an API that Kafka never had. */
function randomFrame(): Buffer {
  const frame = randomBytes(200)
  frame.writeInt16BE(0x7a7a, 0)
  return Buffer.concat([size(frame.length), frame])
}

function header(apiKey: number, apiVersion: number): Buffer {
  const bytes = Buffer.alloc(12)
  bytes.writeInt16BE(apiKey, 0)
  bytes.writeInt16BE(apiVersion, 2)
  bytes.writeInt16BE(0, 8)
  return bytes
}

/** A whole request with an empty body. */
function request(apiKey: number, apiVersion: number): Buffer {
  const bytes = header(apiKey, apiVersion)
  return Buffer.concat([size(bytes.length), bytes])
}
