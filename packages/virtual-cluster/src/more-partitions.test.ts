import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { TestClient } from './testing/test-client.ts'
import { realTime, settled, virtualTime } from './testing/virtual-time.ts'
import { batch, produceTo, type TestEngine, World } from './testing/world.ts'

const PID = (1n << 61n) + 9n
const numbered = (sequence: number) => batch({ pid: PID, sequence, values: [`r${sequence}`] })

describe('partitions that are added while clients write', () => {
  let world: World
  let access: TestEngine
  let client: TestClient

  beforeEach(() => {
    virtualTime()
    world = new World()
    access = world.engine()
    world.createTopic('orders', 1)
    world.learnAll()
    client = new TestClient(access.engine)
  })
  afterEach(realTime)

  const send = (partition: number, sequence: number) =>
    produceTo(client, 'orders', partition, numbered(sequence))

  function grow(partitions: number): void {
    const route = world.route('orders')
    for (let i = 0; i < route.depth; i++) {
      const kafka = world.kafka(route.cluster(i))
      const before = kafka.topics.get(route.physicalTopic(i))!
      const after = kafka.createTopic(route.physicalTopic(i), partitions)
      after.partitions.splice(0, before.partitions.length, ...before.partitions)
      if (i < route.active) kafka.seal(route.physicalTopic(i))
    }
    world.change(route.withPartitions(partitions))
    world.learnAll()
  }

  async function move(cluster: string): Promise<void> {
    world.seal('orders')
    world.switchTo('orders', cluster)
    world.learnAll()
    await settled()
  }

  it('take records in order, and keep the order across a move', async () => {
    await send(0, 0)
    grow(3)
    expect((await send(2, 0)).offset).toBe(0n)
    expect(access.engine.topic('orders')!.inflight(2)).toBe(0)
    await move('b')
    expect((await send(2, 1)).offset).toBe(1n)
    expect(world.log('orders', 0, 2).batches).toHaveLength(1)
    expect(world.log('orders', 1, 2).batches).toHaveLength(1)
    // It landed before the move: its place is answered, and nothing is written twice.
    expect(await send(2, 0)).toMatchObject({ error: 0, offset: 0n })
    expect(world.log('orders', 1, 2).batches).toHaveLength(1)
  })

  it('begin at 0 on a topic that has moved, also for a producer that the sealed loglets know', async () => {
    await send(0, 0)
    await move('b')
    expect((await send(0, 1)).offset).toBe(1n)
    grow(2)
    expect((await send(1, 0)).offset).toBe(0n)
    expect((await send(1, 1)).offset).toBe(1n)
    expect(world.log('orders', 1, 1).batches).toHaveLength(2)
    expect((await send(0, 2)).offset).toBe(2n)
  })
})
