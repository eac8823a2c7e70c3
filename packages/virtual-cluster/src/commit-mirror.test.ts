import type { ClusterConnections } from '@braid/kafka-connection'
import { deleteGroups, errorCodes, type OffsetCommitRequest, offsetCommit } from '@braid/kafka-protocol'
import { RouteTable, TopicRoute } from '@braid/routing-model'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { CommitMirror } from './commit-mirror.ts'
import { defaultLimits, type Limits } from './limits.ts'
import { FakeConnections } from './testing/fake-connections.ts'
import { FakeKafka, type Handler } from './testing/fake-kafka.ts'
import { elapse, realTime, settled, virtualTime } from './testing/virtual-time.ts'
import { WriteLease } from './write-lease.ts'

let standby: FakeKafka
let routes: RouteTable
let lease: WriteLease
let mirror: CommitMirror
let lines: { event: string; fields: Readonly<Record<string, unknown>> }[]
/** What the standby home was asked: group, then topic-partition@offset each. */
let asked: string[]
/** By topic-partition, or by group for its deletion. */
let errors: Map<string, number>
let seen: 'up' | 'down'

beforeEach(() => {
  virtualTime()
  asked = []
  lines = []
  errors = new Map()
  seen = 'up'
  standby = new FakeKafka('b')
  standby.handlers.set(offsetCommit.key, ((request: OffsetCommitRequest) => {
    expect([request.generationIdOrMemberEpoch, request.memberId]).toEqual([-1, ''])
    const parts = request.topics.flatMap(({ name, partitions }) =>
      partitions.map(
        (p) =>
          `${name}-${p.partitionIndex}@${p.committedOffset}${p.committedMetadata ? ` ${p.committedMetadata}` : ''}`,
      ),
    )
    asked.push(`${request.groupId}: ${parts.join(', ')}`)
    return {
      topics: request.topics.map(({ name, partitions }) => ({
        name,
        partitions: partitions.map(({ partitionIndex }) => ({
          partitionIndex,
          errorCode: errors.get(`${name}-${partitionIndex}`) ?? 0,
        })),
      })),
    }
  }) as unknown as Handler)
  standby.handlers.set(deleteGroups.key, (({ groupsNames }: { groupsNames: string[] }) => {
    asked.push(`delete ${groupsNames}`)
    const errorOf = (groupId: string) => errors.get(groupId) ?? errorCodes.GROUP_ID_NOT_FOUND
    return { results: groupsNames.map((groupId) => ({ groupId, errorCode: errorOf(groupId) })) }
  }) as unknown as Handler)
  routes = RouteTable.fromJSON({
    version: 1,
    clusters: ['a', 'b'].map((name, i) => ({ name, number: i + 1, bootstrap: [`${name}:9`] })),
    tenants: [{ name: 't', home: 'a', standbyHome: 'b' }],
    accessPoints: [],
    topics: [topic('orders').withHomeTopics('orders.a', 'orders.b').toJSON(), topic('local').toJSON()],
  })
  lease = new WriteLease()
  lease.granted(Date.now(), 1_000_000)
  start()
})

afterEach(async () => {
  await mirror.close()
  realTime()
})

const topic = (name: string) =>
  TopicRoute.create({
    tenant: 't',
    name,
    id: `id-${name}`,
    partitions: 4,
    maxMessageBytes: 1_000,
    homeTopic: `${name}.a`,
    cluster: 'a',
    topic: `${name}.a`,
  })

function start(limits: Partial<Limits> = {}): void {
  const connections = new FakeConnections(standby) as unknown as ClusterConnections
  mirror = new CommitMirror(
    {
      tenant: 't',
      routes,
      limits: { ...defaultLimits, ...limits },
      log: (_, event, fields) => lines.push({ event, fields }),
      now: () => Date.now(),
      cluster: (name) => (name === 'b' ? connections : undefined),
    },
    lease,
    { of: () => ({ state: seen, forMs: 0, detail: null }), onChange: () => () => {} },
  )
}

