import {
  createTopics,
  deleteTopics,
  describeCluster,
  errorCodes,
  initProducerId,
  listOffsets,
  metadata,
} from '@braid/kafka-protocol'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { TestClient } from '../testing/test-client.ts'
import { elapse, realTime, settled, virtualTime } from '../testing/virtual-time.ts'
import { batch, produceTo, type TestEngine, World } from '../testing/world.ts'
import { type TopicAdmin, TopicAdminError } from '../topic-admin.ts'
import { mint } from './22-init-producer-id.ts'

let world: World
let access: TestEngine
let client: TestClient
const asked: unknown[] = []

const admin: TopicAdmin = {
  createTopic: async (topic) => {
    asked.push(topic)
    if (topic.name === 'taken')
      throw new TopicAdminError(errorCodes.TOPIC_ALREADY_EXISTS, 'topic taken exists')
    if (topic.name === 'slow') await new Promise(() => {})
    world.createTopic(topic.name, topic.partitions)
    if (topic.name !== 'late') world.learnAll()
    return { partitions: topic.partitions, replicationFactor: 1 }
  },
  deleteTopic: async (name) => {
    asked.push(name)
    if (name === 'slow') await new Promise(() => {})
    if (name === 'nothing')
      throw new TopicAdminError(errorCodes.UNKNOWN_TOPIC_OR_PARTITION, 'no topic nothing')
  },
}

beforeEach(() => {
  virtualTime()
  asked.length = 0
  world = new World({ brokers: 2 })
  access = world.engine({}, admin)
  world.createTopic('orders', 2)
  world.createTopic('bills', 1, 'b')
  world.learnAll()
  client = new TestClient(access.engine)
})
afterEach(realTime)

const describeAll = (names: readonly string[] | null, version = 9) =>
  client.ask(metadata, version, {
    topics: names?.map((name) => ({ name })) ?? null,
    allowAutoTopicCreation: true,
    includeClusterAuthorizedOperations: false,
    includeTopicAuthorizedOperations: false,
  })

describe('Metadata', () => {
  it('names the listener towards the active loglet’s cluster as leader, without an epoch', async () => {
    const { topics, brokers } = await describeAll(['orders', 'bills'])
    expect(brokers.map(({ host }) => host)).toEqual(['a.test', 'b.test', 'c.test'])
    const leaders = topics.map(({ name, partitions }) => [
      name,
      ...partitions.map(({ leaderId }) => leaderId),
    ])
    expect(leaders).toEqual([
      ['orders', 97, 97],
      ['bills', 98],
    ])
    expect(topics[0]!.partitions[0]).toMatchObject({ leaderEpoch: -1, replicaNodes: [97], isrNodes: [97] })
  })

  it('follows a move', async () => {
    world.switchTo('orders', 'c')
    world.learnAll()
    expect((await describeAll(['orders'])).topics[0]!.partitions.map(({ leaderId }) => leaderId)).toEqual([
      99, 99,
    ])
  })

  it('of no names in version 0, or of null later, lists every topic', async () => {
    expect((await describeAll([], 0)).topics.map(({ name }) => name)).toEqual(['orders', 'bills'])
    expect((await describeAll(null, 5)).topics.map(({ name }) => name)).toEqual(['orders', 'bills'])
    expect((await describeAll([], 5)).topics).toEqual([])
  })

  it('creates nothing', async () => {
    expect((await describeAll(['new'])).topics[0]!.errorCode).toBe(errorCodes.UNKNOWN_TOPIC_OR_PARTITION)
    expect(asked).toEqual([])
  })

  it('learns a leader that was found wrong, of whichever partition', async () => {
    await describeAll(['orders'])
    access.connections.get('a')!.invalidate('orders.0', 1)
    const { topics } = await describeAll(['orders'])
    expect(topics[0]!.partitions.map(({ errorCode }) => errorCode)).toEqual([0, 0])
  })

  it('keeps a topic on a cluster that does not answer, without a leader', async () => {
    await describeAll(null)
    access.connections.get('b')!.silent = true
    access.connections.get('b')!.invalidate('bills.0')
    const answer = describeAll(null)
    await elapse(1_100)
    const { topics } = await answer
    expect(topics.map(({ name, errorCode }) => [name, errorCode])).toEqual([
      ['orders', 0],
      ['bills', 0],
    ])
    expect(topics[1]!.partitions[0]).toMatchObject({
      errorCode: errorCodes.LEADER_NOT_AVAILABLE,
      leaderId: -1,
    })
    expect(topics[0]!.partitions[0]!.errorCode).toBe(0)
  })

  it('of the cluster lists the listeners', async () => {
    const { brokers, clusterId } = await client.ask(describeCluster, 0, {
      includeClusterAuthorizedOperations: false,
    })
    expect(clusterId).toBe('braid-default')
    expect(brokers.map(({ brokerId, host }) => [brokerId, host])).toEqual([
      [97, 'a.test'],
      [98, 'b.test'],
      [99, 'c.test'],
    ])
  })
})

