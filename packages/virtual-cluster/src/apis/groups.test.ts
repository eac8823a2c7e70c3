import {
  deleteGroups,
  describeGroups,
  errorCodes,
  findCoordinator,
  heartbeat,
  joinGroup,
  leaveGroup,
  listGroups,
  type OffsetCommitRequest,
  type OffsetFetchRequest,
  offsetCommit,
  offsetFetch,
  syncGroup,
} from '@braid/kafka-protocol'
import { TopicRoute } from '@braid/routing-model'
import { beforeEach, describe, expect, it } from 'vitest'
import type { Handler } from '../testing/fake-kafka.ts'
import { TestClient } from '../testing/test-client.ts'
import { type TestEngine, World } from '../testing/world.ts'

let world: World
let access: TestEngine
let client: TestClient
/** What the coordinator keeps: topic-partition to offset. */
let commits: Map<string, bigint>
let lastCommit: OffsetCommitRequest | undefined

/** `orders` stands on b, its groups commit at home under the name of a stub. */
beforeEach(() => {
  world = new World({ brokers: 2 })
  access = world.engine()
  world.createTopic('here')
  world.kafka('b').createTopic('orders.b', 2)
  world.kafka('a').createTopic('orders.stub', 2)
  world.change(
    TopicRoute.create({
      tenant: 'default',
      name: 'orders',
      id: 'id-orders',
      partitions: 2,
      maxMessageBytes: 1_000_000,
      homeTopic: 'orders.stub',
      cluster: 'b',
      topic: 'orders.b',
    }),
  )
  world.learnAll()
  client = new TestClient(access.engine)
  commits = new Map()
  lastCommit = undefined
  const home = world.kafka('a')
  const on = <Q>(key: number, handler: (request: Q, at: Parameters<Handler>[1]) => ReturnType<Handler>) =>
    home.handlers.set(key, handler as Handler)
  const wrongCoordinator = (groupId: string, brokerId: number) =>
    home.coordinatorOf(groupId) === brokerId ? 0 : errorCodes.NOT_COORDINATOR

  on<OffsetCommitRequest>(offsetCommit.key, (request, { brokerId }) => {
    lastCommit = request
    const wrong = wrongCoordinator(request.groupId, brokerId)
    return {
      topics: request.topics.map(({ name, partitions }) => ({
        name,
        partitions: partitions.map(({ partitionIndex, committedOffset }) => {
          const exists = home.topics.has(name)
          if (exists && wrong === 0) commits.set(`${name}-${partitionIndex}`, committedOffset)
          return { partitionIndex, errorCode: wrong || (exists ? 0 : errorCodes.UNKNOWN_TOPIC_OR_PARTITION) }
        }),
      })),
    }
  })
  on<OffsetFetchRequest>(offsetFetch.key, ({ groups, topics, groupId }, { sent, brokerId }) => {
    const answer = (asked: OffsetFetchRequest['topics']) => {
      const names = asked ?? [
        { name: 'orders.stub', partitionIndexes: [0, 1] },
        { name: 'of-another-tenant', partitionIndexes: [0] },
      ]
      return names.map(({ name, partitionIndexes }) => ({
        name,
        partitions: partitionIndexes.map((partitionIndex) => ({
          partitionIndex,
          committedOffset: commits.get(`${name}-${partitionIndex}`) ?? -1n,
          committedLeaderEpoch: 3,
          metadata: '',
          errorCode: 0,
        })),
      }))
    }
    if (sent.version >= 8) {
      return {
        groups: groups.map((group) => ({
          groupId: group.groupId,
          errorCode: wrongCoordinator(group.groupId, brokerId),
          topics: answer(group.topics),
        })),
      }
    }
    return { errorCode: wrongCoordinator(groupId, brokerId), topics: answer(topics) }
  })
})

const commit = (topics: readonly { name: string; offsets: readonly bigint[] }[], groupId = 'g') =>
  client.ask(offsetCommit, 8, {
    groupId,
    generationIdOrMemberEpoch: 4,
    memberId: 'm',
    groupInstanceId: null,
    topics: topics.map(({ name, offsets }) => ({
      name,
      partitions: offsets.map((committedOffset, partitionIndex) => ({
        partitionIndex,
        committedOffset,
        committedLeaderEpoch: 9,
        committedMetadata: null,
      })),
    })),
  })

