import { describeProducers, errorCodes, metadata, produce, responseHeaderBytes } from '@braid/kafka-protocol'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Limits } from './limits.ts'
import { comeBack, failOver, fence, finishReturn, GAP, lose, startReturn } from './testing/failovers.ts'
import { TestClient } from './testing/test-client.ts'
import { elapse, realTime, settled, virtualTime } from './testing/virtual-time.ts'
import { batch, type Produced, produceTo, type TestEngine, World } from './testing/world.ts'
import { WriteLease } from './write-lease.ts'

const PID = (1n << 61n) + 9n
const numbered = (sequence: number, pid = PID) => batch({ pid, sequence, values: [`r${sequence}`] })
const LEASE_MS = 3_000

let world: World
let access: TestEngine
let lease: WriteLease
let client: TestClient

function newAccess(limits: Partial<Limits> = {}): TestEngine {
  lease = new WriteLease()
  const engine = world.engine(limits, undefined, lease)
  lease.granted(Date.now(), 1_000_000)
  return engine
}

beforeEach(() => {
  virtualTime()
  world = new World()
  access = newAccess()
  world.createTopic('orders')
  world.createTopic('plain')
  world.change(world.route('orders').withFailover('strict'))
  world.learnAll()
  client = new TestClient(access.engine)
})
afterEach(realTime)

const send = (records: Buffer, from = client, topic = 'orders'): Promise<Produced> =>
  produceTo(from, topic, 0, records)
const topic = () => access.engine.topic('orders')!
const inLoglet = (index: number) => world.log('orders', index, 0).batches.length

/** What has happened without time passing. */
async function now<T>(asked: Promise<T>): Promise<T | 'waits'> {
  await settled()
  return Promise.race([asked, new Promise<'waits'>((resolve) => setImmediate(() => resolve('waits')))])
}

async function loseA(): Promise<void> {
  lose(world, 'a')
  fence(world, 'a')
  world.learnAll()
  await settled()
}

async function failedOver(): Promise<void> {
  await loseA()
  failOver(world, 'orders', 'b')
  world.learnAll()
  await settled()
}

