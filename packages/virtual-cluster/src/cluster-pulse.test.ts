import { ConnectionError } from '@braid/kafka-connection'
import { metadata } from '@braid/kafka-protocol'
import { RouteTable, TopicRoute } from '@braid/routing-model'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { ClusterPulse, type PulseConnections } from './cluster-pulse.ts'
import { ClusterPulses, clustersOf } from './cluster-pulses.ts'
import { FakeConnections } from './testing/fake-connections.ts'
import { FakeKafka, type Handler } from './testing/fake-kafka.ts'
import { elapse, realTime, settled, virtualTime } from './testing/virtual-time.ts'

let kafka: FakeKafka
let changes: string[]
let pulse: ClusterPulse | undefined

beforeEach(() => {
  virtualTime()
  kafka = withMetadata(new FakeKafka('a', 3))
  changes = []
  pulse = undefined
})

afterEach(async () => {
  await pulse?.close()
  realTime()
})

function withMetadata(cluster: FakeKafka): FakeKafka {
  cluster.handlers.set(metadata.key, (() => ({ brokers: [], topics: [] })) as Handler)
  return cluster
}

const connectionsTo = (cluster: FakeKafka): PulseConnections =>
  Object.assign(new FakeConnections(cluster), {
    refreshBrokers: async () => {},
  }) as unknown as PulseConnections

function start(): ClusterPulse {
  pulse = new ClusterPulse({
    connections: connectionsTo(kafka),
    now: () => Date.now(),
    onChange: ({ state, forMs }, before) => changes.push(`${before.state} to ${state} for ${forMs}`),
  })
  return pulse
}

/** Requests of the broker are read and not answered, as by a process that is stopped. */
function pause(brokerId: number): void {
  const at = kafka.handlers.get(metadata.key)!
  kafka.handlers.set(metadata.key, ((request: never, where: { brokerId: number }) =>
    where.brokerId === brokerId ? 'not yet' : at(request, where as never)) as Handler)
}

describe('a cluster that answers', () => {
  it('is unknown first, and up after the first answer', async () => {
    const seen = start()
    expect(seen.sighting.state).toBe('unknown')
    await settled()
    await elapse(2_000)
    expect(seen.sighting).toEqual({ state: 'up', forMs: 2_000, detail: null })
    expect(changes).toEqual(['unknown to up for 0'])
  })

  it('is asked every half second, by one request at a time', async () => {
    start()
    await elapse(5_000)
    expect(kafka.log.filter((line) => line.startsWith('Metadata')).length).toBe(11)
  })

  it('is up though one of its brokers is silent, or gone', async () => {
    start()
    await settled()
    for (const broker of [1, 2]) {
      pause(broker)
      for (const connection of kafka.connections) if (connection.brokerId === broker) connection.break()
      await elapse(3_000)
    }
    expect(changes).toEqual(['unknown to up for 0'])
  })
})

describe('a cluster that is silent', () => {
  it('is down after a second, since the first request that was not answered was sent', async () => {
    const seen = start()
    await settled()
    await elapse(200)
    kafka.stop('process', metadata.key)
    await elapse(1_250)
    expect(seen.sighting.state).toBe('up')
    await elapse(100)
    // Sent at 500 ms, given up at 1,500 ms; now is 1,550 ms.
    expect(seen.sighting).toEqual({
      state: 'down',
      forMs: 1_050,
      detail: expect.stringMatching(/^no answer in 1 s: broker \d/),
    })
    await elapse(5_000)
    expect(seen.sighting.forMs).toBe(6_050)
    expect(changes.length).toBe(2)
  })

  it('is up again with the first answer, on connections that did not wait', async () => {
    const seen = start()
    await settled()
    kafka.stop('process', metadata.key)
    await elapse(4_000)
    expect(seen.sighting.state).toBe('down')
    const before = [...kafka.connections]
    kafka.go('process', metadata.key)
    await elapse(1_500)
    expect(seen.sighting).toMatchObject({ state: 'up', detail: null })
    expect(before.every((connection) => connection.closed || connection.requests.length === 0)).toBe(true)
  })
})

describe('a cluster that cannot be connected to', () => {
  it('is down at once, and asked again every half second', async () => {
    const seen = start()
    await settled()
    await elapse(250)
    kafka.down = true
    for (const connection of [...kafka.connections]) connection.break()
    await elapse(300)
    expect(seen.sighting).toMatchObject({
      state: 'down',
      detail: expect.stringContaining('cannot be reached'),
    })
    kafka.down = false
    await elapse(600)
    expect(seen.sighting.state).toBe('up')
  })
})

