import { decodeBatch, errorCodes, fetch, listOffsets, walkBatches } from '@braid/kafka-protocol'
import type { LogletAway } from '@braid/routing-model'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { comeBack, failOver, fence, finishReturn, GAP, lose, startReturn } from '../testing/failovers.ts'
import { TestClient } from '../testing/test-client.ts'
import { elapse, realTime, settled, virtualTime } from '../testing/virtual-time.ts'
import { batch, produceTo, type TestEngine, World } from '../testing/world.ts'

const PID = (1n << 61n) + 9n
const EARLIEST = -2n
const LATEST = -1n

let world: World
let access: TestEngine
let client: TestClient

interface Fetched {
  readonly error: number
  readonly highWatermark: bigint
  readonly records: readonly (readonly [bigint, string])[]
}

async function read(
  places: readonly (readonly [topic: string, offset: bigint])[],
  options: { readonly maxWaitMs?: number; readonly from?: TestClient } = {},
): Promise<Fetched[]> {
  const { maxWaitMs = 500, from = client } = options
  const answer = await from.ask(fetch, 11, {
    replicaId: -1,
    maxWaitMs,
    minBytes: 1,
    maxBytes: 1_000_000,
    isolationLevel: 0,
    sessionId: 0,
    sessionEpoch: -1,
    topics: places.map(([topic, fetchOffset]) => ({
      topic,
      partitions: [
        {
          partition: 0,
          currentLeaderEpoch: -1,
          fetchOffset,
          logStartOffset: -1n,
          partitionMaxBytes: 100_000,
        },
      ],
    })),
    forgottenTopicsData: [],
    rackId: '',
  })
  return answer.responses.map(({ partitions }) => {
    const { errorCode, highWatermark, records } = partitions[0]!
    const seen: [bigint, string][] = []
    const bytes = records ?? Buffer.alloc(0)
    walkBatches(bytes, (at) => {
      for (const { offset, value } of decodeBatch(bytes, at).records) seen.push([offset, String(value)])
    })
    return { error: errorCode, highWatermark, records: seen }
  })
}

async function now<T>(asked: Promise<T>): Promise<T | 'waits'> {
  await settled()
  return Promise.race([asked, new Promise<'waits'>((resolve) => setImmediate(() => resolve('waits')))])
}

async function list(timestamp: bigint): Promise<readonly [error: number, offset: bigint]> {
  const answer = await client.ask(listOffsets, 5, {
    replicaId: -1,
    isolationLevel: 0,
    topics: [{ name: 'orders', partitions: [{ partitionIndex: 0, timestamp }] }],
  })
  const { errorCode, offset } = answer.topics[0]!.partitions[0]!
  return [errorCode, offset]
}

const write = (sequence: number) =>
  produceTo(client, 'orders', 0, batch({ pid: PID, sequence, values: [`r${sequence}`] }))

/** r0 to r2 on a, which is lost; r3 on b. */
async function lost(readers: LogletAway['readers']): Promise<void> {
  for (const sequence of [0, 1, 2]) await write(sequence)
  await produceTo(client, 'other', 0, batch({ values: ['o0'] }))
  lose(world, 'a')
  fence(world, 'a')
  failOver(world, 'orders', 'b', readers)
  world.learnAll()
  await settled()
  await write(3)
}

const inA = () => world.kafka('a').log.length

beforeEach(() => {
  virtualTime()
  world = new World()
  access = world.engine()
  world.createTopic('orders')
  world.createTopic('other', 1, 'c')
  world.learnAll()
  client = new TestClient(access.engine)
})
afterEach(realTime)

