// The control plane on real clusters: what the migration saga claims about brokers holds on brokers. The home runs
// the newer Kafka, the other cluster the older. No client of Braid is in between: records are written to physical
// topics, as access points do.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ControlPlaneClient, RouteFeed, type Topic } from '@braid/control-api'
import {
  type ControlPlane,
  type ControlPlaneOptions,
  migrationSaga,
  startControlPlane,
} from '@braid/control-plane'
import { ClusterConnections, deleteRecords, logEnds, sealTopics, unsealTopics } from '@braid/kafka-connection'
import kafkajs, { type Kafka, type KafkaMessage } from 'kafkajs'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { type KafkaCluster, startClusters } from '../clusters/cluster.ts'

let clusters: Record<'a' | 'b', KafkaCluster>
const connections = new Map<string, ClusterConnections>()
const clients = new Map<string, Kafka>()

beforeAll(async () => {
  const [a, b] = await startClusters([{ name: 'a' }, { name: 'b', version: '3.9.2' }])
  clusters = { a: a!, b: b! }
  for (const { name, bootstrap } of Object.values(clusters)) {
    const brokers = bootstrap.split(',')
    connections.set(name, new ClusterConnections({ name, bootstrap: brokers }))
    clients.set(name, new kafkajs.Kafka({ brokers, logLevel: kafkajs.logLevel.NOTHING }))
  }
})
afterAll(async () => {
  await Promise.all([...connections.values()].map((connection) => connection.close()))
  await Promise.all(Object.values(clusters ?? {}).map((cluster) => cluster.stop()))
})

/** Waits are short, so that what takes minutes can be seen in a test. */
const timings = {
  warmUpMs: 20,
  strayChecksMs: [50, 100, 200],
  drainCheckMs: 100,
  strayGraceMs: 0,
  retireAfterMs: 0,
  retryBaseMs: 20,
  retryMaxMs: 200,
  sweepEveryMs: 500,
}

interface Plane {
  readonly client: ControlPlaneClient
  readonly url: string
  restart(): Promise<Plane>
}

async function plane(options: Partial<ControlPlaneOptions> = {}): Promise<Plane> {
  const dataDir = mkdtempSync(join(tmpdir(), 'braid-control-plane-'))
  onTestFinished(() => rmSync(dataDir, { recursive: true, force: true }))
  const start = async (more: Partial<ControlPlaneOptions>): Promise<Plane> => {
    const started: ControlPlane = await startControlPlane({ port: 0, dataDir, timings, ...more })
    onTestFinished(() => started.close())
    return {
      client: new ControlPlaneClient({ url: started.url }),
      url: started.url,
      restart: async () => {
        await started.close()
        return start({})
      },
    }
  }
  const first = await start(options)
  for (const { name, bootstrap } of Object.values(clusters))
    await first.client.clusters.register({ name, bootstrap })
  return first
}

let names = 0
const freshName = () => `orders-${++names}`

async function produce(
  cluster: string,
  topic: string,
  values: string[],
  compression = kafkajs.CompressionTypes.None,
) {
  const producer = clients.get(cluster)!.producer({ retry: { retries: 0 } })
  await producer.connect()
  try {
    await producer.send({ topic, compression, messages: values.map((value) => ({ value, partition: 0 })) })
  } finally {
    await producer.disconnect()
  }
}

async function consume(cluster: string, topic: string, count: number): Promise<KafkaMessage[]> {
  const consumer = clients.get(cluster)!.consumer({ groupId: `reader-${++names}` })
  await consumer.connect()
  const messages: KafkaMessage[] = []
  try {
    await consumer.subscribe({ topics: [topic], fromBeginning: true })
    await consumer.run({ eachMessage: async ({ message }) => void messages.push(message) })
    await expect.poll(() => messages.length, { timeout: 20_000 }).toBeGreaterThanOrEqual(count)
  } finally {
    await consumer.disconnect()
  }
  return messages
}

/** Braid's own physical topics of a topic, on one cluster. */
async function physicalTopics(cluster: string, topic: string): Promise<string[]> {
  const admin = clients.get(cluster)!.admin()
  await admin.connect()
  try {
    return (await admin.listTopics()).filter((name) => name.startsWith(`${topic}.`))
  } finally {
    await admin.disconnect()
  }
}

async function maxMessageBytes(cluster: string, name: string): Promise<string | undefined> {
  const admin = clients.get(cluster)!.admin()
  await admin.connect()
  try {
    const type = kafkajs.ConfigResourceTypes.TOPIC
    const { resources } = await admin.describeConfigs({ includeSynonyms: false, resources: [{ type, name }] })
    return resources[0]!.configEntries.find((entry) => entry.configName === 'max.message.bytes')?.configValue
  } finally {
    await admin.disconnect()
  }
}

