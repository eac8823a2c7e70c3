import { apiVersions, errorCodes, findCoordinator, metadata, produce } from '@braid/kafka-protocol'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { ScriptedCluster } from '../test/scripted-cluster.ts'
import { ClusterConnections } from './cluster-connections.ts'
import type { ConnectionError } from './errors.ts'
import { type ConnectionOptions, defaultOptions } from './options.ts'

let cluster: ScriptedCluster
let connections: ClusterConnections[]
const unhandled = vi.fn()
beforeEach(async () => {
  cluster = await ScriptedCluster.start(3)
  cluster.topics.set('orders', [1, 2, 3, 1])
  connections = []
  unhandled.mockClear()
  process.on('unhandledRejection', unhandled)
})
afterEach(async () => {
  await Promise.all(connections.map((c) => c.close()))
  await cluster.stop()
  await new Promise((resolve) => setTimeout(resolve, 20))
  process.off('unhandledRejection', unhandled)
  expect(unhandled).not.toHaveBeenCalled()
})

function connect(
  options: Partial<ConnectionOptions> = {},
  bootstrap = cluster.bootstrap,
): ClusterConnections {
  const made = new ClusterConnections(
    { name: 'kafka-a', bootstrap },
    { metadataTimeoutMs: 2_000, ...options },
  )
  connections.push(made)
  return made
}
const rejection = (promise: Promise<unknown>): Promise<ConnectionError> =>
  promise.then(
    () => expect.fail('it should have been rejected'),
    (error) => error,
  )

describe('finding the cluster', () => {
  test('through the one bootstrap address that lives', async () => {
    const dead = ['127.0.0.1:1', '127.0.0.1:2', 'no-such-host.invalid:9092', 'not an address']
    const c = connect({}, [...dead, cluster.broker(2).address])
    expect((await c.brokers()).map(({ id, port }) => [id, port])).toEqual([
      [1, cluster.broker(1).port],
      [2, cluster.broker(2).port],
      [3, cluster.broker(3).port],
    ])
    expect(await c.clusterId()).toBe('scripted')
  })

  test('says what was tried when none lives', async () => {
    const error = await rejection(connect({}, ['127.0.0.1:1', 'orders']).any())
    expect(error.code).toBe('CONNECT_FAILED')
    expect(error.message).toMatch(/^kafka-a cannot be reached at any bootstrap address: /)
    expect(error.message).toMatch(/127\.0\.0\.1:1.*ECONNREFUSED/)
    expect(error.message).toMatch(/bootstrap address orders is not host:port/)
  })

  test('says so when brokers advertise addresses that lead nowhere', async () => {
    cluster.advertisedPort = (id) => id
    const error = await rejection(connect().any())
    expect(error.message).toMatch(
      /answers at its bootstrap address, but not at .*127\.0\.0\.1:1, .*advertised\.listeners/,
    )
  })

  test('many that ask at once ask once', async () => {
    const c = connect()
    await Promise.all(Array.from({ length: 20 }, () => c.any()))
    expect(cluster.metadataRequests).toHaveLength(1)
    // one to the bootstrap address, one that is shared
    expect(cluster.brokers.reduce((n, b) => n + b.of(apiVersions.key).length, 0)).toBe(2)
  })

  test('a loop of callers does not storm a cluster that is away', async () => {
    await cluster.stop()
    const connect_ = vi.fn(defaultOptions.connect)
    const c = connect({ connect: connect_, random: () => 1 })
    const untilMs = performance.now() + 300
    while (performance.now() < untilMs) await c.any().catch(() => {})
    expect(connect_.mock.calls.length).toBeLessThan(30)
  })
})

describe('leaders', () => {
  test('are read from the cache at once', async () => {
    const c = connect()
    expect([c.leader('orders', 0), c.partitionCount('orders')]).toEqual([-1, -1])
    await c.refreshMetadata(['orders'])
    expect([0, 1, 2, 3, 4].map((p) => c.leader('orders', p))).toEqual([1, 2, 3, 1, -1])
    expect(c.partitionCount('orders')).toBe(4)
    c.invalidate('orders', 1)
    expect([c.leader('orders', 0), c.leader('orders', 1)]).toEqual([1, -1])
    c.forgetTopic('orders')
    expect(c.partitionCount('orders')).toBe(-1)
  })

  test('a missing topic', async () => {
    const error = await rejection(connect({ unknownTopicTimeoutMs: 50 }).refreshMetadata(['typo']))
    expect(error).toMatchObject({ code: 'UNKNOWN_TOPIC', cluster: 'kafka-a' })
  })

  test('change with the metadata', async () => {
    const c = connect()
    await c.refreshMetadata(['orders'])
    cluster.topics.set('orders', [2, 2, 2, 2])
    c.invalidate('orders')
    await c.refreshMetadata(['orders'])
    expect(c.leader('orders', 0)).toBe(2)
  })
})

