import { Kafka } from 'kafkajs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type KafkaCluster, startClusters } from '../clusters/cluster.ts'
import { KafkajsLog } from '../workloads/kafkajs-log.ts'
import { readBack } from '../workloads/read-back.ts'
import { table } from './benchmark.ts'
import { type InTheMiddle, startFloor } from './in-the-middle.ts'
import { fetchLoad, produceLoad } from './load-generator.ts'

// A benchmark that sends less than it says, or reads less, measures nothing.

let cluster: KafkaCluster
let kafka: Kafka
let floor: InTheMiddle
beforeAll(async () => {
  ;[cluster] = (await startClusters([{ name: 'bench' }])) as [KafkaCluster]
  kafka = new Kafka({ brokers: cluster.bootstrap.split(','), logCreator: new KafkajsLog().creator })
  floor = await startFloor(cluster.brokers[0]!.address)
}, 180_000)
afterAll(async () => {
  await floor?.stop()
  await cluster?.stop()
}, 60_000)

async function createTopic(topic: string): Promise<void> {
  const admin = kafka.admin()
  await admin.connect()
  await admin.createTopics({ waitForLeaders: true, topics: [{ topic, numPartitions: 2 }] })
  await admin.disconnect()
}

test('what the load says it wrote through the floor is there, and is read once by the load that reads', async () => {
  const topic = 'counted'
  await createTopic(topic)
  const before = await floor.cpuSeconds()
  const written = await produceLoad({
    address: floor.address,
    topic,
    requests: [[0, 1], [1]],
    recordsPerBatch: 10,
    recordBytes: 1_000,
    connections: 2,
    inflightPerConnection: 3,
    count: 101,
    timeoutMs: 20_000,
  })
  expect(written.records).toBe(51 * 20 + 50 * 10)
  expect(written.bytes).toBe(written.records * 1_000)
  const contents = await readBack(kafka, topic)
  expect(contents).toHaveLength(written.records)
  expect(contents[0]!.id).toHaveLength(1_000)
  const ends = new Map([0, 1].map((partition) => [partition, BigInt(countOf(contents, partition))]))
  const read = await fetchLoad({
    address: floor.address,
    topic,
    connections: [[0], [1]],
    ends,
    recordBytes: 1_000,
    partitionMaxBytes: 100_000,
    timeoutMs: 20_000,
  })
  expect(read.records).toBe(written.records)
  expect((await floor.cpuSeconds())! - before!).toBeGreaterThan(0)
}, 60_000)

test('an error answer ends the load: a broker that refuses is not fast', async () => {
  const load = produceLoad({
    address: cluster.brokers[0]!.address,
    topic: 'absent',
    requests: [[0]],
    recordsPerBatch: 1,
    recordBytes: 10,
    connections: 1,
    inflightPerConnection: 1,
    count: 5,
    timeoutMs: 10_000,
  })
  await expect(load).rejects.toThrow('partition 0 answered UNKNOWN_TOPIC_OR_PARTITION')
}, 30_000)

test('columns stand under each other', () => {
  expect(
    table([
      ['', 'ms'],
      ['pause', '12.0'],
    ]),
  ).toEqual(['         ms', 'pause  12.0'])
})

function countOf(contents: readonly { partition: number }[], partition: number): number {
  return contents.filter((record) => record.partition === partition).length
}