describe('a fetch from a loglet that is lost, whose readers wait', () => {
  it('waits to its max wait, asks nobody, and is answered empty', async () => {
    await lost('wait')
    const before = inA()
    const asked = read([['orders', 1n]], { maxWaitMs: 2_000 })
    await elapse(1_900)
    expect(await now(asked)).toBe('waits')
    await elapse(150)
    expect(await asked).toEqual([{ error: 0, highWatermark: -1n, records: [] }])
    expect([inA(), world.kafka('a').opening.length, world.kafka('a').connections.size]).toEqual([
      before,
      0,
      0,
    ])
  })

  it('says that there is more only where that is known', async () => {
    await lost('wait')
    await read([['orders', GAP]])
    const asked = read([['orders', 1n]], { maxWaitMs: 50 })
    await elapse(100)
    expect((await asked)[0]!.highWatermark).toBe(GAP + 1n)
  })

  it('holds up no other partition of the same fetch', async () => {
    await lost('wait')
    expect(
      await now(
        read([
          ['orders', 1n],
          ['other', 0n],
        ]),
      ),
    ).toMatchObject([
      { error: 0, records: [] },
      { error: 0, records: [[0n, 'o0']] },
    ])
    const both = read(
      [
        ['orders', 1n],
        ['other', 1n],
      ],
      { maxWaitMs: 400 },
    )
    await elapse(300)
    expect(await now(both)).toBe('waits')
    await produceTo(new TestClient(access.engine), 'other', 0, batch({ values: ['o1'] }))
    expect(await now(both)).toMatchObject([{ records: [] }, { records: [[1n, 'o1']] }])
  })

  it('is answered in time when another broker of it is silent', async () => {
    await lost('wait')
    await read([['other', 0n]])
    const asked = read(
      [
        ['orders', 1n],
        ['other', 1n],
      ],
      { maxWaitMs: 100 },
    )
    await settled()
    world.kafka('c').silent = true
    await elapse(700)
    expect(await now(asked)).toMatchObject([{ error: 0 }, { error: 0 }])
  })

  it('is woken when it returns, and reads on in order, also over what was not acknowledged', async () => {
    await lost('wait')
    world.log('orders', 0, 0).append(batch({ values: ['unacknowledged'] }))
    const asked = read([['orders', 3n]], { maxWaitMs: 30_000 })
    await settled()
    comeBack(world, 'a')
    startReturn(world, 'orders', 0)
    world.learnAll()
    expect(await now(asked)).toBe('waits')
    finishReturn(world, 'orders', 0)
    fence(world, 'a', false)
    world.learnAll()
    expect(await now(asked)).toMatchObject([{ error: 0, records: [] }])
    expect(await now(read([['orders', 3n]]))).toMatchObject([{ records: [[3n, 'unacknowledged']] }])
    expect(await now(read([['orders', 4n]]))).toMatchObject([{ records: [[GAP, 'r3']] }])
  })

  it('is woken when it is abandoned', async () => {
    await lost('wait')
    const asked = read([['orders', 1n]], { maxWaitMs: 30_000 })
    await settled()
    world.change(world.route('orders').abandoned(0))
    world.learnAll()
    expect(await now(asked)).toMatchObject([{ error: 0, records: [] }])
  })

  it('leaves no trace when its client goes', async () => {
    await lost('wait')
    const { waitingFetches } = access.engine.topic('orders')!
    const reader = new TestClient(access.engine)
    read([['orders', 1n]], { maxWaitMs: 30_000, from: reader }).catch(() => {})
    await settled()
    expect(waitingFetches.size).toBe(1)
    reader.close()
    expect(waitingFetches.size).toBe(0)
  })

  it('is no error for who waited there at a broker when it was lost', async () => {
    await write(0)
    const reader = new TestClient(access.engine)
    const asked = read([['orders', 1n]], { from: reader, maxWaitMs: 30_000 })
    await settled()
    lose(world, 'a')
    failOver(world, 'orders', 'b')
    world.learnAll()
    expect(await now(asked)).toMatchObject([{ error: 0, records: [] }])
    expect(await now(read([['orders', 1n]], { from: reader, maxWaitMs: 1_000 }))).toBe('waits')
  })
})

describe('a fetch from a loglet that is lost, whose readers pass over it', () => {
  it('reads on in the next one, at once', async () => {
    await lost('skip')
    expect(await now(read([['orders', 1n]]))).toMatchObject([{ error: 0, records: [[GAP, 'r3']] }])
  })

  it('passes over two, and over one that is empty', async () => {
    await lost('skip')
    failOver(world, 'orders', 'c', 'skip')
    world.learnAll()
    await settled()
    world.seal('orders')
    world.switchTo('orders', 'c')
    world.learnAll()
    await settled()
    await write(4)
    expect(await now(read([['orders', 1n]]))).toMatchObject([{ error: 0, records: [[2n * GAP, 'r4']] }])
  })

  it('goes back for nothing while it returns', async () => {
    await lost('skip')
    comeBack(world, 'a')
    startReturn(world, 'orders', 0)
    world.learnAll()
    expect(await now(read([['orders', 1n]]))).toMatchObject([{ error: 0, records: [[GAP, 'r3']] }])
  })
})