const empty = (cluster: string, topic: string, partitions: number) =>
  deleteRecords(
    connections.get(cluster)!,
    topic,
    Array.from({ length: partitions }, (_, partition) => ({ partition, before: -1n })),
  )

async function move(
  client: ControlPlaneClient,
  topic: string,
  to: string,
  until: 'switched' | 'done' = 'switched',
) {
  const [{ id }] = await client.migrations.start({ topics: [topic], to })
  return client.migrations.wait(id, { until, timeoutMs: 60_000 })
}

test('a topic moves: the old physical topic refuses, the new one takes, and feeds hear of it', async () => {
  const { client, url } = await plane({ timings: { ...timings, retireAfterMs: 600_000 } })
  const name = freshName()
  const { topic: before } = await client.topics.create({
    name,
    partitions: 12,
    configs: { 'retention.ms': '7200000' },
  })
  await produce('a', before.physicalTopic, ['one', 'two', 'three'])
  const feed = new RouteFeed({ url, onChange: () => {} })
  onTestFinished(() => feed.close())
  await feed.start()

  const moved = await move(client, name, 'b')
  expect(moved.cuts).toEqual(['3', ...new Array(11).fill('0')])
  expect(moved.sealMs).toBeGreaterThan(0)
  await expect(produce('a', before.physicalTopic, ['bypass'])).rejects.toMatchObject({
    type: 'MESSAGE_TOO_LARGE',
  })

  await expect.poll(() => feed.table.topic('default', name)?.depth, { timeout: 5_000 }).toBe(2)
  const route = feed.table.topic('default', name)!
  expect(route.chain(0)).toEqual([
    { cluster: 'a', topic: before.physicalTopic, partition: 0, start: 0n, end: 3n, base: 0n },
    { cluster: 'b', topic: route.physicalTopic(1), partition: 0, start: 0n, base: 3n },
  ])
  await produce('b', route.physicalTopic(1), ['four'])
  const topic = await client.topics.get(name, { logEnds: true })
  expect(topic.logEnds).toEqual(['4', ...new Array(11).fill('0')])
  const admin = clients.get('b')!.admin()
  await admin.connect()
  onTestFinished(() => admin.disconnect())
  const type = kafkajs.ConfigResourceTypes.TOPIC
  const resources = [
    { type, name: route.physicalTopic(1), configNames: ['retention.ms', 'max.message.bytes'] },
  ]
  const configs = (await admin.describeConfigs({ includeSynonyms: false, resources })).resources[0]!
    .configEntries
  expect(Object.fromEntries(configs.map((entry) => [entry.configName, entry.configValue]))).toMatchObject({
    'retention.ms': '7200000',
    'max.message.bytes': String(before.maxMessageBytes),
  })

  // On, and back: fresh physical topics always.
  await move(client, name, 'a')
  await move(client, name, 'b')
  const { chain } = await client.topics.get(name)
  expect(chain.map((loglet) => loglet.cluster)).toEqual(['a', 'b', 'a', 'b'])
  expect(chain.map((loglet) => loglet.partitions[0]!.base)).toEqual(['0', '3', '4', '4'])
  expect(new Set(chain.map((loglet) => loglet.topic)).size).toBe(4)
  await client.topics.delete(name)
  await expect.poll(() => physicalTopics('b', name), { timeout: 10_000 }).toEqual([])
  await expect.poll(() => physicalTopics('a', name), { timeout: 10_000 }).toEqual([])
})

describe('a crash at any point: the next control plane on the same store ends the move', () => {
  for (const { name: step } of migrationSaga) {
    for (const phase of ['before', 'doing', 'after'] as const) {
      test(`${phase} ${step}`, async () => {
        const crashed = Promise.withResolvers<void>()
        const crash = {
          step: (at: string, when: string) => {
            if (at !== step || when !== phase) return
            crashed.resolve()
            throw new Error('crash')
          },
        }
        const first = await plane({ migrationHooks: crash })
        const name = freshName()
        const {
          topic: { physicalTopic },
        } = await first.client.topics.create({ name, partitions: 3 })
        await produce('a', physicalTopic, ['one', 'two'])
        const [{ id }] = await first.client.migrations.start({ topics: [name], to: 'b' })
        if (step === 'DRAIN' || step === 'RETIRE') {
          await first.client.migrations.wait(id, { until: 'switched', timeoutMs: 30_000 })
          await empty('a', physicalTopic, 3)
        }
        await crashed.promise
        const { client } = await first.restart()
        const moved = await client.migrations.wait(id, { until: 'switched', timeoutMs: 30_000 })
        expect(moved.cuts).toEqual(['2', '0', '0'])
        const topic = await client.topics.get(name)
        expect(topic.cluster).toBe('b')
        expect(await physicalTopics('b', name)).toEqual([topic.physicalTopic])
        expect(await maxMessageBytes('a', physicalTopic)).toBe('1')
        await produce('b', topic.physicalTopic, ['three'])
        await empty('a', physicalTopic, 3)
        await client.migrations.wait(id, { until: 'done', timeoutMs: 30_000 })
        expect((await client.topics.get(name)).chain).toMatchObject([
          { cluster: 'b', partitions: [{ base: '2' }, { base: '0' }, { base: '0' }] },
        ])
        // It lives on where groups commit.
        expect(await physicalTopics('a', name)).toEqual([physicalTopic])
      })
    }
  }
})

