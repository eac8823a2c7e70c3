import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import kafkajs, { type Kafka } from 'kafkajs'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import {
  attachCluster,
  chooseProvider,
  type KafkaCluster,
  type ProviderName,
  startClusters,
} from '../clusters/cluster.ts'
import { currentRun } from '../clusters/run.ts'
import { leftovers, reaperOf } from './leftovers.ts'

/** What every provider of clusters keeps; BRAID_CLUSTERS decides which one is tested. */
let provider: ProviderName
beforeAll(async () => {
  provider = (await chooseProvider()).name
})

describe('two clusters of different versions', () => {
  let clusters: KafkaCluster[] = []
  beforeAll(async () => {
    clusters = await startClusters([
      { name: 'new' },
      { name: 'old', version: '3.9.2', config: { 'num.partitions': '3' } },
    ])
  })
  afterAll(() => Promise.all(clusters.map((cluster) => cluster.stop())))

  test('are what was asked for', async () => {
    expect(clusters.map(({ name, version, provider: by }) => [name, version, by])).toEqual([
      ['new', '4.3.1', provider],
      ['old', '3.9.2', provider],
    ])
    // Kafka 4 no longer offers the first versions of Fetch (KIP-896).
    const [newer, older] = await Promise.all(clusters.map((cluster) => fetchMinVersion(addressOf(cluster))))
    expect([newer, older]).toEqual([4, 0])
  })

  test('keep what is produced, each for itself', async () => {
    for (const cluster of clusters) {
      const kafka = clientOf(cluster)
      await createTopic(kafka, 'kept')
      await produce(kafka, 'kept', [`from ${cluster.name}`])
      expect(await consume(kafka, 'kept', 1)).toEqual([`from ${cluster.name}`])
    }
  })

  test('create no topic that nobody asked for, and take broker properties of a spec', async () => {
    for (const cluster of clusters) {
      const admin = clientOf(cluster).admin({ retry: { retries: 0 } })
      await admin.connect()
      const topics = await admin.listTopics()
      expect(topics.filter((topic) => topic.startsWith('braid-'))).toEqual([])
      await expect(admin.fetchTopicOffsets('nobody-asked')).rejects.toThrow(
        /does not host this topic-partition/,
      )
      await admin.createTopics({ topics: [{ topic: 'default-partitions', numPartitions: -1 }] })
      const { topics: described } = await admin.fetchTopicMetadata({ topics: ['default-partitions'] })
      expect(described[0]?.partitions).toHaveLength(cluster.name === 'old' ? 3 : 1)
      await admin.disconnect()
    }
  })

  test('a killed broker refuses connections, and comes back with its data on its port', async () => {
    for (const cluster of clusters) {
      const [broker] = cluster.brokers
      const kafka = clientOf(cluster)
      await createTopic(kafka, 'survives')
      await produce(kafka, 'survives', ['before'])
      await broker?.kill()
      await expect(fetchMinVersion(addressOf(cluster))).rejects.toThrow()
      await broker?.start()
      expect(broker?.address).toBe(addressOf(cluster))
      await produce(kafka, 'survives', ['after'])
      expect(await consume(kafka, 'survives', 2)).toEqual(['before', 'after'])
    }
  })

  test('a paused broker goes silent on open connections, and resumes where it was', async () => {
    const [broker] = clusters[0]?.brokers ?? []
    const socket = await open(broker?.address ?? '')
    await broker?.pause()
    const answer = askApiVersions(socket)
    expect(await Promise.race([answer.then(() => 'answered'), silence(1_000)])).toBe('silent')
    await broker?.resume()
    expect((await answer).length).toBeGreaterThan(100)
    socket.destroy()
  })

  test('a paused broker can be killed, and started', async () => {
    const [broker] = clusters[0]?.brokers ?? []
    await broker?.pause()
    await broker?.kill()
    await expect(open(broker?.address ?? '').then(askApiVersions)).rejects.toThrow()
    await broker?.start()
    expect(await fetchMinVersion(broker?.address ?? '')).toBe(4)
  })

  test('are the same by their description, in another process too', async () => {
    const [cluster] = clusters
    const other = await attachCluster(JSON.parse(JSON.stringify(cluster?.description)))
    expect(other.bootstrap).toBe(cluster?.bootstrap)
    await other.brokers[0]?.kill()
    await expect(fetchMinVersion(other.bootstrap)).rejects.toThrow()
    await cluster?.brokers[0]?.start()
    expect(await fetchMinVersion(other.bootstrap)).toBe(4)
  })
})

test('three brokers form one cluster, which outlives one of them', async () => {
  const [cluster] = await startClusters([{ name: 'three', brokers: 3 }])
  try {
    const kafka = clientOf(cluster!)
    const admin = kafka.admin()
    await admin.connect()
    const { brokers } = await admin.describeCluster()
    const addresses = cluster!.brokers.map(({ address }) => address)
    expect(brokers.map(({ host, port }) => `${host}:${port}`).sort()).toEqual(addresses.toSorted())
    const spread = { topic: 'spread', numPartitions: 1, replicationFactor: 3 }
    await admin.createTopics({ topics: [spread], waitForLeaders: false })
    // A broker that is asked at once may not have heard of the topic yet.
    const partition = await vi.waitFor(
      async () => (await admin.fetchTopicMetadata({ topics: ['spread'] })).topics[0]!.partitions[0]!,
      { timeout: 20_000 },
    )
    expect(partition.replicas).toHaveLength(3)
    await admin.disconnect()
    await produce(kafka, 'spread', ['by three'])
    const leader = cluster!.brokers.find(({ id }) => id === partition.leader)!
    await leader.kill()
    await produce(kafka, 'spread', ['by two'])
    await leader.start()
    expect(await consume(kafka, 'spread', 2)).toEqual(['by three', 'by two'])
  } finally {
    await cluster?.stop()
  }
})