describe('a topic that fails over', () => {
  it('is written to only while the lease is held; other topics are at any time', async () => {
    await send(numbered(0))
    await send(batch({}), client, 'plain')
    lease.end()
    const sent = send(numbered(1))
    expect(await now(sent)).toBe('waits')
    expect(inLoglet(0)).toBe(1)
    const other = new TestClient(access.engine)
    expect(await now(send(batch({}), other, 'plain'))).toMatchObject({ error: 0 })
    lease.granted(Date.now(), LEASE_MS)
    expect(await now(sent)).toMatchObject({ error: 0, offset: 1n })
  })

  it('stops by itself when the lease was not renewed in time', async () => {
    await send(numbered(0))
    lease.end()
    lease.granted(Date.now(), LEASE_MS)
    await elapse(LEASE_MS - 100)
    expect(await now(send(numbered(1)))).toMatchObject({ error: 0 })
    await elapse(100)
    expect(access.engine.leaseHeld).toBe(false)
    expect(await now(send(numbered(2)))).toBe('waits')
    expect(access.engine.topic('orders')!.heldBatches).toBe(1)
  })

  it('holds batches for failoverHoldMaxMs, in bounded memory, then the client gets NOT_LEADER_OR_FOLLOWER', async () => {
    access = newAccess({ heldMaxBytesPerTopic: 10_000 })
    lease.end()
    client = new TestClient(access.engine)
    const sent = send(batch({ values: ['x'.repeat(6_000)] }))
    await elapse(access.engine.limits.failoverHoldMaxMs - 100)
    expect(await now(sent)).toBe('waits')
    expect(client.reading).toBe(true)
    const more = send(batch({ values: ['x'.repeat(6_000)] }))
    expect(await now(more)).toBe('waits')
    expect(client.reading).toBe(false)
    await elapse(200)
    expect((await sent).error).toBe(errorCodes.NOT_LEADER_OR_FOLLOWER)
  })

  it('waits as long for a broker that cannot be reached, and for a seal only holdMaxMs', async () => {
    world.kafka('a').down = true
    const unreachable = send(numbered(0))
    await elapse(access.engine.limits.holdMaxMs + 500)
    world.kafka('a').down = false
    await elapse(500)
    expect((await unreachable).error).toBe(0)
    world.seal('orders')
    const sealed = send(numbered(1))
    await elapse(access.engine.limits.holdMaxMs + 100)
    expect((await sealed).error).toBe(errorCodes.NOT_LEADER_OR_FOLLOWER)
  })

  it('is not written to while its cluster is given up, and is again when that is taken back', async () => {
    await send(numbered(0))
    fence(world, 'a')
    world.learnAll()
    const sent = send(numbered(1))
    expect(await now(sent)).toBe('waits')
    fence(world, 'a', false)
    world.learnAll()
    expect(await now(sent)).toMatchObject({ error: 0, offset: 1n })
  })

  it('is led by another access point while this one has no lease; other topics are not', async () => {
    const leaders = async () => {
      const topics = [{ name: 'orders' }, { name: 'plain' }]
      const answer = await client.ask(metadata, 9, { topics, allowAutoTopicCreation: false })
      return answer.topics.map(({ partitions }) => partitions[0]!.leaderId)
    }
    await send(numbered(0))
    await send(batch({}), client, 'plain')
    const here = 'a'.charCodeAt(0)
    expect(await leaders()).toEqual([here, here])
    lease.end()
    expect(await leaders()).toEqual([1_000 + here, here])
    // Also when the cluster cannot be asked here: it is where the lease is that counts.
    lose(world, 'a')
    expect((await leaders())[0]).toBe(1_000 + here)
    lease.granted(Date.now(), LEASE_MS)
    expect((await leaders())[0]).not.toBe(1_000 + here)
  })

  it('is not looked for on a cluster that is given up', async () => {
    await send(numbered(0))
    await send(batch({}), client, 'plain')
    fence(world, 'a')
    world.learnAll()
    const topics = [{ name: 'orders' }]
    const answer = await client.ask(metadata, 9, { topics, allowAutoTopicCreation: false })
    expect(answer.topics[0]!.partitions[0]!.errorCode).toBe(errorCodes.LEADER_NOT_AVAILABLE)
    // These connections are new since the others were cut.
    expect(access.connections.get('a')!.refreshes).toBe(0)
  })
})

describe('what is in flight to a cluster when it is given up', () => {
  it('has its outcome at once, and goes to the standby in order if its producer can be told apart', async () => {
    await send(numbered(0))
    await send(batch({}), client, 'plain')
    world.kafka('a').stop('process', produce.key)
    const sent = [1, 2, 3].map((sequence) => send(numbered(sequence)))
    const other = new TestClient(access.engine)
    const nameless = send(batch({}), other)
    const elsewhere = send(batch({}), new TestClient(access.engine), 'plain')
    await settled()
    await loseA()
    expect(await now(nameless)).toMatchObject({ error: errorCodes.NETWORK_EXCEPTION })
    expect(await now(elsewhere)).toMatchObject({ error: errorCodes.NETWORK_EXCEPTION })
    expect(world.kafka('a').connections.size).toBe(0)
    expect(await now(sent[0]!)).toBe('waits')
    failOver(world, 'orders', 'b')
    world.learnAll()
    await settled()
    expect((await Promise.all(sent)).map(({ error, offset }) => [error, offset])).toEqual([
      [0, GAP],
      [0, GAP + 1n],
      [0, GAP + 2n],
    ])
  })

  it('is not waited for when it is cut off only with the switch', async () => {
    await send(numbered(0))
    world.kafka('a').stop('process', produce.key)
    const sent = [1, 2, 3, 4, 5].map((sequence) => send(numbered(sequence)))
    await settled()
    failOver(world, 'orders', 'b')
    world.learnAll()
    expect((await Promise.all(sent.map(now))).map((answer) => (answer as Produced).error)).toEqual([
      0, 0, 0, 0, 0,
    ])
  })

  it('is accounted for while its connection is being opened', async () => {
    await send(numbered(0))
    world.kafka('a').manual = true
    const late = new TestClient(access.engine)
    const sent = send(numbered(1), late)
    await settled()
    await loseA()
    expect(topic().inflight(0)).toBe(0)
    failOver(world, 'orders', 'b')
    world.learnAll()
    expect(await now(sent)).toMatchObject({ error: 0, offset: GAP })
    for (const open of world.kafka('a').opening.splice(0)) open()
    await settled()
    expect(world.kafka('a').connections.size).toBe(0)
  })

  it('is acknowledged where it stands when the answer is there before the connection is cut', async () => {
    await send(numbered(0))
    world.kafka('a').stop('process', produce.key)
    const sent = send(numbered(1))
    await settled()
    const [connection] = [...world.kafka('a').connections].filter(({ requests }) => requests.length > 0)
    const request = connection!.requests[0]!
    const frame = world.kafka('a').process(request, 1)!
    failOver(world, 'orders', 'b')
    world.learnAll()
    request.onAnswer(
      null,
      frame,
      responseHeaderBytes(produce.key, request.version, request.correlationId).length,
    )
    expect(await now(sent)).toMatchObject({ error: 0, offset: 1n })
    // It is known to be there, so its repetition is not written, and what follows it is at once.
    expect(await now(send(numbered(1)))).toMatchObject({ error: 0, offset: -1n })
    expect(await now(send(numbered(2)))).toMatchObject({ error: 0, offset: GAP })
  })
})