describe('commits', () => {
  it('go home under the home topic’s name, and come back under the client’s', async () => {
    const answer = await commit([{ name: 'orders', offsets: [10n, 11n] }])
    expect(answer.topics).toEqual([
      {
        name: 'orders',
        partitions: [
          { partitionIndex: 0, errorCode: 0 },
          { partitionIndex: 1, errorCode: 0 },
        ],
      },
    ])
    expect([...commits]).toEqual([
      ['orders.stub-0', 10n],
      ['orders.stub-1', 11n],
    ])
    // Epochs of different loglets do not compare, so none is kept.
    expect(lastCommit!.topics[0]!.partitions[0]!.committedLeaderEpoch).toBe(-1)
    expect(lastCommit).toMatchObject({ generationIdOrMemberEpoch: 4, memberId: 'm' })
  })

  it('of a topic that is not there are refused, the others are not', async () => {
    const answer = await commit([
      { name: 'nothing', offsets: [1n] },
      { name: 'orders', offsets: [5n] },
    ])
    expect(answer.topics.map(({ name, partitions }) => [name, partitions[0]!.errorCode])).toEqual([
      ['nothing', errorCodes.UNKNOWN_TOPIC_OR_PARTITION],
      ['orders', 0],
    ])
  })

  it('find the coordinator again when it moved', async () => {
    await commit([{ name: 'orders', offsets: [1n] }])
    world.kafka('a').coordinatorOf = () => 2
    const first = await commit([{ name: 'orders', offsets: [2n] }])
    expect(first.topics[0]!.partitions[0]!.errorCode).toBe(errorCodes.NOT_COORDINATOR)
    const second = await commit([{ name: 'orders', offsets: [2n] }])
    expect(second.topics[0]!.partitions[0]!.errorCode).toBe(0)
    expect(commits.get('orders.stub-0')).toBe(2n)
  })

  it('hear NOT_COORDINATOR when home cannot be reached', async () => {
    world.kafka('a').down = true
    const answer = await commit([{ name: 'orders', offsets: [1n] }])
    expect(answer.topics[0]!.partitions[0]!.errorCode).toBe(errorCodes.NOT_COORDINATOR)
  })
})

describe.each([1, 5, 7, 8, 9])('fetching commits, version %i', (version) => {
  const ask = (names: readonly { name: string; partitionIndexes: number[] }[] | null) =>
    client
      .ask(
        offsetFetch,
        version,
        version >= 8
          ? {
              groups: [{ groupId: 'g', memberId: null, memberEpoch: -1, topics: names }],
              requireStable: false,
            }
          : { groupId: 'g', topics: names, requireStable: false },
      )
      .then((answer) => (version >= 8 ? answer.groups[0]! : answer))

  beforeEach(async () => {
    await commit([{ name: 'orders', offsets: [10n, 11n] }])
  })

  it('answers under the client’s names, in the request’s version', async () => {
    const { topics } = await ask([
      { name: 'orders', partitionIndexes: [1] },
      { name: 'nothing', partitionIndexes: [0] },
    ])
    const partition = topics.find(({ name }) => name === 'orders')!.partitions[0]!
    expect(partition).toMatchObject({ partitionIndex: 1, committedOffset: 11n, errorCode: 0 })
    if (version >= 5) expect(partition.committedLeaderEpoch).toBe(-1)
    const unknown = topics.find(({ name }) => name === 'nothing')!
    expect(unknown.partitions[0]).toMatchObject({ committedOffset: -1n, errorCode: 0 })
  })

  const ofAll = version >= 2 ? it : undefined
  ofAll?.('of all topics names none but the tenant’s', async () => {
    const { topics } = await ask(null)
    expect(topics.map(({ name }) => name)).toEqual(['orders'])
    expect(topics[0]!.partitions.map(({ committedOffset }) => committedOffset)).toEqual([10n, 11n])
  })

  it('says that the coordinator is elsewhere when home cannot be asked', async () => {
    for (const connection of world.kafka('a').connections) connection.break()
    world.kafka('a').down = true
    const group = await ask([{ name: 'orders', partitionIndexes: [0] }])
    const error = version === 1 ? group.topics[0]!.partitions[0]!.errorCode : group.errorCode
    expect(error).toBe(errorCodes.NOT_COORDINATOR)
  })
})