describe('nothing is left', () => {
  test('by stop()', async () => {
    const { child, run } = await ownRun('stop')
    expect(await leftovers(run, provider)).toEqual([])
    child.kill('SIGKILL')
    await expectNothingLeft(run)
  })

  test.each(['SIGKILL', 'SIGTERM', 'SIGINT'] as const)('by a run that ends by %s', async (signal) => {
    const { child, run } = await ownRun('hold')
    expect(await leftovers(run, provider)).not.toEqual([])
    expect(reaperOf(run)).toBeDefined()
    child.kill(signal)
    await expectNothingLeft(run)
  })

  test('by a run that just exits', async () => {
    const { run } = await ownRun('exit')
    await expectNothingLeft(run)
  })

  test('by a run whose reaper was killed too, when the next one starts', async () => {
    const { child, run } = await ownRun('hold')
    process.kill(reaperOf(run) ?? 0, 'SIGKILL')
    child.kill('SIGKILL')
    await once(child, 'exit')
    expect(await leftovers(run, provider)).not.toEqual([])
    const next = await ownRun('stop')
    expect(await leftovers(run, provider)).toEqual([])
    next.child.kill('SIGKILL')
    await expectNothingLeft(next.run)
  })

  test('by a cluster that cannot start, whose log is in the error', async () => {
    const before = await leftovers(currentRun(), provider)
    const start = startClusters([
      { name: 'fine' },
      { name: 'broken', config: { 'num.network.threads': 'many' } },
    ])
    await expect(start).rejects.toMatchObject({
      code: 'BROKER_ENDED',
      message: expect.stringMatching(/broken[\s\S]*num\.network\.threads/),
    })
    expect(await leftovers(currentRun(), provider)).toEqual(before)
  })
})

async function ownRun(mode: 'hold' | 'stop' | 'exit'): Promise<{ child: ChildProcess; run: string }> {
  const script = fileURLToPath(new URL('./own-run.ts', import.meta.url))
  const child = spawn(process.execPath, ['--no-warnings', script, mode], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, BRAID_CLUSTERS: provider },
  })
  for await (const line of createInterface(child.stdout)) return { child, run: line }
  throw new Error(`own-run.ts ${mode} ended without a word`)
}

async function expectNothingLeft(run: string): Promise<void> {
  await expect.poll(() => leftovers(run, provider), { timeout: 30_000, interval: 200 }).toEqual([])
  await expect.poll(() => reaperOf(run), { timeout: 30_000, interval: 200 }).toBeUndefined()
}

function clientOf(cluster: KafkaCluster): Kafka {
  return new kafkajs.Kafka({ brokers: cluster.bootstrap.split(','), logLevel: kafkajs.logLevel.NOTHING })
}

async function createTopic(kafka: Kafka, topic: string): Promise<void> {
  const admin = kafka.admin()
  await admin.connect()
  await admin.createTopics({ topics: [{ topic, numPartitions: 1 }], waitForLeaders: true })
  await admin.disconnect()
}

async function produce(kafka: Kafka, topic: string, values: readonly string[]): Promise<void> {
  const producer = kafka.producer({ createPartitioner: kafkajs.Partitioners.DefaultPartitioner })
  await producer.connect()
  await producer.send({ topic, acks: -1, messages: values.map((value) => ({ value })) })
  await producer.disconnect()
}

async function consume(kafka: Kafka, topic: string, count: number): Promise<string[]> {
  const consumer = kafka.consumer({ groupId: `reader-of-${topic}-${Math.random()}` })
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  const values: string[] = []
  await new Promise<void>((resolve) => {
    void consumer.run({
      eachMessage: async ({ message }) => {
        values.push(String(message.value))
        if (values.length === count) resolve()
      },
    })
  })
  await consumer.disconnect()
  return values
}

function addressOf(cluster: KafkaCluster): string {
  return cluster.brokers[0]?.address ?? ''
}

async function open(address: string): Promise<Socket> {
  const [host, port] = address.split(':')
  const socket = connect({ host: host ?? '', port: Number(port) })
  await once(socket, 'connect')
  return socket
}

/** ApiVersions version 0: the request is its header, the answer an array of (key, min, max). */
async function askApiVersions(socket: Socket): Promise<Buffer> {
  const request = Buffer.alloc(14)
  request.writeInt32BE(10, 0)
  request.writeInt16BE(18, 4)
  request.writeInt16BE(-1, 12)
  socket.write(request)
  let answer = Buffer.alloc(0)
  for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
    answer = Buffer.concat([answer, chunk])
    if (answer.length >= 4 && answer.length >= 4 + answer.readInt32BE(0)) return answer
  }
  throw new Error('the broker closed the connection')
}

async function fetchMinVersion(address: string): Promise<number> {
  const socket = await open(address)
  try {
    const answer = await askApiVersions(socket)
    for (let at = 14; at + 6 <= answer.length; at += 6) {
      if (answer.readInt16BE(at) === 1) return answer.readInt16BE(at + 2)
    }
    throw new Error('Fetch is not among the versions')
  } finally {
    socket.destroy()
  }
}

function silence(ms: number): Promise<'silent'> {
  return new Promise((resolve) => setTimeout(() => resolve('silent'), ms))
}