describe('a broker that is frozen', () => {
  test('does not hold up what another can answer', async () => {
    const c = connect({ lookupTimeoutMs: 100, connectTimeoutMs: 100 })
    const frozen = (await c.any()).brokerId
    cluster.broker(frozen).script = () => {}
    const startedMs = performance.now()
    await c.refreshMetadata(['orders'])
    expect(await c.coordinator('g')).toBe(1)
    expect(performance.now() - startedMs).toBeLessThan(4_000)
    expect((await c.any()).brokerId).not.toBe(frozen)
  })
})

describe('connections', () => {
  test('open gives each caller its own, shared gives all the same', async () => {
    const c = connect()
    const [a, b, s, t, slow] = await Promise.all([
      c.open(1),
      c.open(1),
      c.shared(1),
      c.shared(1),
      c.shared(1, 'slow'),
    ])
    expect(new Set([a, b, s, slow]).size).toBe(4)
    expect(t).toBe(s)
    expect(s.brokerId).toBe(1)
  })

  test('only the first to a broker asks for its versions', async () => {
    const c = connect()
    await c.open(2)
    const before = cluster.broker(2).of(apiVersions.key).length
    const others = await Promise.all([c.open(2), c.open(2), c.shared(2)])
    expect(cluster.broker(2).of(apiVersions.key).length).toBe(before)
    expect(others.map((connection) => connection.versionOf(produce))).toEqual(
      Array(3).fill(produce.maxVersion),
    )
    others[0]!.destroy('a client left')
    await new Promise((resolve) => setTimeout(resolve, 5))
    await c.open(2)
    expect(cluster.broker(2).of(apiVersions.key).length).toBe(before)
  })

  test('after a restart the shared one is opened again, and versions are asked for again', async () => {
    const c = connect()
    const before = await c.shared(2)
    const asked = cluster.broker(2).of(apiVersions.key).length
    const gone = new Promise((resolve) => before.onClose(resolve))
    await cluster.broker(2).stop()
    await gone
    await cluster.broker(2).restart()
    const after = await c.shared(2)
    expect(after).not.toBe(before)
    expect(after.closed).toBe(false)
    expect(cluster.broker(2).of(apiVersions.key).length).toBe(asked + 1)
  })

  test('to a broker that is away fail, and work when it is back', async () => {
    const c = connect()
    await c.brokers()
    await cluster.broker(3).stop()
    expect((await rejection(c.open(3))).code).toBe('CONNECT_FAILED')
    // A shared one that was open may take a moment to notice.
    await vi.waitFor(async () => expect((await rejection(c.shared(3))).code).toBe('CONNECT_FAILED'))
    await cluster.broker(3).restart()
    expect((await c.open(3)).brokerId).toBe(3)
  })

  test('follow a broker to its new address', async () => {
    const c = connect()
    await c.brokers()
    const spare = await ScriptedCluster.start(1)
    await cluster.broker(3).stop()
    cluster.advertisedPort = (id) => (id === 3 ? spare.broker(1).port : cluster.broker(id).port)
    await rejection(c.open(3))
    await vi.waitFor(async () => {
      expect((await c.open(3)).address).toBe(spare.broker(1).address)
    })
    await spare.stop()
  })

  test('any goes round brokers that are away', async () => {
    const c = connect()
    await c.brokers()
    await cluster.broker(1).stop()
    await cluster.broker(2).stop()
    await vi.waitFor(async () => {
      const connection = await c.any()
      expect(connection.brokerId).toBe(3)
      await connection.call(metadata, { topics: [], allowAutoTopicCreation: false })
    })
  })

  test('to a broker that does not exist', async () => {
    const error = await rejection(connect().open(9))
    expect(error.message).toBe('kafka-a has no broker 9, only 1, 2, 3: refresh the metadata')
  })
})

