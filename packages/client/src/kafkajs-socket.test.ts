import type { Socket } from 'node:net'
import type { ClusterConnections, OnAnswer } from '@braid/kafka-connection'
import { produce, Reader, Writer } from '@braid/kafka-protocol'
import { RouteTable, TopicRoute } from '@braid/routing-model'
import { Engine } from '@braid/virtual-cluster'
import { Kafka, logLevel } from 'kafkajs'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { EngineSocket } from './kafkajs-socket.ts'

const LISTENER = { nodeId: 1, host: 'a.braid', port: 9092 }

let engine: Engine
let written: Buffer[]
let peers: string[]
let answers: 'at once' | (() => void)[]

/** A broker that takes every batch. */
class TakesAll {
  readonly address = 'a:1'
  closed = false

  send(_key: number, version: number, parts: readonly Buffer[], onAnswer: OnAnswer): void {
    const { topicData } = produce.decodeRequest(new Reader(Buffer.concat(parts as Buffer[])), version)
    const w = new Writer()
    w.int32(0)
    produce.encodeResponse(w, version, {
      responses: topicData.map(({ name, partitionData }) => ({
        name,
        partitionResponses: partitionData.map(({ index, records }) => ({
          index,
          errorCode: 0,
          baseOffset: BigInt(written.push(records!) - 1),
        })),
      })),
    })
    const answer = () => onAnswer(null, w.finish(), 4)
    if (answers === 'at once') setImmediate(answer)
    else answers.push(answer)
  }

  destroy(): void {
    this.closed = true
  }
}

beforeEach(() => {
  written = []
  peers = []
  answers = 'at once'
  const routes = RouteTable.fromJSON({
    version: 1,
    clusters: [{ name: 'a', number: 1, bootstrap: ['a:9092'] }],
    tenants: [{ name: 'default', home: 'a' }],
    accessPoints: [],
    topics: [
      TopicRoute.create({
        tenant: 'default',
        name: 'orders',
        id: 'id-orders',
        partitions: 2,
        maxMessageBytes: 1_000_000,
        homeTopic: 'orders.0',
        cluster: 'a',
        topic: 'orders.0',
      }).toJSON(),
    ],
  })
  engine = new Engine({
    tenant: 'default',
    routes,
    connect: () =>
      ({
        leader: () => 1,
        open: async () => new TakesAll(),
        close: async () => {},
      }) as unknown as ClusterConnections,
    listeners: { towards: () => LISTENER, all: () => [LISTENER] },
    admin: {
      createTopic: async ({ partitions }) => ({ partitions, replicationFactor: 1 }),
      deleteTopic: () => Promise.reject(new Error('not here')),
    },
    limits: { inflightMaxRequests: 4 },
    randomBytes: (size) => Buffer.alloc(size, 5),
  })
})

afterEach(() => engine.close())

const kafka = () =>
  new Kafka({
    brokers: ['bootstrap.braid:9092'],
    logLevel: logLevel.NOTHING,
    socketFactory: ({ host, port, onConnect }) => {
      peers.push(`${host}:${port}`)
      return new EngineSocket(engine, `${host}:${port}`, onConnect) as unknown as Socket
    },
  })

/** KafkaJS does not wait for its sockets to close. */
async function sessionsEnded(): Promise<void> {
  for (let i = 0; i < 50 && engine.sessions > 0; i++) await new Promise((resolve) => setTimeout(resolve, 2))
  expect(engine.sessions).toBe(0)
}

describe('KafkaJS with the engine in its process', () => {
  it('sees one cluster, of listeners that no socket leads to', async () => {
    const admin = kafka().admin()
    await admin.connect()
    expect(await admin.describeCluster()).toMatchObject({
      clusterId: 'braid-default',
      brokers: [{ nodeId: 1, host: 'a.braid', port: 9092 }],
    })
    expect(await admin.listTopics()).toEqual(['orders'])
    await admin.disconnect()
    await sessionsEnded()
  })

  it('produces, idempotent too, and large batches', async () => {
    for (const idempotent of [false, true]) {
      const producer = kafka().producer({ idempotent })
      await producer.connect()
      for (const value of ['small', 'x'.repeat(200_000)]) {
        const [sent] = await producer.send({ topic: 'orders', messages: [{ value, partition: 1 }] })
        expect(sent).toMatchObject({ topicName: 'orders', partition: 1, errorCode: 0 })
        expect(written.at(-1)!.includes(value)).toBe(true)
      }
      await producer.disconnect()
    }
    expect(peers).toContain('a.braid:9092')
    await sessionsEnded()
  })

  it('is held up while the engine has enough of it, and then goes on', async () => {
    const producer = kafka().producer()
    await producer.connect()
    await producer.send({ topic: 'orders', messages: [{ value: 'first', partition: 0 }] })
    const waiting: (() => void)[] = []
    answers = waiting
    const sends = Array.from({ length: 20 }, (_, i) =>
      producer.send({ topic: 'orders', messages: [{ value: `v${i}`, partition: 0 }] }),
    )
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(waiting.length).toBe(4)
    answers = 'at once'
    for (const answer of waiting) answer()
    expect((await Promise.all(sends)).length).toBe(20)
    expect(written.length).toBe(21)
    await producer.disconnect()
  })

  it('hears of a session that the engine ends as of a closed connection', async () => {
    const socket = new EngineSocket(engine, 'a.braid:9092', () => {})
    const closed = new Promise((resolve) => socket.on('close', resolve))
    socket.write(Buffer.from([0xff, 0xff, 0xff, 0xff]))
    await closed
    expect(engine.sessions).toBe(0)
  })
})