describe('a cluster whose connection breaks', () => {
  it('is asked at once, not at the next beat, and not in a loop', async () => {
    const seen = start()
    await settled()
    await elapse(700)
    kafka.down = true
    for (const connection of [...kafka.connections]) connection.break()
    await settled()
    expect(seen.sighting.state).toBe('down')
    kafka.down = false
    const hangUp = setInterval(() => {
      for (const connection of [...kafka.connections]) connection.break()
    }, 5)
    kafka.log.length = 0
    await elapse(2_000)
    clearInterval(hangUp)
    expect(kafka.log.length).toBeLessThanOrEqual(10)
  })
})

describe('a process whose settings are wrong', () => {
  it('does not know whether the cluster answers', async () => {
    const wrong = new ConnectionError('SECRET_MISSING', 'a: env:PASSWORD is not set', { cluster: 'a' })
    pulse = new ClusterPulse({
      connections: {
        brokers: () => Promise.reject(wrong),
        shared: () => Promise.reject(wrong),
        refreshBrokers: async () => {},
        close: async () => {},
      },
      now: () => Date.now(),
      onChange: ({ state }) => changes.push(state),
    })
    await elapse(3_000)
    expect(pulse.sighting).toEqual({ state: 'unknown', forMs: 3_000, detail: 'a: env:PASSWORD is not set' })
    expect(changes).toEqual([])
  })
})

describe('a process that stood still', () => {
  it('does not take the time that it missed for silence', async () => {
    const seen = start()
    await settled()
    kafka.stop('process', metadata.key)
    await elapse(600)
    // As after SIGSTOP and SIGCONT: timers come late, and answers that have arrived are read after them.
    vi.setSystemTime(Date.now() + 10_000)
    await elapse(905)
    kafka.go('process', metadata.key)
    await elapse(1_000)
    expect(seen.sighting.state).toBe('up')
    expect(changes).toEqual(['unknown to up for 0'])
  })
})

describe('which clusters are looked at', () => {
  const topic = (cluster: string) =>
    TopicRoute.create({
      tenant: 't',
      name: 'orders',
      id: 'id',
      partitions: 1,
      maxMessageBytes: 1_000,
      homeTopic: 'orders.0',
      cluster,
      topic: 'orders.0',
    })
  const table = (route: TopicRoute) =>
    RouteTable.fromJSON({
      version: 1,
      clusters: ['a', 'b', 'c', 'd'].map((name, i) => ({ name, number: i + 1, bootstrap: [`${name}:9`] })),
      tenants: [{ name: 't', home: 'a', standbyHome: 'b' }],
      accessPoints: [],
      topics: [route.toJSON()],
    })

  it('are the homes’ and those of topics, where they were and where they go', () => {
    expect([...clustersOf(table(topic('c')), 't')].sort()).toEqual(['a', 'b', 'c'])
    const moved = topic('c').sealedAndAppended([5n], { cluster: 'd', topic: 'orders.1' })
    expect([...clustersOf(table(moved), 't')].sort()).toEqual(['a', 'b', 'c', 'd'])
    expect([...clustersOf(table(topic('c')), 'another')]).toEqual([])
  })

  it('follow the routes, and say which has changed', async () => {
    const seen: string[] = []
    const kafkas = new Map(['a', 'b', 'c', 'd'].map((name) => [name, withMetadata(new FakeKafka(name))]))
    const routes = table(topic('c'))
    const lines: string[] = []
    const pulses = new ClusterPulses(
      {
        tenant: 't',
        connect: ({ name }) => connectionsTo(kafkas.get(name)!),
        now: () => Date.now(),
        log: (_, event, fields) => lines.push(`${event} ${fields.cluster}`),
      },
      routes,
    )
    pulses.onChange((cluster) => seen.push(`${cluster} ${pulses.of(cluster).state}`))
    await elapse(10)
    expect(Object.keys(pulses.all()).sort()).toEqual(['a', 'b', 'c'])
    expect(seen.sort()).toEqual(['a up', 'b up', 'c up'])
    expect(pulses.of('d').state).toBe('unknown')
    routes.apply({ from: 1, to: 2, topics: [topic('d').toJSON()] })
    pulses.routed(routes)
    await elapse(200)
    expect(Object.keys(pulses.all()).sort()).toEqual(['a', 'b', 'd'])
    kafkas.get('d')!.stop('process', metadata.key)
    await elapse(1_600)
    kafkas.get('d')!.go('process', metadata.key)
    await elapse(1_100)
    expect(seen.slice(3)).toEqual(['d up', 'd down', 'd up'])
    expect(lines).toEqual(['cluster-down d', 'cluster-up d'])
    await pulses.close()
    expect(kafkas.get('a')!.connections.size).toBe(0)
  })
})