describe('after a failover', () => {
  beforeEach(async () => {
    for (const sequence of [0, 1, 2]) await send(numbered(sequence))
    await failedOver()
  })

  it('a producer goes on at once behind the last that was acknowledged here', async () => {
    expect(await now(send(numbered(3)))).toMatchObject({ error: 0, offset: GAP })
    expect(await now(send(numbered(4)))).toMatchObject({ error: 0, offset: GAP + 1n })
  })

  it('a repetition of what was acknowledged is answered, at an offset that nobody can look up', async () => {
    expect(await now(send(numbered(2)))).toMatchObject({ error: 0, offset: -1n })
    expect(inLoglet(1)).toBe(0)
  })

  it('a batch with others missing before it waits for them, then goes: another listener may have had them', async () => {
    const sent = send(numbered(5))
    await elapse(access.engine.limits.sequenceGapMaxMs - 100)
    expect(inLoglet(1)).toBe(0)
    await elapse(200)
    expect(await sent).toMatchObject({ error: 0, offset: GAP })
  })

  it('a producer that was never seen here begins at once, and goes on after a wait', async () => {
    expect(await now(send(numbered(0, PID + 1n)))).toMatchObject({ error: 0 })
    const sent = send(numbered(7, PID + 2n))
    await elapse(access.engine.limits.sequenceGapMaxMs - 100)
    expect(inLoglet(1)).toBe(1)
    await elapse(200)
    expect(await sent).toMatchObject({ error: 0, offset: GAP + 1n })
  })

  it('the standby is asked once for all producers that were never seen here', async () => {
    for (let i = 0; i < 20; i++) send(numbered(7, PID + 10n + BigInt(i))).catch(() => {})
    await elapse(100)
    const asked = world.kafka('b').log.filter((line) => line.startsWith('DescribeProducers')).length
    expect(asked).toBeGreaterThan(0)
    expect(asked).toBeLessThan(10)
  })

  it('one that the standby knows from elsewhere does not wait', async () => {
    const far = new TestClient(newAccess().engine)
    await send(numbered(0, PID + 1n), far)
    const sent = send(numbered(1, PID + 1n))
    await elapse(50)
    expect(await sent).toMatchObject({ error: 0, offset: GAP + 1n })
  })

  it('the lost cluster is asked for nothing', async () => {
    await send(numbered(3))
    expect(access.connections.get('a')!.refreshes).toBe(1)
    expect(world.kafka('a').connections.size).toBe(0)
  })

  it('what other topics have there goes on when it answers again', async () => {
    comeBack(world, 'a')
    const sent = send(batch({}), client, 'plain')
    await elapse(50)
    expect(await sent).toMatchObject({ error: 0, offset: 0n })
  })
})