const commit = (group: string, partition: number, offset: bigint, name = 'orders') =>
  mirror.committed('a', group, [{ topic: name, partition, offset, metadata: null }])

describe('a commit that home has taken', () => {
  it('is on the standby home a quarter of a second later, under its name there', async () => {
    mirror.committed('a', 'g', [{ topic: 'orders', partition: 1, offset: 5n, metadata: 'why' }])
    await elapse(200)
    expect([asked, mirror.lagMs]).toEqual([[], 200])
    await elapse(60)
    expect([asked, mirror.lagMs]).toEqual([['g: orders.b-1@5 why'], null])
    expect(mirror.counts.mirrored).toBe(1)
  })

  it('is replaced by the next for its partition, and travels with the others of its group', async () => {
    for (let offset = 1n; offset <= 50n; offset++) commit('g', 0, offset)
    commit('g', 1, 7n)
    commit('h', 0, 9n)
    await elapse(300)
    expect(asked).toEqual(['g: orders.b-0@50, orders.b-1@7', 'h: orders.b-0@9'])
  })

  it('is not written where there is no standby', async () => {
    commit('g', 0, 1n, 'local')
    commit('g', 0, 1n, 'nothing')
    expect(mirror.lagMs).toBe(null)
    routes.apply({ from: 1, to: 2, tenants: [{ name: 't', home: 'a' }] })
    mirror.routed()
    commit('g', 0, 1n)
    await elapse(1_000)
    expect(asked).toEqual([])
  })

  it('never overtakes an earlier one: a group has one request on its way', async () => {
    standby.stop('process', offsetCommit.key)
    commit('g', 0, 1n)
    await elapse(300)
    commit('g', 0, 2n)
    commit('g', 0, 3n)
    await elapse(600)
    expect(mirror.lagMs).toBe(900)
    standby.go('process', offsetCommit.key)
    await settled()
    // The first has arrived; the others wait since they came.
    expect(mirror.lagMs).toBe(600)
    await elapse(300)
    expect(asked).toEqual(['g: orders.b-0@1', 'g: orders.b-0@3'])
    expect(mirror.lagMs).toBe(null)
  })

  it('waits for its turn when many groups commit', async () => {
    await mirror.close()
    start({ mirrorMaxGroups: 2 })
    standby.stop('process', offsetCommit.key)
    for (let g = 0; g < 10; g++) commit(`g${g}`, 0, 1n)
    await elapse(300)
    const waiting = [...standby.connections].reduce((sum, { requests }) => sum + requests.length, 0)
    expect(waiting).toBe(2)
    standby.go('process', offsetCommit.key)
    await elapse(100)
    expect(asked.length).toBe(10)
  })
})

