import { errorCodes, produce } from '@braid/kafka-protocol'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { TestClient } from './testing/test-client.ts'
import { elapse, realTime, settled, virtualTime } from './testing/virtual-time.ts'
import { batch, type Produced, produceTo, type TestEngine, World } from './testing/world.ts'

const PID = (1n << 61n) + 9n
const first = (sequence: number, epoch = 0) => batch({ pid: PID, epoch, sequence, values: [`r${sequence}`] })

describe('a topic that has moved from a to b', () => {
  let world: World
  let access: TestEngine
  let client: TestClient
  let other: TestClient

  beforeEach(() => {
    virtualTime()
    world = new World()
    access = world.engine()
    world.createTopic('orders')
    world.learnAll()
    client = new TestClient(access.engine)
    other = new TestClient(access.engine)
  })
  afterEach(realTime)

  const send = (records: Buffer, from = client): Promise<Produced> => produceTo(from, 'orders', 0, records)

  async function move(cluster = 'b'): Promise<void> {
    world.seal('orders')
    world.switchTo('orders', cluster)
    world.learnAll()
    await settled()
  }

  async function producedBeforeTheMove(count: number): Promise<void> {
    for (let sequence = 0; sequence < count; sequence++) await send(first(sequence))
    await move()
  }

  const inB = () => world.log('orders', 1, 0).batches.length

  it('answers a batch that landed before the cut with the offset where it stands', async () => {
    await producedBeforeTheMove(3)
    expect(await send(first(1))).toMatchObject({ error: 0, offset: 1n })
    expect(inB()).toBe(0)
  })

  it('finds it also where retention has taken the beginning of the loglet', async () => {
    for (let sequence = 0; sequence < 5; sequence++) await send(first(sequence))
    world.log('orders', 0, 0).deleteBefore(2n)
    await move()
    expect(await send(first(4))).toMatchObject({ error: 0, offset: 4n })
  })

  it('finds it after the sealed loglet got another leader', async () => {
    world = new World({ brokers: 2 })
    access = world.engine()
    world.createTopic('orders')
    world.learnAll()
    client = new TestClient(access.engine)
    for (let sequence = 0; sequence < 2; sequence++) await send(first(sequence))
    world.kafka('a').topics.get('orders.0')!.leaders[0] = 2
    await move()
    const sent = send(first(1))
    await elapse(100)
    expect(await sent).toMatchObject({ error: 0, offset: 1n })
  })

  it('goes on with the next sequence, on the logical offset after the cut', async () => {
    await producedBeforeTheMove(3)
    expect(await send(first(3))).toMatchObject({ error: 0, offset: 3n })
    expect(inB()).toBe(1)
  })

  it('lets a batch wait for the one before it, which comes by another listener', async () => {
    await producedBeforeTheMove(3)
    const later = send(first(4))
    await elapse(100)
    expect(inB()).toBe(0)
    const earlier = send(first(3), other)
    await elapse(50)
    expect([await earlier, await later].map(({ offset }) => offset)).toEqual([3n, 4n])
  })

  it('lets a batch wait for the one before it, which comes by another access point', async () => {
    const elsewhere = world.engine()
    const far = new TestClient(elsewhere.engine)
    await producedBeforeTheMove(3)
    const later = send(first(4))
    await elapse(100)
    const earlier = send(first(3), far)
    await elapse(50)
    expect([await earlier, await later].map(({ offset }) => offset)).toEqual([3n, 4n])
  })

  it('answers OUT_OF_ORDER_SEQUENCE_NUMBER when the one before it does not come', async () => {
    await producedBeforeTheMove(3)
    const later = send(first(4))
    let answered = false
    void later.then(() => {
      answered = true
    })
    await elapse(access.engine.limits.sequenceGapMaxMs - 100)
    expect(answered).toBe(false)
    await elapse(200)
    expect((await later).error).toBe(errorCodes.OUT_OF_ORDER_SEQUENCE_NUMBER)
    expect(inB()).toBe(0)
  })

  it('takes a batch of a producer that no loglet knows, after a wait for what might come before', async () => {
    await move()
    const sent = send(first(7))
    await elapse(access.engine.limits.sequenceGapMaxMs - 100)
    expect(inB()).toBe(0)
    await elapse(200)
    expect((await sent).error).toBe(0)
  })

  it('refuses an epoch that was superseded before the cut', async () => {
    await send(first(0, 5))
    await move()
    expect((await send(first(1, 4))).error).toBe(errorCodes.INVALID_PRODUCER_EPOCH)
    expect(inB()).toBe(0)
  })

  it('lets a producer start again with a new epoch', async () => {
    await producedBeforeTheMove(3)
    const sent = [send(first(0, 1)), send(first(1, 1)), send(first(2, 1))]
    await elapse(50)
    expect((await Promise.all(sent)).map(({ error, offset }) => [error, offset])).toEqual([
      [0, 3n],
      [0, 4n],
      [0, 5n],
    ])
  })

  it('goes back two moves for a producer that rested', async () => {
    await producedBeforeTheMove(3)
    await move('c')
    expect(await send(first(2))).toMatchObject({ error: 0, offset: 2n })
    expect(await send(first(3))).toMatchObject({ error: 0, offset: 3n })
    expect(world.log('orders', 2, 0).batches.length).toBe(1)
  })

  it('does not take a producer that has come half way round for one that repeats itself', async () => {
    await producedBeforeTheMove(3)
    await send(first(3))
    // Another access point has written for it meanwhile: a thousand million records.
    const far = 2 ** 30 + 100
    const known = world.log('orders', 1, 0).producers.get(PID)!
    known.lastSequence = far - 1
    expect((await send(first(far))).error).toBe(0)
    expect(world.log('orders', 1, 0).producers.get(PID)!.lastSequence).toBe(far)
  })

  it('waits for what is on its way to the old loglet before anything goes to the new one', async () => {
    await send(first(0))
    world.kafka('a').stop('deliver', produce.key)
    const onItsWay = send(first(1))
    await settled()
    world.seal('orders')
    world.switchTo('orders', 'b')
    world.learnAll()
    const next = send(first(2), other)
    await elapse(300)
    expect(inB()).toBe(0)
    world.kafka('a').go('deliver', produce.key)
    await settled()
    expect([await onItsWay, await next].map(({ offset }) => offset)).toEqual([1n, 2n])
  })

  it('does so without idempotence too', async () => {
    await send(batch({ values: ['v0'] }))
    await move()
    await send(batch({ values: ['v1'] }))
    world.kafka('b').stop('deliver', produce.key)
    const onItsWay = send(batch({ values: ['v2'] }))
    await settled()
    await move('c')
    await access.engine.cluster('c')!.refreshMetadata(['orders.2'])
    const next = send(batch({ values: ['v3'] }))
    await settled()
    expect(world.log('orders', 2, 0).batches.length).toBe(0)
    world.kafka('b').go('deliver', produce.key)
    await settled()
    expect([await onItsWay, await next].map(({ offset }) => offset)).toEqual([2n, 3n])
  })

  it('lets a batch wait for the one before it as long as that is on its way', async () => {
    await producedBeforeTheMove(3)
    world.kafka('b').stop('process', produce.key)
    const sent = [send(first(3)), send(first(4))]
    await elapse(access.engine.limits.sequenceGapMaxMs + 500)
    world.kafka('b').go('process', produce.key)
    await elapse(20)
    expect((await Promise.all(sent)).map(({ error, offset }) => [error, offset])).toEqual([
      [0, 3n],
      [0, 4n],
    ])
  })

  it('repeats a batch whose connection broke, and does not write it twice', async () => {
    await send(first(0))
    world.kafka('a').stop('deliver', produce.key)
    const sent = send(first(1))
    await settled()
    world.seal('orders')
    world.switchTo('orders', 'b')
    for (const connection of world.kafka('a').connections) connection.break()
    world.kafka('a').go('deliver', produce.key)
    world.learnAll()
    await elapse(50)
    expect(await sent).toMatchObject({ error: 0, offset: 1n })
    expect(inB()).toBe(0)
  })
})

