import type { ClusterSighting } from '@braid/control-api'
import type { ClusterConnections } from '@braid/kafka-connection'
import {
  deleteGroups,
  errorCodes,
  findCoordinator,
  heartbeat,
  joinGroup,
  listGroups,
  type OffsetCommitRequest,
  type OffsetFetchRequest,
  offsetCommit,
  offsetFetch,
} from '@braid/kafka-protocol'
import { type RouteDelta, RouteTable, TopicRoute } from '@braid/routing-model'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Engine } from './engine.ts'
import { FakeConnections } from './testing/fake-connections.ts'
import { FakeKafka, type Handler } from './testing/fake-kafka.ts'
import { TestClient } from './testing/test-client.ts'
import { elapse, realTime, settled, virtualTime } from './testing/virtual-time.ts'
import { listeners } from './testing/world.ts'

/** Home is a, the standby home b. `orders` is orders.a there and orders.b here. */
let kafkas: Map<string, FakeKafka>
let table: RouteTable
let engine: Engine
let client: TestClient
/** Clusters that connections were made to. */
let connected: string[]
let silentSinceMs: Map<string, number>
let tellSighting: (cluster: string) => void
/** Cluster: group, topic-partition@offset. */
let commits: string[]

const orders = TopicRoute.create({
  tenant: 'default',
  name: 'orders',
  id: 'id',
  partitions: 1,
  maxMessageBytes: 1_000,
  homeTopic: 'orders.a',
  cluster: 'a',
  topic: 'orders.a',
}).withHomeTopics('orders.a', 'orders.b')

beforeEach(() => {
  virtualTime()
  commits = []
  connected = []
  silentSinceMs = new Map()
  kafkas = new Map(['a', 'b'].map((name) => [name, coordinator(new FakeKafka(name))]))
  table = RouteTable.fromJSON({
    version: 1,
    clusters: ['a', 'b'].map((name, i) => ({ name, number: i + 1, bootstrap: [`${name}:9`] })),
    tenants: [{ name: 'default', home: 'a', standbyHome: 'b' }],
    accessPoints: [],
    topics: [orders.toJSON()],
  })
  const of = (cluster: string): ClusterSighting => {
    const sinceMs = silentSinceMs.get(cluster)
    if (sinceMs === undefined) return { state: 'up', forMs: 0, detail: null }
    return { state: 'down', forMs: Date.now() - sinceMs, detail: 'no answer in 1 s' }
  }
  engine = new Engine({
    tenant: 'default',
    routes: table,
    connect: ({ name }) => {
      connected.push(name)
      return new FakeConnections(kafkas.get(name)!) as unknown as ClusterConnections
    },
    listeners,
    admin: {
      createTopic: () => Promise.reject(new Error('not here')),
      deleteTopic: () => Promise.reject(new Error('not here')),
    },
    sightings: {
      of,
      onChange: (listener) => {
        tellSighting = listener
        return () => {}
      },
    },
    now: () => Date.now(),
    randomBytes: (size) => Buffer.alloc(size, 7),
  })
  client = new TestClient(engine)
})

afterEach(async () => {
  await engine.close()
  realTime()
})