describe('when a lost cluster returns', () => {
  /** r0 acknowledged on a; r1 and r2 appended there, their answers lost; r1 written again to b. */
  async function lostWithAnswersMissing(): Promise<void> {
    await send(numbered(0))
    world.kafka('a').stop('deliver', produce.key)
    send(numbered(1)).catch(() => {})
    await settled()
    world.log('orders', 0, 0).append(numbered(2))
    // Another producer's first batch landed too, and its client has gone before it could be repeated.
    const brief = new TestClient(access.engine)
    send(numbered(0, PID + 1n), brief).catch(() => {})
    await settled()
    brief.close()
    await failedOver()
    world.kafka('a').go('deliver', produce.key)
    comeBack(world, 'a')
    await settled()
  }

  it('a batch that nobody has written again is not written any more: it is answered where it stands', async () => {
    await lostWithAnswersMissing()
    startReturn(world, 'orders', 0)
    world.learnAll()
    const sent = send(numbered(0, PID + 1n))
    await elapse(50)
    expect(await sent).toMatchObject({ error: 0, offset: 3n })
    expect(inLoglet(1)).toBe(1)
  })

  it('nothing that the standby does not know is written before the returning loglet was asked', async () => {
    await lostWithAnswersMissing()
    world.kafka('a').stop('process', describeProducers.key)
    startReturn(world, 'orders', 0)
    world.learnAll()
    const known = send(numbered(2))
    const unknown = send(numbered(0, PID + 1n), new TestClient(access.engine))
    await elapse(100)
    // It follows what the standby has, so the standby itself keeps it from standing twice there.
    expect(await known).toMatchObject({ error: 0, offset: GAP + 1n })
    expect(await now(unknown)).toBe('waits')
    world.kafka('a').go('process', describeProducers.key)
    await elapse(400)
    expect(await unknown).toMatchObject({ error: 0, offset: 3n })
  })

  it('producers go on behind what it has, without a wait', async () => {
    await lostWithAnswersMissing()
    startReturn(world, 'orders', 0)
    finishReturn(world, 'orders', 0)
    fence(world, 'a', false)
    world.learnAll()
    expect(world.route('orders').holesWithin(0, 0, 0n, 10n)).toBe(1n)
    const fresh = new TestClient(newAccess().engine)
    for (const from of [client, fresh]) {
      const sent = send(numbered(from === client ? 1 : 2, PID + 1n), from)
      await elapse(50)
      expect(await sent).toMatchObject({ error: 0 })
    }
    expect(inLoglet(1)).toBe(3)
  })

  it('what was copied on from behind its cut counts as written', async () => {
    await lostWithAnswersMissing()
    startReturn(world, 'orders', 0)
    finishReturn(world, 'orders', 0, { ends: [1n] })
    world.learnAll()
    // This access point reads what the loglet knows only now that its cut is before what it has.
    const fresh = new TestClient(newAccess().engine)
    const repeated = send(numbered(0, PID + 1n), fresh)
    await elapse(50)
    expect(await repeated).toMatchObject({ error: 0, offset: -1n })
    const next = send(numbered(1, PID + 1n), fresh)
    await elapse(50)
    expect(await next).toMatchObject({ error: 0 })
    expect(inLoglet(1)).toBe(2)
  })

  it('the newest that knows a producer counts, whichever returned last', async () => {
    const far = new TestClient(newAccess().engine)
    for (const sequence of [0, 1, 2]) await send(numbered(sequence), far)
    await failedOver()
    await send(numbered(3), far)
    lose(world, 'b')
    fence(world, 'b')
    failOver(world, 'orders', 'c')
    world.learnAll()
    await settled()
    // This access point has seen nothing of the producer.
    for (const [cluster, index] of [
      ['b', 1],
      ['a', 0],
    ] as const) {
      comeBack(world, cluster)
      startReturn(world, 'orders', index)
      world.learnAll()
      const stranger = send(numbered(0, PID + 10n + BigInt(index)))
      await elapse(50)
      expect(await stranger).toMatchObject({ error: 0 })
    }
    expect(await now(send(numbered(4)))).toMatchObject({ error: 0 })
    expect(world.log('orders', 2, 0).batches.length).toBe(3)
  })

  it('a producer of a loglet that was abandoned goes on behind what was acknowledged', async () => {
    for (const sequence of [0, 1]) await send(numbered(sequence))
    await failedOver()
    world.change(world.route('orders').abandoned(0))
    world.learnAll()
    await settled()
    expect(await now(send(numbered(1)))).toMatchObject({ error: 0, offset: -1n })
    expect(await now(send(numbered(2)))).toMatchObject({ error: 0, offset: GAP })
    const late = send(numbered(9, PID + 5n))
    await elapse(1_200)
    expect(await late).toMatchObject({ error: 0 })
  })
})

