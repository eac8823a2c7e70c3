import { decodeBatch, errorCodes, fetch, walkBatches } from '@braid/kafka-protocol'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { TestClient } from '../testing/test-client.ts'
import { elapse, realTime, settled, virtualTime } from '../testing/virtual-time.ts'
import { batch, produceTo, type TestEngine, World } from '../testing/world.ts'

interface Fetched {
  readonly error: number
  readonly highWatermark: bigint
  readonly logStart: bigint
  /** Logical offset and value. */
  readonly records: readonly (readonly [bigint, string])[]
}

let world: World
let access: TestEngine
let client: TestClient

function begin(options: { brokers?: number; partitions?: number } = {}): void {
  world = new World({ brokers: options.brokers ?? 1 })
  access = world.engine()
  world.createTopic('orders', options.partitions ?? 1)
  world.learnAll()
  client = new TestClient(access.engine)
}

async function write(values: readonly string[], partition = 0): Promise<void> {
  for (const value of values) await produceTo(client, 'orders', partition, batch({ values: [value] }))
}

async function move(cluster: string, gap = 0n): Promise<void> {
  world.seal('orders')
  world.switchTo('orders', cluster, gap)
  world.learnAll()
  await settled()
}

async function read(
  offsets: readonly bigint[],
  options: { maxWaitMs?: number; minBytes?: number; from?: TestClient; topic?: string } = {},
): Promise<Fetched[]> {
  const { maxWaitMs = 500, minBytes = 1, from = client, topic = 'orders' } = options
  const answer = await from.ask(fetch, 11, {
    replicaId: -1,
    maxWaitMs,
    minBytes,
    maxBytes: 1_000_000,
    isolationLevel: 0,
    sessionId: 0,
    sessionEpoch: -1,
    topics: [
      {
        topic,
        partitions: offsets.map((fetchOffset, partition) => ({
          partition,
          currentLeaderEpoch: -1,
          fetchOffset,
          logStartOffset: -1n,
          partitionMaxBytes: 100_000,
        })),
      },
    ],
    forgottenTopicsData: [],
    rackId: '',
  })
  return answer.responses[0]!.partitions.map(({ errorCode, highWatermark, logStartOffset, records }) => {
    const seen: [bigint, string][] = []
    const bytes = records ?? Buffer.alloc(0)
    walkBatches(bytes, (at) => {
      for (const { offset, value } of decodeBatch(bytes, at).records) seen.push([offset, String(value)])
    })
    return { error: errorCode, highWatermark, logStart: logStartOffset, records: seen }
  })
}

/** An answer that has come, without time passing. */
async function now<T>(asked: Promise<T>): Promise<T | 'waits'> {
  await settled()
  return Promise.race([asked, new Promise<'waits'>((resolve) => setImmediate(() => resolve('waits')))])
}

beforeEach(() => {
  virtualTime()
  begin()
})
afterEach(realTime)

