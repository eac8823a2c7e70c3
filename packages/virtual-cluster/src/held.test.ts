import { errorCodes, produce } from '@braid/kafka-protocol'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Limits } from './limits.ts'
import { TestClient } from './testing/test-client.ts'
import { elapse, realTime, settled, virtualTime } from './testing/virtual-time.ts'
import { batch, produceTo, type TestEngine, World } from './testing/world.ts'

const PID = (1n << 61n) + 9n
const numbered = (sequence: number) => batch({ pid: PID, sequence, values: [`r${sequence}`] })
const big = (bytes: number) => batch({ values: ['x'.repeat(bytes)] })

describe('batches that the loglet refuses', () => {
  let world: World
  let access: TestEngine
  let client: TestClient

  function begin(limits: Partial<Limits> = {}, maxMessageBytes?: number): void {
    world = new World()
    access = world.engine(limits)
    world.createTopic('orders', 1, 'a', maxMessageBytes)
    world.learnAll()
    client = new TestClient(access.engine)
  }

  beforeEach(() => {
    virtualTime()
    begin()
  })
  afterEach(realTime)

  const send = (records: Buffer, from = client) => produceTo(from, 'orders', 0, records)
  const topic = () => access.engine.topic('orders')!
  const valuesIn = (index: number) => world.log('orders', index, 0).batches.length

  it('wait for the switch, then go to the next loglet in order', async () => {
    await send(numbered(0))
    world.seal('orders')
    const sent = [1, 2, 3].map((sequence) => send(numbered(sequence)))
    await elapse(400)
    expect(topic().heldBatches).toBe(3)
    world.switchTo('orders', 'b')
    world.learnAll()
    await elapse(20)
    expect((await Promise.all(sent)).map(({ offset }) => offset)).toEqual([1n, 2n, 3n])
    expect(access.logged('switch')[0]!.fields).toMatchObject({ from: 'a', to: 'b', heldBatches: 3 })
  })

  it('are answered NOT_LEADER_OR_FOLLOWER after holdMaxMs', async () => {
    world.seal('orders')
    let error: number | undefined
    void send(batch({})).then((answer) => {
      error = answer.error
    })
    await elapse(1_900)
    expect(error).toBeUndefined()
    await elapse(200)
    expect(error).toBe(errorCodes.NOT_LEADER_OR_FOLLOWER)
    expect(topic().heldBatches).toBe(0)
  })

  it('take what their connection sent after them along, so that none of it overtakes', async () => {
    world.seal('orders')
    const early = send(batch({}))
    await elapse(1_500)
    const late = send(batch({}))
    const elsewhere = send(batch({}), new TestClient(access.engine))
    await elapse(600)
    expect([(await early).error, (await late).error]).toEqual([6, 6])
    expect(topic().heldBatches).toBe(1)
    world.unseal('orders')
    await elapse(300)
    expect((await elsewhere).error).toBe(0)
  })

  it('go to the same loglet, all at once, when a cancelled migration unseals it', async () => {
    await send(numbered(0))
    world.seal('orders')
    const sent = Array.from({ length: 10 }, (_, i) => send(numbered(i + 1)))
    await elapse(100)
    world.unseal('orders')
    await elapse(300)
    expect((await Promise.all(sent)).map(({ offset }) => offset)).toEqual(
      Array.from({ length: 10 }, (_, i) => BigInt(i + 1)),
    )
  })

  it('are timed from the first refusal of each migration, not from one that was rolled back', async () => {
    world.seal('orders')
    const sent = [send(batch({}))]
    await elapse(100)
    world.unseal('orders')
    await elapse(1_000)
    world.seal('orders')
    sent.push(send(batch({})))
    await elapse(100)
    world.switchTo('orders', 'b')
    world.learnAll()
    await elapse(50)
    expect((await Promise.all(sent)).map(({ error }) => error)).toEqual([0, 0])
    expect(access.logged('switch')[0]!.fields.refusalToSwitchMs).toBeLessThanOrEqual(100)
  })

  it('that hear of the seal only after the switch do not count for the next migration', async () => {
    await send(batch({}))
    world.seal('orders')
    world.kafka('a').stop('deliver', produce.key)
    const late = send(batch({}))
    await settled()
    world.switchTo('orders', 'b')
    world.learnAll()
    world.kafka('a').go('deliver', produce.key)
    await elapse(1_000)
    expect((await late).error).toBe(0)
    world.seal('orders')
    const next = send(batch({}))
    await elapse(50)
    world.switchTo('orders', 'c')
    world.learnAll()
    await elapse(50)
    expect((await next).error).toBe(0)
    const switches = access.logged('switch').map(({ fields }) => fields.refusalToSwitchMs as number)
    expect(Math.max(...switches)).toBeLessThanOrEqual(60)
    expect(access.logged('refused').map(({ fields }) => fields.physicalTopic)).toEqual(['orders.1'])
  })

  it('stand by sequence, also when a later one was sent first and comes back last', async () => {
    await send(numbered(0))
    const other = new TestClient(access.engine)
    await send(batch({}), other)
    const kafka = world.kafka('a')
    kafka.manual = true
    const sent = [send(numbered(2)), send(numbered(1), other)]
    world.seal('orders')
    const [early, late] = [...kafka.connections].filter((connection) => connection.requests.length > 0)
    for (const connection of [late!, early!]) {
      connection.processNext()
      connection.deliverNext()
    }
    await settled()
    kafka.manual = false
    for (const open of kafka.opening.splice(0)) open()
    world.switchTo('orders', 'b')
    world.learnAll()
    await elapse(50)
    expect((await Promise.all(sent)).map(({ error, offset }) => [error, offset])).toEqual([
      [0, 3n],
      [0, 2n],
    ])
  })

  it('are answered MESSAGE_TOO_LARGE at once when they are larger than the topic allows', async () => {
    begin({}, 1_000)
    world.log('orders', 0, 0).maxMessageBytes = 1_000
    expect((await send(big(2_000))).error).toBe(errorCodes.MESSAGE_TOO_LARGE)
    expect((await send(big(500))).error).toBe(0)
  })

  it('stop the reading of their connection at heldMaxBytesPerTopic, until half of it is gone', async () => {
    begin({ heldMaxBytesPerTopic: 10_000 })
    world.seal('orders')
    const sent = [send(big(4_000)), send(big(4_000))]
    await settled()
    expect(client.reading).toBe(true)
    sent.push(send(big(4_000)))
    await settled()
    expect(client.reading).toBe(false)
    world.switchTo('orders', 'b')
    world.learnAll()
    await settled()
    expect(client.reading).toBe(true)
    expect((await Promise.all(sent)).map(({ offset }) => offset)).toEqual([0n, 1n, 2n])
  })

  it('keep their bytes while the memory of other requests is used again', async () => {
    await send(batch({}))
    world.seal('orders')
    const bodies = ['a', 'b', 'c'].map((letter) => batch({ values: [letter.repeat(100_000)] }))
    const other = new TestClient(access.engine)
    const sent: Promise<unknown>[] = []
    for (const body of bodies) {
      sent.push(send(body))
      for (let i = 0; i < 3; i++)
        await produceTo(other, 'nothing', 0, batch({ values: ['z'.repeat(100_000)] }))
    }
    world.switchTo('orders', 'b')
    world.learnAll()
    await settled()
    await Promise.all(sent)
    const stored = world.log('orders', 1, 0).batches.map(({ bytes }) => bytes.subarray(61))
    expect(stored).toEqual(bodies.map((body) => body.subarray(61)))
  })

  it('are forgotten with their connection', async () => {
    world.seal('orders')
    send(batch({})).catch(() => {})
    await settled()
    client.close()
    await elapse(300)
    expect(topic().heldBatches).toBe(0)
  })

  it('are answered UNKNOWN_TOPIC_OR_PARTITION when the topic is deleted, those in flight too', async () => {
    await send(batch({}))
    world.seal('orders')
    const held = send(batch({}))
    await settled()
    world.kafka('a').stop('deliver', produce.key)
    const inFlight = send(batch({}), new TestClient(access.engine))
    await elapse(260)
    world.removeTopic('orders')
    world.learnAll()
    world.kafka('a').go('deliver', produce.key)
    await settled()
    expect((await held).error).toBe(errorCodes.UNKNOWN_TOPIC_OR_PARTITION)
    expect((await inFlight).error).toBe(errorCodes.UNKNOWN_TOPIC_OR_PARTITION)
  })

  it('are not lost when acks is 0, and get no answer', async () => {
    await send(batch({}))
    world.seal('orders')
    const records = batch({})
    client.tell(produce, 8, {
      transactionalId: null,
      acks: 0,
      timeoutMs: 1_000,
      topicData: [{ name: 'orders', partitionData: [{ index: 0, records }] }],
    })
    await settled()
    world.switchTo('orders', 'b')
    world.learnAll()
    await settled()
    expect(valuesIn(1)).toBe(1)
    expect(client.answered).toEqual([0])
  })
})