describe('coordinators', () => {
  test('are asked for once and cached', async () => {
    const c = connect()
    cluster.coordinatorId = 2
    expect(await Promise.all([c.coordinator('g'), c.coordinator('g')])).toEqual([2, 2])
    cluster.coordinatorId = 3
    expect(await c.coordinator('g')).toBe(2)
    c.invalidateCoordinator('g')
    expect(await c.coordinator('g')).toBe(3)
    expect(cluster.brokers.reduce((n, b) => n + b.of(findCoordinator.key).length, 0)).toBe(2)
  })

  test('one in the making is waited for', async () => {
    let left = 3
    cluster.script = (request) => {
      if (request.apiKey !== findCoordinator.key || left-- <= 0) return false
      request.answerWith(findCoordinator, { errorCode: errorCodes.COORDINATOR_NOT_AVAILABLE, nodeId: -1 })
      return true
    }
    expect(await connect().coordinator('g')).toBe(1)
  })

  test('one that never comes is given up', async () => {
    cluster.script = (request) => {
      if (request.apiKey !== findCoordinator.key) return false
      request.answerWith(findCoordinator, { errorCode: errorCodes.COORDINATOR_NOT_AVAILABLE, nodeId: -1 })
      return true
    }
    const error = await rejection(connect({ metadataTimeoutMs: 100 }).coordinator('g'))
    expect(error).toMatchObject({ code: 'BROKER_ERROR', kafkaError: errorCodes.COORDINATOR_NOT_AVAILABLE })
    expect(error.message).toMatch(/coordinator for group g, COORDINATOR_NOT_AVAILABLE/)
  })

  test('a refusal is not repeated', async () => {
    let asked = 0
    cluster.script = (request) => {
      if (request.apiKey !== findCoordinator.key) return false
      asked++
      request.answerWith(findCoordinator, { errorCode: errorCodes.GROUP_AUTHORIZATION_FAILED, nodeId: -1 })
      return true
    }
    expect((await rejection(connect().coordinator('g'))).kafkaError).toBe(
      errorCodes.GROUP_AUTHORIZATION_FAILED,
    )
    expect(asked).toBe(1)
  })

  test('the cache is bounded', async () => {
    const c = connect({ maxCachedGroups: 2 })
    for (const group of ['a', 'b', 'c', 'a']) await c.coordinator(group)
    expect(cluster.brokers.reduce((n, b) => n + b.of(findCoordinator.key).length, 0)).toBe(4)
  })
})

describe('closing', () => {
  test('is bounded, ends everything, and leaves no socket', async () => {
    const c = connect({ closeTimeoutMs: 50 })
    const own = await c.open(1)
    await c.shared(2)
    cluster.script = (request) => request.apiKey === produce.key
    const outcome = new Promise<ConnectionError | null>((resolve) =>
      own.send(produce.key, 8, [], resolve, 60_000),
    )
    const startedMs = performance.now()
    await Promise.all([c.close(), c.close()])
    expect(performance.now() - startedMs).toBeLessThan(1_000)
    expect((await outcome)?.code).toBe('CLOSED')
    await vi.waitFor(() => expect(cluster.brokers.map((b) => b.sockets.size)).toEqual([0, 0, 0]))
    for (const call of [
      c.any(),
      c.open(1),
      c.shared(1),
      c.refreshMetadata(['orders']),
      c.coordinator('g'),
      c.brokers(),
    ]) {
      expect((await rejection(call)).code).toBe('CLOSED')
    }
  })

  test('ends what is being connected and what waits', async () => {
    cluster.script = () => true
    for (const broker of cluster.brokers) broker.script = () => {}
    const c = connect()
    const waiting = [c.any(), c.refreshMetadata(['orders']), c.coordinator('g'), c.open(1)].map(rejection)
    await new Promise((resolve) => setTimeout(resolve, 30))
    await c.close()
    for (const error of await Promise.all(waiting)) expect(error.code).toBe('CLOSED')
  })

  test('at once, it waits for no answer: what is under way, being connected and waited for has failed by then', async () => {
    const c = connect({ closeTimeoutMs: 60_000 })
    const own = await c.open(1)
    cluster.script = () => true
    for (const broker of cluster.brokers) broker.script = () => {}
    const outcome = new Promise<ConnectionError | null>((resolve) =>
      own.send(produce.key, 8, [], resolve, 60_000),
    )
    const waiting = [c.refreshMetadata(['orders']), c.coordinator('g')].map(rejection)
    // Versions are known of a broker that was asked for the others, and it is connected to without a question.
    const opened = Promise.allSettled([c.open(2), c.open(3)])
    await new Promise((resolve) => setTimeout(resolve, 30))
    c.destroy('the cluster was given up')
    expect(await outcome).toMatchObject({ code: 'CLOSED', message: expect.stringMatching(/given up/) })
    for (const error of await Promise.all(waiting)) expect(error.code).toBe('CLOSED')
    for (const one of await opened) {
      if (one.status === 'fulfilled') expect(one.value.closed).toBe(true)
      else expect(one.reason.code).toBe('CLOSED')
    }
    expect((await rejection(c.open(1))).code).toBe('CLOSED')
    expect(c.closed).toBe(true)
  })

  test('before anything was asked for', async () => {
    await connect().close()
  })
})