describe('cancel, before the switch', () => {
  for (const step of ['PREPARE', 'SEAL'] as const) {
    test(`in ${step}: the topic takes records as before, and nothing is left on the target`, async () => {
      let cancel = async (_id: string) => {}
      const { client } = await plane({
        migrationHooks: {
          step: async (at, when, id) => {
            if (at === step && when === 'doing') await cancel(id)
          },
        },
      })
      cancel = async (id) => void (await client.migrations.cancel(id))
      const name = freshName()
      const {
        topic: { physicalTopic },
      } = await client.topics.create({
        name,
        partitions: 3,
        configs: { 'max.message.bytes': '5000' },
      })
      await expect(move(client, name, 'b')).rejects.toMatchObject({ code: 'MIGRATION_CANCELLED' })
      expect(await maxMessageBytes('a', physicalTopic)).toBe('5000')
      await expect
        .poll(
          () =>
            produce('a', physicalTopic, ['one']).then(
              () => 'taken',
              () => 'refused',
            ),
          { timeout: 5_000 },
        )
        .toBe('taken')
      await expect.poll(() => physicalTopics('b', name), { timeout: 10_000 }).toEqual([])
      expect(await client.topics.get(name)).toMatchObject({ cluster: 'a', loglets: 1, migration: null })
    })
  }
})

describe('strays', () => {
  test('written after somebody took the seal off are copied to the active loglet, once', async () => {
    const { client, ...first } = await plane()
    const name = freshName()
    const {
      topic: { physicalTopic },
    } = await client.topics.create({ name, partitions: 2 })
    await produce('a', physicalTopic, ['one'])
    const { id } = await move(client, name, 'b')
    const { physicalTopic: onB } = await client.topics.get(name)
    await produce('b', onB, ['two'])

    const a = connections.get('a')!
    await unsealTopics(a, [{ topic: physicalTopic, maxMessageBytes: null }])
    await expect
      .poll(
        () =>
          produce('a', physicalTopic, ['stray 1', 'stray 2']).then(
            () => 'taken',
            () => 'refused',
          ),
        { timeout: 5_000 },
      )
      .toBe('taken')
    await produce('a', physicalTopic, ['stray 3'], kafkajs.CompressionTypes.GZIP)
    await sealTopics(a, [physicalTopic])

    await expect
      .poll(async () => (await client.migrations.get(id)).strays, { timeout: 10_000 })
      .toEqual([{ partition: 0, from: '1', to: '4', recovered: '4' }])
    const messages = await consume('b', onB, 4)
    expect(messages.map((message) => message.value?.toString())).toEqual([
      'two',
      'stray 1',
      'stray 2',
      'stray 3',
    ])
    expect(messages.map((message) => message.headers?.['braid.stray.from']?.toString())).toEqual([
      undefined,
      `a/${physicalTopic}/0@1`,
      `a/${physicalTopic}/0@2`,
      `a/${physicalTopic}/0@3`,
    ])
    await first.restart()
    await new Promise((resolve) => setTimeout(resolve, 500))
    expect(await logEnds(connections.get('b')!, onB, 2, 'logEnd')).toEqual([4n, 0n])
  })
})

test('retention empties the sealed loglet: it retires, and its physical topic is deleted', async () => {
  const { client } = await plane()
  const name = freshName()
  const { topic: created } = await client.topics.create({ name, partitions: 2, cluster: 'b' })
  await produce('b', created.physicalTopic, ['one'])
  const { id } = await move(client, name, 'a')
  await new Promise((resolve) => setTimeout(resolve, 500))
  expect((await client.topics.get(name)).loglets).toBe(2)
  await empty('b', created.physicalTopic, 2)
  await client.migrations.wait(id, { until: 'done', timeoutMs: 30_000 })
  expect((await client.topics.get(name)).loglets).toBe(1)
  await expect.poll(() => physicalTopics('b', name), { timeout: 10_000 }).toEqual([])
})