function coordinator(kafka: FakeKafka): FakeKafka {
  const on = <Q>(key: number, handler: (request: Q) => ReturnType<Handler>) =>
    kafka.handlers.set(key, handler as Handler)
  on<OffsetCommitRequest>(offsetCommit.key, ({ groupId, topics }) => ({
    topics: topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ partitionIndex, committedOffset }) => {
        const known = name === `orders.${kafka.name}`
        if (known) commits.push(`${kafka.name}: ${groupId}, ${name}-${partitionIndex}@${committedOffset}`)
        return { partitionIndex, errorCode: known ? 0 : errorCodes.UNKNOWN_TOPIC_OR_PARTITION }
      }),
    })),
  }))
  on<OffsetFetchRequest>(offsetFetch.key, ({ topics }) => ({
    errorCode: 0,
    topics: (topics ?? []).map(({ name, partitionIndexes }) => ({
      name,
      partitions: partitionIndexes.map((partitionIndex) => ({
        partitionIndex,
        committedOffset: name === `orders.${kafka.name}` ? 7n : -1n,
        metadata: '',
        errorCode: 0,
      })),
    })),
  }))
  // Members of a are not known on b.
  on(heartbeat.key, () => ({ errorCode: kafka.name === 'a' ? 0 : errorCodes.UNKNOWN_MEMBER_ID }))
  on(joinGroup.key, () => 'not yet')
  on(listGroups.key, () => ({ errorCode: 0, groups: [{ groupId: 'g', protocolType: 'consumer' }] }))
  on<{ groupsNames: string[] }>(deleteGroups.key, ({ groupsNames }) => {
    commits.push(`${kafka.name}: delete ${groupsNames}`)
    return { results: groupsNames.map((groupId) => ({ groupId, errorCode: 0 })) }
  })
  return kafka
}

function goSilent(cluster: string): void {
  // As a pulse does: it knows a second after the first request that stayed without an answer.
  silentSinceMs.set(cluster, Date.now() - 1_000)
  tellSighting(cluster)
}

function comeBack(cluster: string): void {
  silentSinceMs.delete(cluster)
  tellSighting(cluster)
}

function publish(change: Omit<RouteDelta, 'from' | 'to'>): void {
  const delta = { ...change, from: table.version, to: table.version + 1 }
  table.apply(delta)
  engine.routesChanged(table, delta)
}

const moveHome = () =>
  publish({
    tenants: [{ name: 'default', home: 'b', standbyHome: 'a' }],
    topics: [orders.withHomeTopics('orders.b', 'orders.a').toJSON()],
  })

const giveUp = (cluster: string) =>
  publish({ clusters: [{ name: cluster, number: 1, bootstrap: [`${cluster}:9`], fenced: true }] })

const beat = () =>
  client
    .ask(heartbeat, 4, { groupId: 'g', generationId: 1, memberId: 'm', groupInstanceId: null })
    .then(({ errorCode }) => errorCode)

const commit = (offset: bigint) =>
  client
    .ask(offsetCommit, 8, {
      groupId: 'g',
      memberId: 'm',
      generationIdOrMemberEpoch: 1,
      topics: [
        {
          name: 'orders',
          partitions: [{ partitionIndex: 0, committedOffset: offset, committedMetadata: null }],
        },
      ],
    })
    .then(({ topics }) => topics[0]!.partitions[0]!.errorCode)

const find = () => client.ask(findCoordinator, 2, { key: 'g', keyType: 0 })

const join = () =>
  client
    .ask(joinGroup, 5, {
      groupId: 'g',
      sessionTimeoutMs: 10_000,
      rebalanceTimeoutMs: 60_000,
      memberId: '',
      groupInstanceId: null,
      protocolType: 'consumer',
      protocols: [],
      reason: null,
    })
    .then(({ errorCode }) => errorCode)

/** What it answers, and after how many ms. */
async function timed<T>(asked: Promise<T>, passMs: number): Promise<[T | 'nothing yet', number]> {
  const startMs = Date.now()
  let answer: T | 'nothing yet' = 'nothing yet'
  let afterMs = 0
  asked.then(
    (value) => {
      answer = value
      afterMs = Date.now() - startMs
    },
    () => {},
  )
  await elapse(passMs)
  return [answer, afterMs]
}

const { NOT_COORDINATOR, COORDINATOR_NOT_AVAILABLE, UNKNOWN_MEMBER_ID } = errorCodes