describe('a fetch over the chain', () => {
  it('reads a sealed loglet to its cut, then the next one', async () => {
    await write(['r0', 'r1', 'r2'])
    await move('b')
    await write(['r3', 'r4'])
    const [sealed] = await read([1n])
    expect(sealed!.records).toEqual([
      [1n, 'r1'],
      [2n, 'r2'],
    ])
    // A high watermark at the cut would be taken for the end of the partition.
    expect(sealed!.highWatermark).toBe(-1n)
    const [active] = await read([3n])
    expect(active).toMatchObject({ highWatermark: 5n, logStart: 0n })
    expect(active!.records).toEqual([
      [3n, 'r3'],
      [4n, 'r4'],
    ])
    expect((await read([1n]))[0]!.highWatermark).toBe(5n)
  })

  it('leaves out what stands behind the cut', async () => {
    await write(['r0', 'r1'])
    await move('b')
    world.log('orders', 0, 0).appendValidated(batch({ values: ['stray'] }))
    await write(['r2'])
    expect((await read([0n]))[0]!.records).toEqual([
      [0n, 'r0'],
      [1n, 'r1'],
    ])
    expect((await read([2n]))[0]!.records).toEqual([[2n, 'r2']])
  })

  it('passes over a gap', async () => {
    await write(['r0'])
    await move('b', 1_000_000n)
    await write(['r1'])
    expect((await read([1n]))[0]!.records).toEqual([[1_000_001n, 'r1']])
    expect((await read([500n]))[0]!.records).toEqual([[1_000_001n, 'r1']])
  })

  it('passes over what retention has taken from a later loglet while an earlier one has all', async () => {
    await write(['r0', 'r1'])
    await move('b')
    await write(['r2', 'r3', 'r4'])
    await move('a')
    await write(['r5'])
    world.log('orders', 1, 0).deleteBefore(1n)
    expect((await read([2n]))[0]).toMatchObject({ error: 0, records: [] })
    expect((await read([2n]))[0]!.records).toEqual([
      [3n, 'r3'],
      [4n, 'r4'],
    ])
    world.log('orders', 1, 0).deleteBefore(3n)
    expect((await read([3n]))[0]).toMatchObject({ error: 0, records: [] })
    expect((await read([3n]))[0]!.records).toEqual([[5n, 'r5']])
    // Nothing older is left: then it is out of range, as in Kafka.
    world.log('orders', 0, 0).deleteBefore(2n)
    world.log('orders', 2, 0).deleteBefore(1n)
    await write(['r6'])
    expect((await read([5n]))[0]!.error).toBe(errorCodes.OFFSET_OUT_OF_RANGE)
    // So is what has not been written yet.
    expect((await read([9n]))[0]!.error).toBe(errorCodes.OFFSET_OUT_OF_RANGE)
  })

  it('below the first loglet is out of range', async () => {
    await write(['r0', 'r1'])
    await move('b')
    await write(['r2'])
    world.retireFirst('orders')
    world.learnAll()
    expect((await read([1n]))[0]!.error).toBe(errorCodes.OFFSET_OUT_OF_RANGE)
    expect((await read([2n]))[0]).toMatchObject({ error: 0, logStart: 2n, records: [[2n, 'r2']] })
  })

  it('names topics and partitions that are not there', async () => {
    const asked = read([0n], { topic: 'nothing' })
    await elapse(120)
    expect((await asked)[0]!.error).toBe(errorCodes.UNKNOWN_TOPIC_OR_PARTITION)
    expect((await read([0n, 0n]))[1]!.error).toBe(errorCodes.UNKNOWN_TOPIC_OR_PARTITION)
  })
})

describe('a fetch that waits', () => {
  it('is answered as soon as there is a record', async () => {
    await write(['r0'])
    const reader = new TestClient(access.engine)
    const asked = read([1n], { from: reader })
    expect(await now(asked)).toBe('waits')
    await write(['r1'])
    expect(await now(asked)).toMatchObject([{ records: [[1n, 'r1']] }])
  })

  it('is answered empty at its max wait', async () => {
    await write(['r0'])
    const asked = read([1n], { maxWaitMs: 300 })
    await elapse(250)
    expect(await now(asked)).toBe('waits')
    await elapse(60)
    expect(await now(asked)).toMatchObject([{ error: 0, records: [], highWatermark: 1n }])
  })

  it('waits for the minimum bytes', async () => {
    const reader = new TestClient(access.engine)
    await write(['r0'])
    const asked = read([0n], { from: reader, minBytes: 100 })
    expect(await now(asked)).toBe('waits')
    await write(['r1'])
    expect(await now(asked)).toMatchObject([
      {
        records: [
          [0n, 'r0'],
          [1n, 'r1'],
        ],
      },
    ])
  })

  it('at the end of a loglet is woken when that is sealed, and finds the next one', async () => {
    await write(['r0'])
    const reader = new TestClient(access.engine)
    const asked = read([1n], { from: reader, maxWaitMs: 30_000 })
    expect(await now(asked)).toBe('waits')
    await move('b')
    expect(await now(asked)).toMatchObject([{ error: 0, records: [] }])
    await write(['r1'])
    expect(await now(read([1n], { from: reader }))).toMatchObject([{ records: [[1n, 'r1']] }])
  })

  it('leaves no trace in its topic when it is answered, or its client goes', async () => {
    await write(['r0'])
    const waiting = access.engine.topic('orders')!.waitingFetches
    const asked = read([1n], { maxWaitMs: 100 })
    await settled()
    expect(waiting.size).toBe(1)
    await elapse(120)
    await asked
    expect(waiting.size).toBe(0)
    read([1n]).catch(() => {})
    await settled()
    client.close()
    await settled()
    expect(waiting.size).toBe(0)
    const group = [...world.kafka('a').connections].filter((connection) => connection.requests.length > 0)
    expect(group).toEqual([])
  })

  it('asked again before it was answered: the first gets an empty answer, the second what there is', async () => {
    await write(['r0'])
    const reader = new TestClient(access.engine)
    const first = read([1n], { from: reader, maxWaitMs: 30_000 })
    await settled()
    const second = read([1n], { from: reader, maxWaitMs: 30_000 })
    expect(await now(first)).toMatchObject([{ error: 0, records: [] }])
    const third = read([0n], { from: reader, maxWaitMs: 30_000 })
    expect(await now(second)).toMatchObject([{ error: 0, records: [] }])
    expect(await now(third)).toMatchObject([{ records: [[0n, 'r0']] }])
  })
})

