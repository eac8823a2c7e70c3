import { describeProducers, initProducerId, listOffsets } from '@braid/kafka-protocol'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { TestClient } from './testing/test-client.ts'
import { elapse, realTime, settled, virtualTime } from './testing/virtual-time.ts'
import { batch, type Produced, produceTo, type TestEngine, World } from './testing/world.ts'

const PID = (1n << 61n) + 9n
const NOT_LEADER_OR_FOLLOWER = 6

/** A topic moved from a to b, then a stopped answering: what its sealed loglet knows cannot be read any more. */
describe('where the cluster of a sealed loglet is away', () => {
  let world: World
  let fresh: TestEngine

  beforeEach(async () => {
    virtualTime()
    world = new World()
    const before = world.engine()
    world.createTopic('orders')
    world.learnAll()
    const client = new TestClient(before.engine)
    for (const sequence of [0, 1]) await produceTo(client, 'orders', 0, batch({ pid: PID, sequence }))
    world.seal('orders')
    world.switchTo('orders', 'b')
    world.learnAll()
    await settled()
    await produceTo(client, 'orders', 0, batch({ pid: PID, sequence: 2 }))
    for (const { key } of [describeProducers, listOffsets]) world.kafka('a').stop('process', key)
    // An access point that starts now has read nothing of a.
    fresh = world.engine()
  })
  afterEach(realTime)

  async function produced(records: Buffer, waitMs: number): Promise<Produced> {
    const sent = produceTo(new TestClient(fresh.engine), 'orders', 0, records)
    await elapse(waitMs)
    return sent
  }

  it('lets a producer go on that the active loglet knows', async () => {
    expect(await produced(batch({ pid: PID, sequence: 3 }), 300)).toMatchObject({ error: 0, offset: 3n })
  })

  it('does not take a batch that may be in the sealed loglet', async () => {
    expect(await produced(batch({ pid: PID, sequence: 1 }), 2_100)).toMatchObject({
      error: NOT_LEADER_OR_FOLLOWER,
    })
    expect(world.log('orders', 1, 0).batches.length).toBe(1)
  })

  it('does not take an unknown producer, which may be known to the sealed loglet', async () => {
    const unknown = batch({ pid: PID + 1n, sequence: 0 })
    expect(await produced(unknown, 2_100)).toMatchObject({ error: NOT_LEADER_OR_FOLLOWER })
    expect(world.log('orders', 1, 0).batches.length).toBe(1)
  })

  it('takes a producer whose id was made here after the topic had come', async () => {
    await elapse(1)
    const client = new TestClient(fresh.engine)
    const { producerId } = await client.ask(initProducerId, 4, {
      transactionalId: null,
      transactionTimeoutMs: 0,
      producerId: -1n,
      producerEpoch: -1,
    })
    const sent = await produceTo(client, 'orders', 0, batch({ pid: producerId, sequence: 0 }))
    expect(sent).toMatchObject({ error: 0, offset: 3n })
  })

  it('does not trust an id that was made before the switch was known here', async () => {
    const client = new TestClient(fresh.engine)
    const { producerId } = await client.ask(initProducerId, 4, {
      transactionalId: null,
      transactionTimeoutMs: 0,
      producerId: -1n,
      producerEpoch: -1,
    })
    await elapse(1)
    world.seal('orders')
    world.switchTo('orders', 'a')
    world.learnAll()
    const sent = produceTo(client, 'orders', 0, batch({ pid: producerId, sequence: 0 }))
    await elapse(2_100)
    expect(await sent).toMatchObject({ error: NOT_LEADER_OR_FOLLOWER })
  })

  it('does not hold up those who need nothing of it', async () => {
    const waiting = produced(batch({ pid: PID + 1n, sequence: 0 }), 2_100)
    await elapse(50)
    const plain = await produceTo(new TestClient(fresh.engine), 'orders', 0, batch({}))
    expect(plain).toMatchObject({ error: 0, offset: 3n })
    expect(await waiting).toMatchObject({ error: NOT_LEADER_OR_FOLLOWER })
  })
})