describe('while home is silent', () => {
  it('what is asked of it is answered NOT_COORDINATOR after a second, not after thirty', async () => {
    goSilent('a')
    expect(await timed(beat(), 1_100)).toEqual([NOT_COORDINATOR, 1_000])
    expect(await timed(commit(5n), 1_100)).toEqual([NOT_COORDINATOR, 1_000])
    expect(kafkas.get('a')!.log).toEqual([])
  })

  it('who looks for a coordinator hears that there is none, after a second', async () => {
    goSilent('a')
    const [answer, afterMs] = await timed(find(), 1_100)
    expect(afterMs).toBe(1_000)
    expect(answer).toMatchObject({
      errorCode: COORDINATOR_NOT_AVAILABLE,
      errorMessage: 'home a does not answer: no answer in 1 s',
    })
  })

  it('what is under way is given up when it has been silent for two', async () => {
    const joining = join()
    await elapse(100)
    expect(kafkas.get('a')!.connections.size).toBe(1)
    goSilent('a')
    expect(await timed(joining, 1_500)).toEqual([NOT_COORDINATOR, 1_000])
  })

  it('for a moment, nobody hears of it', async () => {
    const joining = join()
    await elapse(100)
    goSilent('a')
    // On a connection of its own: answers leave in the order of requests.
    client = new TestClient(engine)
    const beating = beat()
    await elapse(500)
    comeBack('a')
    expect(await beating).toBe(0)
    expect(await timed(joining, 3_000)).toEqual(['nothing yet', 0])
  })

  it('groups are not listed for half a minute either', async () => {
    kafkas.get('a')!.handlers.set(listGroups.key, (() => 'not yet') as unknown as Handler)
    const listing = client.ask(listGroups, 2, {})
    await elapse(100)
    goSilent('a')
    const [answer] = await timed(listing, 1_100)
    expect(answer).toMatchObject({ errorCode: COORDINATOR_NOT_AVAILABLE })
  })
})

describe('when the engine is closed', () => {
  it('who waits for home hears of it at once, and nothing is connected any more', async () => {
    goSilent('a')
    const beating = beat().catch(String)
    const looking = engine.groups.ready().catch(String)
    const running = engine.groups.run(async (home) => home.name).catch(String)
    await elapse(100)
    await engine.close()
    comeBack('a')
    const waited = Promise.all([beating, looking, running])
    const closed = 'HomeAway: the engine is being closed'
    expect(await timed(waited, 5)).toEqual([['Error: the session ended', closed, closed], 5])
    await elapse(1_100)
    expect(await engine.groups.ready().catch(String)).toBe(closed)
    expect(connected).toEqual([])
  })
})

describe('when home moves', () => {
  it('what is under way is answered NOT_COORDINATOR at once', async () => {
    const joining = join()
    kafkas.get('a')!.stop('deliver', offsetCommit.key)
    client = new TestClient(engine)
    const committing = commit(5n)
    await elapse(100)
    moveHome()
    expect(await timed(joining, 5)).toEqual([NOT_COORDINATOR, 5])
    expect(await committing).toBe(NOT_COORDINATOR)
  })

  it('who waited goes on there at once, under the names that topics have there', async () => {
    goSilent('a')
    const finding = find()
    const committing = commit(5n)
    const fetching = client.ask(offsetFetch, 7, {
      groupId: 'g',
      topics: [{ name: 'orders', partitionIndexes: [0] }],
      requireStable: false,
    })
    await elapse(500)
    moveHome()
    await settled()
    expect(await finding).toMatchObject({ errorCode: 0, host: 'b.test' })
    expect(await committing).toBe(0)
    expect(commits).toEqual(['b: g, orders.b-0@5'])
    expect((await fetching).topics).toMatchObject([{ name: 'orders', partitions: [{ committedOffset: 7n }] }])
  })

  it('members hear that they are unknown there, and so join again', async () => {
    expect(await beat()).toBe(0)
    moveHome()
    expect(await beat()).toBe(UNKNOWN_MEMBER_ID)
  })

  it('to and fro, coordinators that were known before are not asked for it', async () => {
    await commit(1n)
    kafkas.get('a')!.brokerIds.push(2)
    giveUp('a')
    moveHome()
    await commit(2n)
    kafkas.get('a')!.coordinatorOf = () => 2
    publish({
      clusters: [{ name: 'a', number: 1, bootstrap: ['a:9'] }],
      tenants: [{ name: 'default', home: 'a', standbyHome: 'b' }],
      topics: [orders.toJSON()],
    })
    await commit(3n)
    expect([...kafkas.get('a')!.connections].map(({ brokerId }) => brokerId)).toEqual([2])
  })

  it('where what was under way has failed, its coordinator is looked up again after the way back', async () => {
    const joining = join()
    await elapse(100)
    moveHome()
    expect(await joining).toBe(NOT_COORDINATOR)
    kafkas.get('a')!.brokerIds.push(2)
    kafkas.get('a')!.coordinatorOf = () => 2
    publish({
      tenants: [{ name: 'default', home: 'a', standbyHome: 'b' }],
      topics: [orders.toJSON()],
    })
    client = new TestClient(engine)
    await commit(3n)
    expect([...kafkas.get('a')!.connections].map(({ brokerId }) => brokerId)).toEqual([1, 2])
  })
})