describe('batches in flight', () => {
  beforeEach(virtualTime)
  afterEach(realTime)

  async function inFlight() {
    const world = new World()
    const access = world.engine()
    world.createTopic('orders')
    world.learnAll()
    const client = new TestClient(access.engine)
    await produceTo(client, 'orders', 0, batch({}))
    return { world, access, client, topic: access.engine.topic('orders')! }
  }

  it('are accounted for when their session ends while its connection is being opened', async () => {
    const { world, access, topic } = await inFlight()
    const brief = new TestClient(access.engine)
    produceTo(brief, 'orders', 0, batch({})).catch(() => {})
    expect(topic.inflight(0)).toBe(1)
    brief.close()
    await settled()
    expect(topic.inflight(0)).toBe(0)
    expect([...world.kafka('a').connections].length).toBe(1)
  })

  it('are repeated after a lost connection when the broker can tell', async () => {
    const { world, client } = await inFlight()
    world.kafka('a').stop('deliver', produce.key)
    const sent = [0, 1, 2].map((sequence) => produceTo(client, 'orders', 0, numbered(sequence)))
    await settled()
    for (const connection of world.kafka('a').connections) connection.break()
    world.kafka('a').go('deliver', produce.key)
    await elapse(50)
    expect((await Promise.all(sent)).map(({ offset }) => offset)).toEqual([1n, 2n, 3n])
    expect(world.log('orders', 0, 0).end).toBe(4n)
  })

  it('are the client’s to repeat after a lost connection when the broker cannot tell', async () => {
    const { world, client } = await inFlight()
    world.kafka('a').stop('deliver', produce.key)
    const sent = produceTo(client, 'orders', 0, batch({}))
    await settled()
    for (const connection of world.kafka('a').connections) connection.break()
    await elapse(50)
    expect((await sent).error).toBe(errorCodes.NETWORK_EXCEPTION)
    expect(world.log('orders', 0, 0).end).toBe(2n)
  })

  it('find the new leader after NOT_LEADER_OR_FOLLOWER', async () => {
    const world = new World({ brokers: 2 })
    const access = world.engine()
    world.createTopic('orders')
    world.learnAll()
    const client = new TestClient(access.engine)
    await produceTo(client, 'orders', 0, numbered(0))
    world.kafka('a').topics.get('orders.0')!.leaders[0] = 2
    const sent = [1, 2].map((sequence) => produceTo(client, 'orders', 0, numbered(sequence)))
    await elapse(50)
    expect((await Promise.all(sent)).map(({ offset }) => offset)).toEqual([1n, 2n])
  })

  it('do not wait to hear who led the loglet before the switch', async () => {
    const { world, access, client } = await inFlight()
    const a = access.connections.get('a')!
    a.silent = true
    a.invalidate('orders.0')
    const sent = produceTo(client, 'orders', 0, batch({}))
    await settled()
    world.switchTo('orders', 'b')
    world.learnAll()
    await elapse(50)
    expect(await sent).toMatchObject({ error: 0, offset: 1n })
  })

  it('are found by the loglet’s name when loglets were retired meanwhile', async () => {
    const { world, client, access } = await inFlight()
    world.seal('orders')
    world.switchTo('orders', 'b')
    world.learnAll()
    await produceTo(client, 'orders', 0, batch({}))
    world.kafka('b').stop('deliver', produce.key)
    const sent = produceTo(client, 'orders', 0, batch({}))
    await settled()
    world.seal('orders')
    world.switchTo('orders', 'c')
    world.retireFirst('orders')
    world.learnAll()
    world.kafka('b').go('deliver', produce.key)
    await settled()
    expect(await sent).toMatchObject({ error: 0, offset: 2n })
    expect(access.engine.topic('orders')!.route.depth).toBe(2)
  })
})