describe('ListOffsets over the chain', () => {
  const LATEST = -1n
  const EARLIEST = -2n

  async function offsetAt(timestamp: bigint, version = 7) {
    const answer = await client.ask(listOffsets, version, {
      replicaId: -1,
      isolationLevel: 0,
      topics: [{ name: 'orders', partitions: [{ partitionIndex: 0, currentLeaderEpoch: -1, timestamp }] }],
    })
    const { errorCode, offset } = answer.topics[0]!.partitions[0]!
    return errorCode === 0 ? offset : `error ${errorCode}`
  }

  async function threeBeforeTwoAfter(): Promise<void> {
    for (let i = 0; i < 3; i++) await produceTo(client, 'orders', 0, batch({}))
    world.seal('orders')
    world.switchTo('orders', 'b')
    world.learnAll()
    for (let i = 0; i < 2; i++) await produceTo(client, 'orders', 0, batch({}))
  }

  it('finds the ends', async () => {
    await threeBeforeTwoAfter()
    expect([await offsetAt(EARLIEST), await offsetAt(LATEST), await offsetAt(LATEST, 1)]).toEqual([
      0n,
      5n,
      5n,
    ])
  })

  it('begins after what retention has taken, whole loglets too', async () => {
    await threeBeforeTwoAfter()
    world.log('orders', 0, 0).deleteBefore(2n)
    expect(await offsetAt(EARLIEST)).toBe(2n)
    world.log('orders', 0, 0).deleteBefore(3n)
    expect(await offsetAt(EARLIEST)).toBe(3n)
    world.log('orders', 1, 0).deleteBefore(1n)
    expect(await offsetAt(EARLIEST)).toBe(4n)
  })

  it('finds a time in the first loglet that has it, and none behind its cut', async () => {
    await threeBeforeTwoAfter()
    expect(await offsetAt(0n)).toBe(0n)
    const stray = batch({})
    stray.writeBigInt64BE(9_000n, 27)
    stray.writeBigInt64BE(9_000n, 35)
    world.log('orders', 0, 0).appendValidated(stray)
    expect(await offsetAt(5_000n)).toBe(-1n)
  })

  it('finds the new leader after the one that is known has gone', async () => {
    await produceTo(client, 'orders', 0, batch({}))
    world.kafka('a').topics.get('orders.0')!.leaders[0] = 2
    expect(await offsetAt(LATEST)).toBe(`error ${errorCodes.NOT_LEADER_OR_FOLLOWER}`)
    expect(await offsetAt(LATEST)).toBe(1n)
  })

  it('says so when a topic is not there', async () => {
    const answer = await client.ask(listOffsets, 5, {
      replicaId: -1,
      isolationLevel: 0,
      topics: [
        { name: 'nothing', partitions: [{ partitionIndex: 0, currentLeaderEpoch: -1, timestamp: -1n }] },
      ],
    })
    expect(answer.topics[0]!.partitions[0]!.errorCode).toBe(errorCodes.UNKNOWN_TOPIC_OR_PARTITION)
  })
})

describe('producer ids', () => {
  const ask = (fields: { transactionalId?: string | null; producerId?: bigint; producerEpoch?: number }) =>
    client.ask(initProducerId, 4, {
      transactionalId: null,
      transactionTimeoutMs: 60_000,
      producerId: -1n,
      producerEpoch: -1,
      ...fields,
    })

  it('are minted from 2^61 up to 2^62, where no cluster’s counter gets', async () => {
    const { producerId, producerEpoch } = await ask({})
    expect(producerEpoch).toBe(0)
    expect(producerId >= 1n << 61n && producerId < 1n << 62n).toBe(true)
    expect(mint({ randomBytes: (size) => Buffer.alloc(size, 0) })).toBe(1n << 61n)
    expect(mint({ randomBytes: (size) => Buffer.alloc(size, 0xff) })).toBe((1n << 62n) - 1n)
  })

  it('are kept with the next epoch, and replaced after the last one', async () => {
    expect(await ask({ producerId: 77n, producerEpoch: 4 })).toMatchObject({
      producerId: 77n,
      producerEpoch: 5,
    })
    const replaced = await ask({ producerId: 77n, producerEpoch: 32_767 })
    expect(replaced.producerEpoch).toBe(0)
    expect(replaced.producerId).not.toBe(77n)
  })

  it('are not given to transactions', async () => {
    expect((await ask({ transactionalId: 'pay' })).errorCode).toBe(
      errorCodes.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
    )
  })
})