describe('a batch that a broker appends behind the cut', () => {
  beforeEach(virtualTime)
  afterEach(realTime)

  async function stray(count: number) {
    const world = new World()
    const access = world.engine()
    world.createTopic('orders')
    world.learnAll()
    const client = new TestClient(access.engine)
    await produceTo(client, 'orders', 0, first(0))
    world.kafka('a').stop('deliver', produce.key)
    world.switchTo('orders', 'b')
    // Validated before the seal, appended after the cut was read.
    const sent = Array.from({ length: count }, (_, i) => produceTo(client, 'orders', 0, first(i + 1)))
    await settled()
    world.kafka('a').seal('orders.0')
    world.learnAll()
    world.kafka('a').go('deliver', produce.key)
    await elapse(50)
    return { world, access, client, sent: await Promise.all(sent) }
  }

  it('is written again to the new loglet, and acknowledged there', async () => {
    const { world, sent, access } = await stray(2)
    expect(world.log('orders', 0, 0).end).toBe(3n)
    expect(sent.map(({ error, offset }) => [error, offset])).toEqual([
      [0, 1n],
      [0, 2n],
    ])
    expect(world.log('orders', 1, 0).batches.length).toBe(2)
    expect(access.logged('append-beyond-cut').length).toBe(2)
  })

  it('is not taken for one that landed, when what the broker knows of its producer was read with it', async () => {
    const { world, client } = await stray(3)
    const fresh = world.engine()
    const far = new TestClient(fresh.engine)
    // The fresh access point reads the sealed loglet with its strays in it.
    expect(await produceTo(far, 'orders', 0, first(0))).toMatchObject({ error: 0, offset: 0n })
    expect(await produceTo(far, 'orders', 0, first(3))).toMatchObject({ error: 0, offset: 3n })
    expect(await produceTo(client, 'orders', 0, first(4))).toMatchObject({ error: 0, offset: 4n })
    expect(world.log('orders', 1, 0).batches.length).toBe(4)
  })
})