describe('batches that a producer wrote again', () => {
  /** r0 on a, then r1 and r2 there without an answer; both written again to b, and r3 after them; x stands between. */
  async function returned(): Promise<void> {
    await write(0)
    const log = world.log('orders', 0, 0)
    log.append(batch({ pid: PID, sequence: 1, values: ['r1'] }))
    log.append(batch({ values: ['x'] }))
    log.append(batch({ pid: PID, sequence: 2, values: ['r2'] }))
    fence(world, 'a')
    failOver(world, 'orders', 'b')
    world.learnAll()
    await settled()
    for (const sequence of [1, 2, 3]) await write(sequence)
    startReturn(world, 'orders', 0)
    finishReturn(world, 'orders', 0)
    fence(world, 'a', false)
    world.learnAll()
    await settled()
  }

  it('are read once, in order', async () => {
    await returned()
    expect(await now(read([['orders', 0n]]))).toMatchObject([
      {
        error: 0,
        records: [
          [0n, 'r0'],
          [2n, 'x'],
        ],
      },
    ])
    expect(await now(read([['orders', 1n]]))).toMatchObject([{ records: [[2n, 'x']] }])
    // What is left in the loglet is a hole, so the next one is read.
    expect(await now(read([['orders', 3n]]))).toMatchObject([
      {
        records: [
          [GAP, 'r1'],
          [GAP + 1n, 'r2'],
          [GAP + 2n, 'r3'],
        ],
      },
    ])
  })

  it('are passed over also where offsets before them have no records', async () => {
    await returned()
    const { batches } = world.log('orders', 0, 0)
    // As after compaction: the offset is in no hole, and all that comes behind it is one.
    batches.splice(
      batches.findIndex(({ baseOffset }) => baseOffset === 2n),
      1,
    )
    // Another broker that has nothing does not keep the reader from going on.
    const both = read(
      [
        ['orders', 2n],
        ['other', 0n],
      ],
      { maxWaitMs: 30_000 },
    )
    expect(await now(both)).toMatchObject([
      { error: 0, records: [] },
      { error: 0, records: [] },
    ])
    expect(await now(read([['orders', 2n]]))).toMatchObject([
      {
        records: [
          [GAP, 'r1'],
          [GAP + 1n, 'r2'],
          [GAP + 2n, 'r3'],
        ],
      },
    ])
  })

  it('are counted only where they are delivered', async () => {
    await returned()
    await read([['orders', 0n]])
    await read([['orders', GAP]])
    expect(access.engine.counts().find(({ topic }) => topic === 'orders')).toMatchObject({
      acknowledgedRecords: 4,
      deliveredRecords: 5,
    })
  })

  it('are no answer to which offset comes first, or at a time', async () => {
    await returned()
    const log = world.log('orders', 0, 0)
    log.deleteBefore(1n)
    expect(await list(EARLIEST)).toEqual([0, 2n])
    log.deleteBefore(3n)
    expect(await list(EARLIEST)).toEqual([0, GAP])
    expect(await list(0n)).toEqual([0, GAP])
  })
})

describe('the offsets of a topic with a loglet that is lost', () => {
  it('are not known where readers wait: the answer comes at once, and says so', async () => {
    await lost('wait')
    for (const timestamp of [EARLIEST, 0n]) {
      expect(await now(list(timestamp))).toEqual([errorCodes.LEADER_NOT_AVAILABLE, -1n])
    }
    expect(await now(list(LATEST))).toEqual([0, GAP + 1n])
  })

  it('are those of the others where readers pass over it', async () => {
    await lost('skip')
    for (const timestamp of [EARLIEST, 0n]) expect(await now(list(timestamp))).toEqual([0, GAP])
    expect(await now(list(LATEST))).toEqual([0, GAP + 1n])
  })

  it('are found where it need not be asked', async () => {
    await write(0)
    world.seal('orders')
    world.switchTo('orders', 'b')
    world.learnAll()
    await settled()
    lose(world, 'b')
    failOver(world, 'orders', 'c')
    world.learnAll()
    await settled()
    expect(await now(list(EARLIEST))).toEqual([0, 0n])
    expect(await now(list(0n))).toEqual([0, 0n])
  })
})