describe('topics', () => {
  test('one that is not on home has an empty, sealed place there, where groups commit', async () => {
    const { client } = await plane()
    const { topic } = await client.topics.create({ name: freshName(), partitions: 3, cluster: 'b' })
    await expect(produce('a', topic.homeTopic, ['never'])).rejects.toMatchObject({
      type: 'MESSAGE_TOO_LARGE',
    })
    await produce('b', topic.physicalTopic, ['one'])
  })

  test('an existing topic is adopted with its offsets, and its commits are copied to home', async () => {
    const { client } = await plane()
    const name = `legacy-${freshName()}`
    const admin = clients.get('b')!.admin()
    await admin.connect()
    onTestFinished(() => admin.disconnect())
    await admin.createTopics({ waitForLeaders: true, topics: [{ topic: name, numPartitions: 2 }] })
    await produce('b', name, ['one', 'two', 'three'])
    const groupId = `billing-${name}`
    await admin.setOffsets({ groupId, topic: name, partitions: [{ partition: 0, offset: '2' }] })

    const topic: Topic = await client.topics.adopt({ name, cluster: 'b' })
    expect(topic).toMatchObject({ physicalTopic: name, cluster: 'b', partitions: 2 })
    const home = clients.get('a')!.admin()
    await home.connect()
    onTestFinished(() => home.disconnect())
    const [copied] = await home.fetchOffsets({ groupId, topics: [topic.homeTopic] })
    expect(copied?.partitions.find((at) => at.partition === 0)?.offset).toBe('2')
    expect((await move(client, name, 'a')).cuts).toEqual(['3', '0'])
  })
})

describe('what cannot be, is refused with nothing half done', () => {
  test('a compacted topic is neither adopted nor moved', async () => {
    const { client } = await plane()
    const name = freshName()
    await client.topics.create({ name, partitions: 1, configs: { 'cleanup.policy': 'compact' } })
    await expect(move(client, name, 'b')).rejects.toMatchObject({ code: 'TOPIC_COMPACTED' })
    expect(await physicalTopics('b', name)).toEqual([])
  })

  test('more replicas than brokers, a config that brokers refuse, a cluster under two names', async () => {
    const { client } = await plane()
    const name = freshName()
    await expect(client.topics.create({ name, partitions: 1, replicationFactor: 3 })).rejects.toMatchObject({
      code: 'TOO_FEW_BROKERS',
    })
    await expect(
      client.topics.create({ name, partitions: 1, configs: { 'retention.ms': 'soon' } }),
    ).rejects.toMatchObject({ code: 'TOPIC_CONFIG_REFUSED', message: expect.stringMatching(/retention\.ms/) })
    await expect(
      client.clusters.register({ name: 'again', bootstrap: clusters.b.bootstrap }),
    ).rejects.toMatchObject({
      code: 'CLUSTER_ALREADY_REGISTERED',
      message: expect.stringMatching(/registered as b/),
    })
    expect([await physicalTopics('a', name), await physicalTopics('b', name)]).toEqual([[], []])
  })

  test('a target that goes down once it was prepared, one that is down, and one that is back', async () => {
    const { client } = await plane({
      migrationHooks: {
        step: async (at, when) => {
          if (at === 'SEAL' && when === 'before' && goesDown) await clusters.b.brokers[0]!.kill()
        },
      },
    })
    let goesDown = true
    const name = freshName()
    const {
      topic: { physicalTopic },
    } = await client.topics.create({ name, partitions: 1 })
    await expect(move(client, name, 'b')).rejects.toMatchObject({
      code: 'CLUSTER_UNREACHABLE',
      message: expect.stringMatching(/stays on a, because step SEAL failed: b went away/),
    })
    goesDown = false
    await produce('a', physicalTopic, ['one'])

    const startedAt = performance.now()
    await expect(move(client, name, 'b')).rejects.toMatchObject({
      code: 'CLUSTER_UNREACHABLE',
      message: expect.stringMatching(/b does not answer at/),
    })
    await expect(
      client.topics.create({ name: freshName(), partitions: 1, cluster: 'b' }),
    ).rejects.toMatchObject({
      code: 'CLUSTER_UNREACHABLE',
    })
    expect(performance.now() - startedAt).toBeLessThan(20_000)

    await clusters.b.brokers[0]!.start()
    const moved = await move(client, name, 'b')
    expect(moved.cuts).toEqual(['1'])
    // What the first attempt made there is deleted as well.
    await expect.poll(() => physicalTopics('b', name), { timeout: 10_000 }).toEqual([moved.to.topic])
  })
})