describe('topics', () => {
  const create = (
    names: readonly string[],
    timeoutMs = 1_000,
    assignments: { partitionIndex: number; brokerIds: number[] }[] = [],
  ) =>
    client.ask(createTopics, 5, {
      topics: names.map((name) => ({
        name,
        numPartitions: 3,
        replicationFactor: -1,
        assignments,
        configs: [{ name: 'retention.ms', value: '1000' }],
      })),
      timeoutMs,
      validateOnly: false,
    })

  it('are created by the control plane, each with its own outcome', async () => {
    const { topics } = await create(['new', 'taken'])
    expect(topics.map(({ name, errorCode, errorMessage }) => [name, errorCode, errorMessage])).toEqual([
      ['new', 0, null],
      ['taken', errorCodes.TOPIC_ALREADY_EXISTS, 'topic taken exists'],
    ])
    expect(asked[0]).toMatchObject({ name: 'new', partitions: 3, configs: { 'retention.ms': '1000' } })
  })

  it('are not created twice in one request, nor with replicas where the client wants them', async () => {
    expect((await create(['new', 'new'])).topics.map(({ errorCode }) => errorCode)).toEqual([
      errorCodes.INVALID_REQUEST,
      errorCodes.INVALID_REQUEST,
    ])
    const placed = await create(['new'], 1_000, [{ partitionIndex: 0, brokerIds: [1] }])
    expect(placed.topics[0]!.errorCode).toBe(errorCodes.INVALID_REPLICA_ASSIGNMENT)
    expect(asked).toEqual([])
  })

  it('are in our routes when they are answered', async () => {
    let answered = false
    void create(['late'], 60_000).then(() => {
      answered = true
    })
    await elapse(2_900)
    expect(answered).toBe(false)
    world.learnAll()
    await elapse(20)
    expect(answered).toBe(true)
    expect((await describeAll(['late'])).topics[0]!.errorCode).toBe(0)
  })

  it.each([
    ['a while', 60_000, 3_000],
    ['the time of the request', 2_000, 2_000],
  ])(
    'are answered all the same when our routes do not name them after %s',
    async (_, timeoutMs, waitedMs) => {
      const codes: number[] = []
      void create(['late'], timeoutMs).then(({ topics }) => codes.push(topics[0]!.errorCode))
      await elapse(waitedMs - 20)
      expect(codes).toEqual([])
      await elapse(50)
      expect(codes).toEqual([0])
    },
  )

  it('that the control plane does not answer for are refused within the time of the request', async () => {
    const creating = create(['new', 'slow'])
    const deleting = client.ask(deleteTopics, 5, { topicNames: ['slow'], timeoutMs: 2_000 })
    const answers: unknown[] = []
    void creating.then(({ topics }) =>
      answers.push(...topics.map(({ name, errorCode, errorMessage }) => [name, errorCode, errorMessage])),
    )
    await elapse(999)
    expect(answers).toEqual([])
    await elapse(1)
    expect(answers).toEqual([
      ['new', 0, null],
      [
        'slow',
        errorCodes.REQUEST_TIMED_OUT,
        'topic slow: the control plane did not answer within 1000 ms, it may be done later; ask again',
      ],
    ])
    await elapse(1_000)
    expect((await deleting).responses).toMatchObject([
      { name: 'slow', errorCode: errorCodes.REQUEST_TIMED_OUT },
    ])
  })

  it('are deleted by the control plane', async () => {
    const { responses } = await client.ask(deleteTopics, 5, {
      topicNames: ['orders', 'nothing'],
      timeoutMs: 1_000,
    })
    await settled()
    expect(responses.map(({ name, errorCode }) => [name, errorCode])).toEqual([
      ['orders', 0],
      ['nothing', errorCodes.UNKNOWN_TOPIC_OR_PARTITION],
    ])
  })
})