describe('group membership', () => {
  it('is forwarded to the coordinator byte for byte, and so is its answer', async () => {
    const protocols = [{ name: 'range', metadata: Buffer.from('which topics') }]
    const seen: unknown[] = []
    world.kafka('a').handlers.set(joinGroup.key, ((request: unknown) => {
      seen.push(request)
      return {
        errorCode: 0,
        generationId: 3,
        protocolType: 'consumer',
        protocolName: 'range',
        leader: 'm1',
        memberId: 'm1',
        members: [{ memberId: 'm1', groupInstanceId: null, metadata: Buffer.from('which topics') }],
      }
    }) as Handler)
    for (const version of [2, 5, 6, 9]) {
      const answer = await client.ask(joinGroup, version, {
        groupId: 'g',
        sessionTimeoutMs: 10_000,
        rebalanceTimeoutMs: 60_000,
        memberId: '',
        groupInstanceId: null,
        protocolType: 'consumer',
        protocols,
        reason: null,
      })
      expect(answer).toMatchObject({
        errorCode: 0,
        generationId: 3,
        leader: 'm1',
        members: [{ memberId: 'm1' }],
      })
      expect(seen.at(-1)).toMatchObject({ groupId: 'g', rebalanceTimeoutMs: 60_000, protocols })
    }
  })

  it('learns that the coordinator moved, and is sent to the new one', async () => {
    const kafka = world.kafka('a')
    kafka.handlers.set(heartbeat.key, ((_: unknown, { brokerId }: { brokerId: number }) => ({
      errorCode: brokerId === kafka.coordinatorOf('g') ? 0 : errorCodes.NOT_COORDINATOR,
    })) as unknown as Handler)
    const beat = () =>
      client.ask(heartbeat, 4, { groupId: 'g', generationId: 1, memberId: 'm', groupInstanceId: null })
    expect((await beat()).errorCode).toBe(0)
    kafka.coordinatorOf = () => 2
    expect((await beat()).errorCode).toBe(errorCodes.NOT_COORDINATOR)
    expect((await beat()).errorCode).toBe(0)
  })

  it('hears NOT_COORDINATOR, in its own version, when the coordinator is lost', async () => {
    world.kafka('a').down = true
    const member = { groupId: 'g', generationId: 1, memberId: 'm', groupInstanceId: null }
    for (const version of [1, 3, 4]) {
      expect((await client.ask(heartbeat, version, member)).errorCode).toBe(errorCodes.NOT_COORDINATOR)
    }
    const sync = { ...member, protocolType: null, protocolName: null, assignments: [] }
    expect((await client.ask(syncGroup, 5, sync)).errorCode).toBe(errorCodes.NOT_COORDINATOR)
    const leaving = { groupId: 'g', memberId: 'm', members: [] }
    for (const version of [1, 4]) {
      expect((await client.ask(leaveGroup, version, leaving)).errorCode).toBe(errorCodes.NOT_COORDINATOR)
    }
  })
})

describe('groups as a whole', () => {
  it('are coordinated by the listener that leads home', async () => {
    const one = await client.ask(findCoordinator, 2, { key: 'g', keyType: 0 })
    expect(one).toMatchObject({ errorCode: 0, host: 'a.test', port: 9092 })
    const many = await client.ask(findCoordinator, 4, { keyType: 0, coordinatorKeys: ['g', 'h'] })
    expect(many.coordinators.map(({ key, host }) => [key, host])).toEqual([
      ['g', 'a.test'],
      ['h', 'a.test'],
    ])
  })

  it('have no transactional kin yet', async () => {
    const answer = await client.ask(findCoordinator, 2, { key: 't', keyType: 1 })
    expect(answer.errorCode).toBe(errorCodes.TRANSACTIONAL_ID_AUTHORIZATION_FAILED)
    expect(answer.errorMessage).toContain('transactional.id')
  })

  it('are listed from every broker of home', async () => {
    world.kafka('a').handlers.set(listGroups.key, ((_: unknown, { brokerId }: { brokerId: number }) => ({
      errorCode: 0,
      groups: [{ groupId: `g${brokerId}`, protocolType: 'consumer' }],
    })) as unknown as Handler)
    const answer = await client.ask(listGroups, 2, {})
    expect(answer.groups.map(({ groupId }) => groupId)).toEqual(['g1', 'g2'])
  })

  it('are described and deleted by each one’s own coordinator', async () => {
    const kafka = world.kafka('a')
    kafka.coordinatorOf = (groupId) => (groupId === 'g1' ? 1 : 2)
    const asked: string[] = []
    kafka.handlers.set(describeGroups.key, ((
      { groups }: { groups: string[] },
      { brokerId }: { brokerId: number },
    ) => {
      asked.push(`describe ${groups} at ${brokerId}`)
      return {
        groups: groups.map((groupId) => ({
          errorCode: 0,
          groupId,
          groupState: 'Stable',
          protocolType: 'consumer',
          protocolData: 'range',
          members: [],
        })),
      }
    }) as unknown as Handler)
    kafka.handlers.set(deleteGroups.key, ((
      { groupsNames }: { groupsNames: string[] },
      { brokerId }: { brokerId: number },
    ) => {
      asked.push(`delete ${groupsNames} at ${brokerId}`)
      return { results: groupsNames.map((groupId) => ({ groupId, errorCode: 0 })) }
    }) as unknown as Handler)
    const described = await client.ask(describeGroups, 4, {
      groups: ['g1', 'g2'],
      includeAuthorizedOperations: false,
    })
    expect(described.groups.map(({ groupId, groupState }) => [groupId, groupState])).toEqual([
      ['g1', 'Stable'],
      ['g2', 'Stable'],
    ])
    const deleted = await client.ask(deleteGroups, 2, { groupsNames: ['g1', 'g2'] })
    expect(deleted.results.map(({ groupId, errorCode }) => [groupId, errorCode])).toEqual([
      ['g1', 0],
      ['g2', 0],
    ])
    expect(asked.sort()).toEqual(['delete g1 at 1', 'delete g2 at 2', 'describe g1 at 1', 'describe g2 at 2'])
  })
})