describe('while home is given up and has not moved', () => {
  it('there is no coordinator, though the cluster answers', async () => {
    giveUp('a')
    const [answer] = await timed(find(), 1_100)
    expect(answer).toMatchObject({
      errorCode: COORDINATOR_NOT_AVAILABLE,
      errorMessage: 'home a was given up, and has not moved yet',
    })
    expect(await timed(commit(5n), 1_100)).toEqual([NOT_COORDINATOR, 1_000])
    expect(commits).toEqual([])
  })

  it('who waits goes on where it moves to', async () => {
    giveUp('a')
    const committing = commit(5n)
    await elapse(300)
    moveHome()
    expect(await committing).toBe(0)
    expect(commits).toEqual(['b: g, orders.b-0@5'])
  })

  it('groups that have nowhere to go stay where they are', async () => {
    publish({ tenants: [{ name: 'default', home: 'a' }] })
    giveUp('a')
    expect(await find()).toMatchObject({ errorCode: 0, host: 'a.test' })
    expect(await commit(5n)).toBe(0)
  })
})

describe('what home has taken', () => {
  it('is written to the standby home, and what it refused is not', async () => {
    expect(await commit(5n)).toBe(0)
    await elapse(300)
    expect(commits).toEqual(['a: g, orders.a-0@5', 'b: g, orders.b-0@5'])
    kafkas.get('a')!.handlers.set(offsetCommit.key, (() => ({
      topics: [
        { name: 'orders.a', partitions: [{ partitionIndex: 0, errorCode: errorCodes.ILLEGAL_GENERATION }] },
      ],
    })) as unknown as Handler)
    expect(await commit(9n)).toBe(errorCodes.ILLEGAL_GENERATION)
    await elapse(600)
    expect(commits.length).toBe(2)
  })

  it('and answered after it has moved, is no answer to the client and goes nowhere', async () => {
    kafkas.get('a')!.stop('deliver', offsetCommit.key)
    const committing = commit(5n)
    await elapse(50)
    moveHome()
    expect(await committing).toBe(NOT_COORDINATOR)
    kafkas.get('a')!.go('deliver', offsetCommit.key)
    await elapse(600)
    expect(commits).toEqual(['a: g, orders.a-0@5'])
    expect(engine.mirror.lagMs).toBe(null)
  })

  it('is written at once when home is given up, as it moves in a moment', async () => {
    expect(await commit(5n)).toBe(0)
    giveUp('a')
    await settled()
    expect(commits).toEqual(['a: g, orders.a-0@5', 'b: g, orders.b-0@5'])
  })

  it('is gone there too when the group is deleted', async () => {
    await client.ask(deleteGroups, 1, { groupsNames: ['g'] })
    await elapse(300)
    expect(commits).toEqual(['a: delete g', 'b: delete g'])
  })

  it('is written before the engine ends', async () => {
    await commit(5n)
    await engine.close()
    expect(commits).toEqual(['a: g, orders.a-0@5', 'b: g, orders.b-0@5'])
  })
})