describe('a fetch from several brokers', () => {
  beforeEach(() => begin({ brokers: 2, partitions: 2 }))

  it('is answered by the first that has something; the other’s answer is kept for the next fetch', async () => {
    await write(['p0'], 0)
    await write(['p1'], 1)
    const reader = new TestClient(access.engine)
    const kafka = world.kafka('a')
    const asked = read([0n, 1n], { from: reader, maxWaitMs: 30_000 })
    expect(await now(asked)).toMatchObject([{ records: [[0n, 'p0']] }, { records: [] }])
    await write(['p1b'], 1)
    // Broker 2 answers, with nobody waiting.
    await settled()
    kafka.stop('process', fetch.key)
    const before = kafka.log.filter((line) => line.startsWith('Fetch')).length
    expect(await now(read([1n, 1n], { from: reader }))).toMatchObject([
      { records: [] },
      { records: [[1n, 'p1b']] },
    ])
    expect(kafka.log.filter((line) => line.startsWith('Fetch')).length).toBe(before)
  })

  it('asks anew when the client has gone elsewhere', async () => {
    await write(['p0'], 0)
    await write(['p1'], 1)
    const reader = new TestClient(access.engine)
    await read([0n, 1n], { from: reader, maxWaitMs: 30_000 })
    expect((await read([1n, 0n], { from: reader }))[1]!.records).toEqual([[0n, 'p1']])
  })

  it('does not wait for a broker that is silent longer than its max wait and a little', async () => {
    await write(['p0'], 0)
    await write(['p1'], 1)
    const reader = new TestClient(access.engine)
    const asked = read([1n, 1n], { from: reader, maxWaitMs: 200 })
    await settled()
    for (const connection of world.kafka('a').connections) {
      if (connection.brokerId === 2) connection.processNext = () => false
    }
    await elapse(650)
    expect(await now(asked)).toBe('waits')
    await elapse(100)
    expect(await now(asked)).toMatchObject([{ error: 0 }, { error: 0 }])
  })

  it('finds a partition’s new leader after NOT_LEADER_OR_FOLLOWER', async () => {
    await write(['p0'], 0)
    world.kafka('a').topics.get('orders.0')!.leaders[0] = 2
    expect((await read([0n]))[0]!.error).toBe(errorCodes.NOT_LEADER_OR_FOLLOWER)
    expect((await read([0n]))[0]!.records).toEqual([[0n, 'p0']])
  })

  it('answers for the broker that lost its connection, and for the others', async () => {
    await write(['p0'], 0)
    await write(['p1'], 1)
    const reader = new TestClient(access.engine)
    const asked = read([1n, 1n], { from: reader, maxWaitMs: 30_000 })
    await settled()
    for (const connection of world.kafka('a').connections) if (connection.brokerId === 2) connection.break()
    expect(await now(asked)).toMatchObject([{ error: 0 }, { error: errorCodes.NOT_LEADER_OR_FOLLOWER }])
  })
})