describe('while it cannot be written', () => {
  it('it is tried again, later and later, for a minute; then it is dropped, and that is said', async () => {
    errors.set('orders.b-0', errorCodes.COORDINATOR_LOAD_IN_PROGRESS)
    commit('g', 0, 1n)
    await elapse(20_000)
    expect(asked.length).toBeGreaterThan(5)
    expect(asked.length).toBeLessThan(12)
    expect(mirror.lagMs).toBe(20_000)
    await elapse(50_000)
    expect([mirror.lagMs, mirror.counts.expired]).toEqual([null, 1])
    expect(lines.filter(({ event }) => event === 'commits-dropped')).toMatchObject([
      { fields: { expired: 1, standbyHome: 'b' } },
    ])
  })

  it('one partition that is refused does not keep the others', async () => {
    errors.set('orders.b-1', errorCodes.OFFSET_METADATA_TOO_LARGE)
    errors.set('orders.b-2', errorCodes.UNKNOWN_TOPIC_OR_PARTITION)
    for (const partition of [0, 1, 2]) commit('g', partition, 1n)
    await elapse(300)
    expect(mirror.counts).toMatchObject({ mirrored: 1, refused: 1 })
    errors.clear()
    await elapse(1_000)
    expect(asked.slice(1)).toEqual(['g: orders.b-2@1'])
    expect(mirror.counts).toMatchObject({ mirrored: 2, refused: 1 })
  })

  it('because the group lives there now, it is not needed any more', async () => {
    errors.set('orders.b-0', errorCodes.UNKNOWN_MEMBER_ID)
    errors.set('orders.b-1', errorCodes.ILLEGAL_GENERATION)
    commit('g', 0, 1n)
    commit('g', 1, 1n)
    await elapse(2_000)
    expect(asked.length).toBe(1)
    expect([mirror.counts.superseded, mirror.lagMs]).toEqual([2, null])
  })

  it('because the standby home is silent, nobody asks it, and nothing is dropped', async () => {
    seen = 'down'
    commit('g', 0, 1n)
    await elapse(120_000)
    expect([asked, mirror.lagMs]).toEqual([[], 120_000])
    seen = 'up'
    await elapse(300)
    expect(asked).toEqual(['g: orders.b-0@1'])
  })

  it('because its connection breaks, it is written by the next', async () => {
    standby.stop('process', offsetCommit.key)
    commit('g', 0, 1n)
    await elapse(300)
    for (const connection of [...standby.connections]) connection.break()
    standby.go('process', offsetCommit.key)
    await elapse(1_000)
    expect(asked).toEqual(['g: orders.b-0@1'])
  })

  it('the oldest make room when too many wait', async () => {
    await mirror.close()
    start({ mirrorMaxCommits: 3 })
    for (let partition = 0; partition < 4; partition++) commit('g', partition, 1n)
    commit('h', 0, 1n)
    expect(mirror.counts.overflowed).toBe(2)
    await elapse(300)
    expect(asked).toEqual(['g: orders.b-2@1, orders.b-3@1', 'h: orders.b-0@1'])
  })
})

describe('a process that was cut off', () => {
  it('writes nothing while its lease does not hold', async () => {
    lease.end()
    commit('g', 0, 1n)
    await elapse(5_000)
    expect(asked).toEqual([])
    lease.granted(Date.now(), 3_000)
    await elapse(300)
    expect(asked).toEqual(['g: orders.b-0@1'])
  })

  it('forgets what an earlier home has taken', async () => {
    commit('g', 0, 1n)
    routes.apply({ from: 1, to: 2, tenants: [{ name: 't', home: 'b', standbyHome: 'a' }] })
    mirror.routed()
    commit('g', 0, 2n)
    await elapse(1_000)
    expect([asked, mirror.counts.moved, mirror.lagMs]).toEqual([[], 1, null])
  })
})

describe('a group that home has deleted', () => {
  it('is deleted there too, and what waited of it is not written', async () => {
    commit('g', 0, 1n)
    mirror.deleted('a', 'g')
    await elapse(1_000)
    expect(asked).toEqual(['delete g'])
    commit('g', 0, 2n)
    await elapse(300)
    expect(asked).toEqual(['delete g', 'g: orders.b-0@2'])
  })

  it('and of which that could not be told is counted, because its commits stay there', async () => {
    errors.set('g', errorCodes.COORDINATOR_LOAD_IN_PROGRESS)
    mirror.deleted('a', 'g')
    await elapse(120_000)
    expect(mirror.counts.expired).toBe(1)
    await mirror.close()
    start({ mirrorMaxCommits: 1 })
    mirror.deleted('a', 'g')
    mirror.deleted('a', 'h')
    expect(mirror.counts.overflowed).toBe(1)
  })
})

describe('at the end', () => {
  it('what waits is written at once', async () => {
    commit('g', 0, 1n)
    const closing = mirror.close()
    await settled()
    await closing
    expect(asked).toEqual(['g: orders.b-0@1'])
  })

  it('a standby home that does not answer is waited for a second', async () => {
    standby.stop('process', offsetCommit.key)
    commit('g', 0, 1n)
    let closed = false
    mirror.close().then(() => {
      closed = true
    })
    await elapse(950)
    expect(closed).toBe(false)
    await elapse(100)
    expect(closed).toBe(true)
  })
})
