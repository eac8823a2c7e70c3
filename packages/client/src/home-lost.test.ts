import { RouteTable, TopicRoute } from '@braid/routing-model'
import { type ClusterSightings, Engine } from '@braid/virtual-cluster'
import { type Consumer, Kafka, logLevel } from 'kafkajs'
import { afterEach, describe, expect, it } from 'vitest'
import { EngineSocket } from './kafkajs-socket.ts'
import { FakeCluster, type Fate } from './testing/fake-cluster.ts'

const ended: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const end of ended.splice(0)) await end()
})

/** Home is a, its standby b. The topic is on c, which nothing happens to. */
function start() {
  const clusters = new Map(['a', 'b', 'c'].map((name) => [name, new FakeCluster(name)]))
  const orders = TopicRoute.create({
    tenant: 'default',
    name: 'orders',
    id: 'id-orders',
    partitions: 1,
    maxMessageBytes: 1_000_000,
    homeTopic: 'orders.a',
    cluster: 'c',
    topic: 'orders.c',
  }).withHomeTopics('orders.a', 'orders.b')
  const table = RouteTable.fromJSON({
    version: 1,
    clusters: [...clusters.keys()].map((name, i) => ({ name, number: i + 1, bootstrap: [`${name}:9`] })),
    tenants: [{ name: 'default', home: 'a', standbyHome: 'b' }],
    accessPoints: [],
    topics: [orders.toJSON()],
  })
  let downSinceMs: number | undefined
  let tell: (cluster: string) => void = () => {}
  const sightings: ClusterSightings = {
    of: (cluster) =>
      cluster === 'a' && downSinceMs !== undefined
        ? { state: 'down', forMs: performance.now() - downSinceMs, detail: 'no answer' }
        : { state: 'up', forMs: 0, detail: null },
    onChange: (listener) => {
      tell = listener
      return () => {}
    },
  }
  const listener = (name: string, nodeId: number) => ({ nodeId, host: `${name}.braid`, port: 9092 })
  const engine = new Engine({
    tenant: 'default',
    routes: table,
    connect: ({ name }) => clusters.get(name)!.connections(),
    listeners: {
      towards: (name) => listener(name, table.clusters.get(name)!.number),
      all: () => ['a', 'b', 'c'].map((name, i) => listener(name, i + 1)),
    },
    admin: {
      createTopic: () => Promise.reject(new Error('not here')),
      deleteTopic: () => Promise.reject(new Error('not here')),
    },
    sightings,
    randomBytes: (size) => Buffer.alloc(size, 5),
  })
  const kafka = new Kafka({
    brokers: ['bootstrap.braid:9092'],
    logLevel: logLevel.NOTHING,
    socketFactory: ({ host, port, onConnect }) =>
      new EngineSocket(engine, `${host}:${port}`, onConnect) as never,
  })
  const publish = (change: object) => {
    const delta = { ...change, from: table.version, to: table.version + 1 }
    table.apply(delta)
    engine.routesChanged(table, delta)
  }
  ended.push(() => engine.close())
  return {
    engine,
    kafka,
    clusters,
    goSilent: (sinceMs: number) => {
      downSinceMs = sinceMs
      tell('a')
    },
    fence: () => publish({ clusters: [{ ...table.clusters.get('a')!, fenced: true }] }),
    moveHome: () =>
      publish({
        tenants: [{ name: 'default', home: 'b', standbyHome: 'a' }],
        topics: [orders.withHomeTopics('orders.b', 'orders.a').toJSON()],
      }),
  }
}

const passed = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))

async function consume(kafka: Kafka): Promise<{ consumer: Consumer; joins: number[]; crashes: string[] }> {
  const consumer = kafka.consumer({ groupId: 'g', heartbeatInterval: 1_000, maxWaitTimeInMs: 300 })
  const joins: number[] = []
  const crashes: string[] = []
  consumer.on(consumer.events.GROUP_JOIN, () => void joins.push(performance.now()))
  consumer.on(
    consumer.events.CRASH,
    ({ payload }) => void crashes.push(`${payload.error} ${payload.restart}`),
  )
  await consumer.connect()
  await consumer.subscribe({ topics: ['orders'] })
  await consumer.run({ eachMessage: async () => {} })
  ended.unshift(() => consumer.disconnect())
  await expect.poll(() => joins.length, { timeout: 5_000 }).toBe(1)
  return { consumer, joins, crashes }
}

async function homeLost(fate: Fate, movesAfterMs: number) {
  const { kafka, clusters, goSilent, fence, moveHome } = start()
  const { joins, crashes } = await consume(kafka)
  const lostMs = performance.now()
  clusters.get('a')!.meets(fate)
  // What a pulse takes to notice.
  const noticedMs = fate === 'killed' ? 250 : 1_000
  await passed(noticedMs)
  goSilent(lostMs)
  await passed(movesAfterMs - noticedMs - 250)
  fence()
  await passed(250)
  moveHome()
  for (let i = 0; i < 1_200 && joins.length < 2; i++) await passed(10)
  const { fetchedFor } = clusters.get('b')!
  return { fate, movesAfterMs, rejoinedAfterMs: Math.round(joins[1]! - lostMs), fetchedFor, crashes }
}

describe('KafkaJS, when home is lost', () => {
  // At one time, as most of it is waiting.
  it('rejoins within ten seconds on the standby home, with what was committed there', async () => {
    const lost = await Promise.all([
      homeLost('killed', 1_500),
      homeLost('paused', 1_500),
      homeLost('killed', 4_000),
      homeLost('paused', 4_000),
      homeLost('killed', 6_000),
      homeLost('paused', 6_000),
    ])
    for (const { rejoinedAfterMs, movesAfterMs, fetchedFor, crashes } of lost) {
      expect(rejoinedAfterMs).toBeGreaterThan(movesAfterMs)
      expect(rejoinedAfterMs).toBeLessThan(10_000)
      // It asks for its commits once it has joined.
      await expect.poll(() => fetchedFor, { timeout: 5_000 }).toContain('orders.b')
      expect(crashes).toEqual([])
    }
  }, 30_000)
})
