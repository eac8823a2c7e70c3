import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Kafka } from 'kafkajs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type KafkaCluster, startClusters } from '../clusters/cluster.ts'
import { type CheckOptions, checkHistory } from '../history/checker.ts'
import type { HistoryEvent } from '../history/event.ts'
import { Recorder } from '../history/recorder.ts'
import type { Verdict } from '../history/verdict.ts'
import { caughtUp } from './caught-up.ts'
import { ClientsProcess } from './clients-process.ts'
import { startJavaGroup, startJavaProducer } from './java-clients.ts'
import { consumeWithKafkaTool, produceWithKafkaTool } from './kafka-tools.ts'
import { KafkajsLog } from './kafkajs-log.ts'
import { startKafkajsProducers } from './kafkajs-producers.ts'
import { startKcatGroup, startKcatProducer } from './kcat.ts'
import { readBack, readCommits } from './read-back.ts'

// Every workload against one plain cluster, where a clean verdict is Kafka's own doing: so a verdict over many
// clusters that is not clean is not the workload's fault.

let cluster: KafkaCluster
let kafka: Kafka
beforeAll(async () => {
  ;[cluster] = (await startClusters([{ name: 'plain' }])) as [KafkaCluster]
  kafka = new Kafka({ brokers: cluster.bootstrap.split(','), logCreator: new KafkajsLog().creator })
}, 180_000)
afterAll(() => cluster?.stop(), 60_000)

async function createTopic(topic: string): Promise<void> {
  const admin = kafka.admin()
  await admin.connect()
  await admin.createTopics({ waitForLeaders: true, topics: [{ topic, numPartitions: 12 }] })
  await admin.disconnect()
}

async function judge(
  topic: string,
  events: readonly HistoryEvent[],
  options: Partial<CheckOptions> = {},
): Promise<Verdict> {
  const group = options.groups?.[0]
  return checkHistory(events, await readBack(kafka, topic), {
    topic,
    ...(group === undefined ? {} : { finalCommits: await readCommits(kafka, group, topic) }),
    ...options,
  })
}

describe('KafkaJS', () => {
  let folder: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'braid-workloads-'))
  })
  afterAll(() => rm(folder, { recursive: true }))

  test('producers and a group in a process of their own: 2,000 records/s, judged clean', async () => {
    const [topic, group] = ['kafkajs', 'g-kafkajs']
    await createTopic(topic)
    const clients = await ClientsProcess.start({
      name: 'kafkajs',
      route: { bootstrap: cluster.bootstrap.split(',') },
      historyFile: join(folder, 'kafkajs'),
      producers: { topic },
      group: { topic, group },
    })
    await expect.poll(() => clients.progress.acknowledged, { timeout: 30_000 }).toBeGreaterThan(3_000)
    await clients.stopProducing()
    expect(await clients.caughtUp(20_000)).toBe(true)
    const events = await clients.finish()
    const verdict = await judge(topic, events, { groups: [group] })
    expect(verdict.evidence).toEqual([])
    expect(verdict.verdict).toBe('clean')
    expect(verdict.acknowledged).toBeGreaterThan(3_000)
    expect(events.some(({ type }) => type === 'committed')).toBe(true)
  }, 60_000)

  test('without idempotence, one request in flight', async () => {
    const topic = 'kafkajs-plain'
    await createTopic(topic)
    const recorder = new Recorder()
    const producers = await startKafkajsProducers(kafka, recorder, { topic, idempotent: false })
    await sleep(1_500)
    await producers.stop()
    const verdict = await judge(topic, recorder.events, { idempotent: false })
    expect(verdict.evidence).toEqual([])
    expect(verdict.acknowledged).toBe(producers.sent)
  }, 60_000)

  test('a record that disappears behind the clients is found lost', async () => {
    const topic = 'kafkajs-lost'
    await createTopic(topic)
    const recorder = new Recorder()
    const producers = await startKafkajsProducers(kafka, recorder, { topic })
    await sleep(500)
    await producers.stop()
    const admin = kafka.admin()
    await admin.connect()
    const ends = await admin.fetchTopicOffsets(topic)
    const { partition } = ends.find(({ high }) => Number(high) >= 3)!
    await admin.deleteTopicRecords({ topic, partitions: [{ partition, offset: '3' }] })
    await admin.disconnect()
    const verdict = await judge(topic, recorder.events)
    expect(verdict.lost).toBe(3)
    expect(verdict.verdict).toBe('broken')
  }, 60_000)
})

test('librdkafka, by kcat: idempotent producer and a group of two', async () => {
  const [topic, group] = ['kcat', 'g-kcat']
  await createTopic(topic)
  const recorder = new Recorder()
  const members = await startKcatGroup(recorder, { bootstrap: cluster.bootstrap, topic, group })
  const producer = await startKcatProducer(recorder, { bootstrap: cluster.bootstrap, topic })
  await sleep(2_000)
  await producer.stop()
  expect(await caughtUp(kafka, topic, members.position, 20_000)).toBe(true)
  await members.stop()
  const verdict = await judge(topic, recorder.events, { groups: [group] })
  expect(verdict.evidence).toEqual([])
  expect(verdict.acknowledged).toBe(producer.sent)
  const commits = await readCommits(kafka, group, topic)
  expect(commits.reduce((sum, { offset }) => sum + Number(offset), 0)).toBe(producer.sent)
}, 90_000)

test("Kafka's Java clients: idempotent producer, five in flight, and a group of two", async () => {
  const [topic, group] = ['java', 'g-java']
  await createTopic(topic)
  const recorder = new Recorder()
  const { bootstrap } = cluster
  const members = await startJavaGroup(recorder, { bootstrap, topic, group })
  const producer = await startJavaProducer(recorder, { bootstrap, topic })
  await expect.poll(() => producer.acknowledged, { timeout: 30_000 }).toBeGreaterThan(1_000)
  await producer.stop()
  expect(await caughtUp(kafka, topic, members.position, 20_000)).toBe(true)
  await members.stop()
  const verdict = await judge(topic, recorder.events, { groups: [group] })
  expect(verdict.evidence).toEqual([])
  expect(verdict.acknowledged).toBe(producer.sent)
  expect(verdict.acknowledged).toBeGreaterThan(1_000)
}, 120_000)

test("Kafka's own performance tools, and what they say", async () => {
  const topic = 'tools'
  await createTopic(topic)
  const { bootstrap } = cluster
  const produced = await produceWithKafkaTool({ bootstrap, topic, records: 3_000, recordsPerSecond: 2_000 })
  expect(produced).toMatchObject({ records: 3_000, errors: [] })
  const consumed = await consumeWithKafkaTool({ bootstrap, topic, group: 'g-tools', records: 3_000 })
  expect(consumed).toEqual({ records: 3_000, errors: [] })
  const contents = await readBack(kafka, topic)
  expect(new Set(contents.map(({ id }) => id)).size).toBe(3_000)
}, 120_000)