describe('the version that everything before is settled in', () => {
  it('is behind while batches are in flight that departed before a loglet went away or came back', async () => {
    await send(numbered(0))
    await failedOver()
    expect(access.engine.settledVersion).toBe(world.table.version)
    await send(numbered(1))
    world.kafka('b').stop('deliver', produce.key)
    const before = send(numbered(2))
    await settled()
    comeBack(world, 'a')
    startReturn(world, 'orders', 0)
    world.learnAll()
    const returning = world.table.version
    const after = send(numbered(3))
    await settled()
    fence(world, 'a', false)
    world.learnAll()
    expect(access.engine.settledVersion).toBe(returning - 1)
    const [connection] = [...world.kafka('b').connections].filter(({ requests }) => requests.length > 1)
    world.kafka('b').go('deliver', produce.key)
    expect(connection).toBeDefined()
    await settled()
    expect([(await before).error, (await after).error]).toEqual([0, 0])
    expect(access.engine.settledVersion).toBe(world.table.version)
  })

  it('is one from before the change, however many versions came at once', async () => {
    await send(numbered(0))
    await failedOver()
    await send(numbered(1))
    world.kafka('b').stop('deliver', produce.key)
    const sent = send(numbered(2))
    await settled()
    const before = access.engine.routes.version
    comeBack(world, 'a')
    startReturn(world, 'orders', 0)
    for (let i = 0; i < 3; i++) world.change(world.route('plain').withMaxMessageBytes(2_000_000 + i))
    access.learnAtOnce()
    expect(access.engine.routes.version).toBe(before + 4)
    expect(access.engine.settledVersion).toBe(before)
    world.kafka('b').go('deliver', produce.key)
    await sent
    expect(access.engine.settledVersion).toBe(before + 4)
  })

  it('does not wait for what departed since, nor for other topics', async () => {
    await send(numbered(0))
    await send(batch({}), client, 'plain')
    await failedOver()
    await send(numbered(1))
    world.kafka('b').stop('deliver', produce.key)
    comeBack(world, 'a')
    world.kafka('a').stop('deliver', produce.key)
    send(batch({}), client, 'plain').catch(() => {})
    await elapse(50)
    startReturn(world, 'orders', 0)
    world.learnAll()
    send(numbered(2)).catch(() => {})
    await settled()
    expect([topic().inflight(0), access.engine.topic('plain')!.inflight(0)]).toEqual([1, 1])
    expect(access.engine.settledVersion).toBe(world.table.version)
  })
})

describe('what is counted', () => {
  it('are records that were acknowledged, by topic; a topic that is deleted drops out', async () => {
    await send(batch({ pid: PID, values: ['a', 'b', 'c'] }))
    await send(batch({ values: ['a', 'b'] }))
    await send(batch({}), client, 'plain')
    lease.end()
    send(batch({})).catch(() => {})
    await settled()
    const counts = () => Object.fromEntries(access.engine.counts().map((count) => [count.topic, count]))
    expect(counts()).toMatchObject({
      orders: { acknowledgedRecords: 5, deliveredRecords: 0, heldBatches: 1 },
      plain: { acknowledgedRecords: 1, heldBatches: 0 },
    })
    world.removeTopic('plain')
    world.learnAll()
    expect(Object.keys(counts())).toEqual(['orders'])
  })
})
