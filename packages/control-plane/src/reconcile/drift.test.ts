import type { ConfigValue } from '@braid/kafka-connection'
import { TopicRoute } from '@braid/routing-model'
import { describe, expect, test } from 'vitest'
import type { PhysicalTopicFacts } from '../clusters/kafka-cluster.ts'
import { type ClusterLook, type DesiredParts, desiredTopic, type Looks } from './desired.ts'
import { driftOf } from './drift.ts'

// A topic that began on b, away from its home a, and has moved to c: `orders.1` on b is sealed, `orders.2` on c active,
// `orders.0` its stub on a.
const route = TopicRoute.create({
  tenant: 'default',
  name: 'orders',
  id: 'id-1',
  partitions: 3,
  maxMessageBytes: 1_000_000,
  homeTopic: 'orders.0',
  cluster: 'b',
  topic: 'orders.1',
}).sealedAndAppended([5n, 0n, 7n], { cluster: 'c', topic: 'orders.2' })

const sla = (over: Partial<NonNullable<DesiredParts['sla']>> = {}): NonNullable<DesiredParts['sla']> => ({
  availability: { failover: 'none' },
  durability: { replicationFactor: 3, minInSyncReplicas: 2, dual: false },
  retentionMaxMs: 10_000,
  ...over,
})

const desired = (over: Omit<Partial<DesiredParts>, 'spec'> & { spec?: Partial<DesiredParts['spec']> } = {}) =>
  desiredTopic({
    route: route.withFailover(over.sla?.availability.failover ?? 'none'),
    home: 'a',
    applied: {},
    standbyMade: undefined,
    standbyHome: null,
    standbyHomeMade: undefined,
    migration: null,
    sla: undefined,
    ...over,
    spec: { partitions: 3, configs: {}, standby: null, ...over.spec },
  })

interface Shape {
  partitions?: number
  limit?: string
  own?: Record<string, string>
  defaults?: Record<string, string>
}

function facts({ partitions = 3, limit = '1000000', own = {}, defaults = {} }: Shape): PhysicalTopicFacts {
  const of = (values: Record<string, string>, source: ConfigValue['source']) =>
    Object.entries(values).map(([name, value]): [string, ConfigValue] => [name, { value, source }])
  return {
    partitions,
    replicationFactor: 3,
    configs: new Map([
      ...of({ 'retention.ms': '5000', 'min.insync.replicas': '2', ...defaults }, 'default'),
      ...of({ 'max.message.bytes': limit, ...own }, 'topic'),
    ]),
  }
}

type World = Record<string, Record<string, Shape> | 'away'>

/** As it should be, but for `over`; null takes a topic away. */
function looks(over: Record<string, Record<string, Shape | null> | 'away'> = {}): Looks {
  const world: World = {
    a: { 'orders.0': { limit: '1' } },
    b: { 'orders.1': { limit: '1' } },
    c: { 'orders.2': {} },
  }
  const found = new Map<string, ClusterLook>()
  for (const cluster of new Set([...Object.keys(world), ...Object.keys(over)])) {
    const changed = over[cluster]
    if (changed === 'away') {
      found.set(cluster, { kind: 'away', reason: 'refused' })
      continue
    }
    const topics = Object.entries({ ...(world[cluster] as Record<string, Shape>), ...changed })
    const there = topics.filter((entry): entry is [string, Shape] => entry[1] !== null)
    found.set(cluster, {
      kind: 'answered',
      topics: new Map(there.map(([name, shape]) => [name, facts(shape)])),
    })
  }
  return found
}

const c2 = { cluster: 'c', topic: 'orders.2' }
const a0 = { cluster: 'a', topic: 'orders.0' }
const b1 = { cluster: 'b', topic: 'orders.1' }

/** Code and mend of each difference. */
const driftIn = (topic: ReturnType<typeof desired>, seen: Looks) =>
  driftOf(topic, seen).map(({ code, mend }) => (mend === undefined ? [code] : [code, mend]))

test('what is as it should be has no drift', () => {
  expect(driftOf(desired(), looks())).toEqual([])
  expect(driftOf(desired({ spec: { configs: { 'retention.ms': '5000' } }, sla: sla() }), looks())).toEqual([])
})

describe('configs', () => {
  const withRetention = desired({ spec: { configs: { 'retention.ms': '7000', 'segment.bytes': '1024' } } })

  test('of the active topic are those that were asked for, in one request', () => {
    const seen = looks({
      b: { 'orders.1': { limit: '1', own: { 'retention.ms': '7000' } } },
      c: { 'orders.2': { own: { 'segment.bytes': '2048' } } },
    })
    const configs = { 'retention.ms': '7000', 'segment.bytes': '1024' }
    expect(driftIn(withRetention, seen)).toEqual([
      ['CONFIG_DIFFERS', { kind: 'set-configs', physical: c2, configs }],
      ['CONFIG_DIFFERS'],
    ])
    expect(driftOf(withRetention, seen).map(({ text }) => text)).toEqual([
      'orders.2 on c has retention.ms=5000, should be 7000',
      'orders.2 on c has segment.bytes=2048, should be 1024',
    ])
  })

  test('of sealed loglets follow as far as they drain by them', () => {
    const own = { 'retention.ms': '7000', 'segment.bytes': '1024' }
    const seen = looks({ c: { 'orders.2': { own } } })
    expect(driftIn(withRetention, seen)).toEqual([
      ['CONFIG_DIFFERS', { kind: 'set-configs', physical: b1, configs: { 'retention.ms': '7000' } }],
    ])
  })

  test('that are not asked for any more are taken off, if they are still what we set', () => {
    const applied = { 'retention.ms': '7000', 'segment.bytes': '1024', 'flush.ms': '9' }
    const seen = looks({ c: { 'orders.2': { own: { 'retention.ms': '7000', 'segment.bytes': '77' } } } })
    expect(driftIn(desired({ applied }), seen)).toEqual([
      ['CONFIG_DIFFERS', { kind: 'set-configs', physical: c2, configs: { 'retention.ms': null } }],
    ])
  })

  test.each([
    ['1', {}, '2'],
    ['1', { 'min.insync.replicas': '1' }, '2'],
    ['1', { 'min.insync.replicas': '3' }, '3'],
  ])('min.insync.replicas %s with %j asked for is at least the class’s', (actual, configs, wanted) => {
    const seen = looks({ c: { 'orders.2': { own: { 'min.insync.replicas': actual } } } })
    const change = { kind: 'set-configs', physical: c2, configs: { 'min.insync.replicas': wanted } }
    expect(driftIn(desired({ spec: { configs }, sla: sla() }), seen)).toEqual([['CONFIG_DIFFERS', change]])
  })

  test.each([
    ['the broker’s default', {}, { defaults: { 'retention.ms': '604800000' } }],
    ['for ever', {}, { own: { 'retention.ms': '-1' } }],
    ['asked for before the class said so', { 'retention.ms': '20000' }, { own: { 'retention.ms': '20000' } }],
  ])('retention (%s) is at most what the class allows', (_, configs, shape: Shape) => {
    const seen = looks({
      c: { 'orders.2': shape },
      b: { 'orders.1': { limit: '1', own: { 'retention.ms': '10000' } } },
    })
    const change = { kind: 'set-configs', physical: c2, configs: { 'retention.ms': '10000' } }
    expect(driftIn(desired({ spec: { configs }, sla: sla() }), seen)).toEqual([['CONFIG_DIFFERS', change]])
  })
})

describe('max.message.bytes', () => {
  test('follows what is asked for, else the route', () => {
    const asked = desired({ spec: { configs: { 'max.message.bytes': '2000000' } } })
    const mend = { kind: 'set-limit', physical: c2 }
    expect(driftIn(asked, looks())).toEqual([['LIMIT_DIFFERS', { ...mend, maxMessageBytes: 2_000_000 }]])
    const changed = looks({ c: { 'orders.2': { limit: '55' } } })
    expect(driftIn(desired(), changed)).toEqual([['LIMIT_DIFFERS', { ...mend, maxMessageBytes: 1_000_000 }]])
  })

  test('is left alone while the topic moves, sealed or not', () => {
    for (const limit of ['1', '55'])
      expect(driftIn(desired({ migration: 'm1' }), looks({ c: { 'orders.2': { limit } } }))).toEqual([])
  })

  test('of a topic that somebody sealed is shown and not touched', () => {
    expect(driftIn(desired(), looks({ c: { 'orders.2': { limit: '1' } } }))).toEqual([['ACTIVE_SEALED']])
  })

  test('of a sealed loglet or a stub is sealed again, also while the topic moves', () => {
    const seen = looks({ a: { 'orders.0': {} }, b: { 'orders.1': {} } })
    expect(driftIn(desired({ migration: 'm1' }), seen)).toEqual([
      ['SEAL_TAKEN_OFF', { kind: 'seal', physical: b1 }],
      ['SEAL_TAKEN_OFF', { kind: 'seal', physical: a0 }],
    ])
  })

  test('that is no size is refused, and the seal cannot be asked for', () => {
    for (const limit of ['1', 'many'])
      expect(driftIn(desired({ spec: { configs: { 'max.message.bytes': limit } } }), looks())).toEqual([
        ['LIMIT_DIFFERS'],
      ])
  })
})

describe('partitions', () => {
  const more = { spec: { partitions: 5 } }

  test('are added to every physical topic of the chain and to the stub', () => {
    expect(driftIn(desired(more), looks())).toEqual([
      ['PARTITIONS_MISSING', { kind: 'grow', partitions: 5, physicals: [b1, c2, a0] }],
    ])
  })

  test('that a crash left half added are added to the rest', () => {
    const seen = looks({
      a: { 'orders.0': { limit: '1', partitions: 5 } },
      c: { 'orders.2': { partitions: 5 } },
    })
    expect(driftIn(desired(more), seen)).toEqual([
      ['PARTITIONS_MISSING', { kind: 'grow', partitions: 5, physicals: [b1, c2, a0] }],
    ])
  })

  test('wait for a migration, and for a cluster that is away', () => {
    expect(driftIn(desired({ ...more, migration: 'm1' }), looks())).toEqual([['PARTITIONS_MISSING']])
    expect(driftIn(desired(more), looks({ b: 'away' }))).toEqual([['CLUSTER_AWAY'], ['PARTITIONS_MISSING']])
    const [, waits] = driftOf(desired(more), looks({ b: 'away' }))
    expect(waits!.text).toContain('waits for b')
  })

  test('that somebody added are shown with what to do', () => {
    const seen = looks({ c: { 'orders.2': { partitions: 8 } } })
    for (const topic of [desired(), desired(more)]) {
      const [difference, ...others] = driftOf(topic, seen)
      expect([difference!.code, difference!.mend, others]).toEqual(['PARTITIONS_ADDED', undefined, []])
      expect(difference!.text).toContain('ask for 8')
    }
    expect(driftIn(desired({ spec: { partitions: 8 } }), seen)).toEqual([
      ['PARTITIONS_MISSING', expect.objectContaining({ kind: 'grow', partitions: 8 })],
    ])
  })

  test('are never taken away', () => {
    expect(driftIn(desired({ spec: { partitions: 2 } }), looks())).toEqual([['PARTITIONS_ADDED']])
  })

  test('that are fewer than the route’s are of another topic', () => {
    const seen = looks({ c: { 'orders.2': { partitions: 1 } } })
    expect(driftIn(desired(more), seen)).toEqual([['TOPIC_REPLACED']])
  })
})

describe('what is not there', () => {
  test.each([
    ['the active topic', { c: { 'orders.2': null } }],
    ['a sealed one', { b: { 'orders.1': null } }],
  ])('%s is an alarm, and nothing is made in its place', (_, over) => {
    expect(driftIn(desired(), looks(over))).toEqual([['TOPIC_MISSING']])
  })

  test('a stub is made again, and it is said what was lost', () => {
    const seen = looks({ a: { 'orders.0': null } })
    expect(driftIn(desired(), seen)).toEqual([
      ['STUB_MISSING', { kind: 'make-stub', physical: a0, partitions: 3 }],
    ])
    expect(driftOf(desired(), seen)[0]!.text).toContain('COMMITTED OFFSETS OF ALL ITS GROUPS ARE LOST')
  })

  test('a stub of fewer partitions gets the others', () => {
    expect(driftIn(desired(), looks({ a: { 'orders.0': { limit: '1', partitions: 1 } } }))).toEqual([
      ['PARTITIONS_MISSING', { kind: 'add-partitions', physical: a0, partitions: 3 }],
    ])
  })

  test('a home topic that is part of the chain is no stub', () => {
    const atHome = TopicRoute.fromJSON({ ...route.toJSON(), homeTopic: 'orders.1' })
    const topic = desired({ route: atHome, home: 'b' })
    expect(driftIn(topic, looks({ b: { 'orders.1': null } }))).toEqual([['TOPIC_MISSING']])
  })

  test('nothing is known of what is on a cluster that is away', () => {
    expect(driftIn(desired(), looks({ a: 'away', b: 'away', c: 'away' }))).toEqual([
      ['CLUSTER_AWAY'],
      ['CLUSTER_AWAY'],
      ['CLUSTER_AWAY'],
    ])
  })
})

describe('a standby topic', () => {
  const strict = sla({ availability: { failover: 'strict' } })
  const made = { cluster: 'd', topic: 'orders.9' }
  const fits: Shape = { own: { 'min.insync.replicas': '2' } }
  const wanted = (over: Parameters<typeof desired>[0] = {}) =>
    desired({ sla: strict, spec: { standby: 'd' }, ...over })

  test('is made where the class fails over, and only there', () => {
    expect(driftIn(wanted(), looks({ d: {} }))).toEqual([
      ['STANDBY_DIFFERS', { kind: 'make-standby', cluster: 'd', again: undefined }],
    ])
    expect(driftIn(desired({ sla: sla(), spec: { standby: 'd' } }), looks())).toEqual([])
  })

  test('is chosen anew where the topic has moved to its standby', () => {
    const itself = desired({ sla: strict, spec: { standby: 'c' } })
    expect(driftIn(itself, looks())).toEqual([['STANDBY_DIFFERS', { kind: 'choose-standby' }]])
    expect(driftIn({ ...itself, standbyMade: made }, looks({ d: { 'orders.9': fits } }))).toEqual([
      ['STANDBY_DIFFERS', { kind: 'drop-standby', physical: made }],
    ])
    // Without a class that fails over there is nothing to choose.
    expect(driftIn(desired({ sla: sla(), spec: { standby: 'c' } }), looks())).toEqual([])
  })

  test('has the partitions, configs and limit of the topic', () => {
    const there = (shape: Shape | null) => looks({ d: { 'orders.9': shape } })
    const topic = wanted({ standbyMade: made })
    expect(driftIn(topic, there(fits))).toEqual([])
    expect(driftIn(topic, there({ ...fits, partitions: 2 }))).toEqual([
      ['STANDBY_DIFFERS', { kind: 'add-partitions', physical: made, partitions: 3 }],
    ])
    const configs = { 'max.message.bytes': '1000000' }
    expect(driftIn(topic, there({ ...fits, limit: '5' }))).toEqual([
      ['CONFIG_DIFFERS', { kind: 'set-configs', physical: made, configs }],
    ])
    expect(driftIn(topic, there(null))).toEqual([
      ['STANDBY_DIFFERS', { kind: 'make-standby', cluster: 'd', again: made }],
    ])
  })

  test('that is not wanted any more, or elsewhere, is dropped', () => {
    const seen = looks({ d: { 'orders.9': fits } })
    const drop = [['STANDBY_DIFFERS', { kind: 'drop-standby', physical: made }]]
    expect(driftIn(desired({ standbyMade: made }), seen)).toEqual(drop)
    expect(
      driftIn(wanted({ spec: { partitions: 3, configs: {}, standby: 'e' }, standbyMade: made }), seen),
    ).toEqual(drop)
  })
})

describe('the policy of failover', () => {
  const strict = sla({ availability: { failover: 'strict' } })

  test('in the routes is that of the class', () => {
    const change = ['FAILOVER_DIFFERS', { kind: 'set-failover', failover: 'strict' }]
    expect(driftIn(desired({ sla: strict, route }), looks())).toEqual([change])
  })

  test('stays what it is while something of the topic is lost', () => {
    const lost = route.sealedLost('b', 'skip')
    const drift = driftOf(desired({ sla: strict, route: lost }), looks({ b: 'away' }))
    expect(drift.map(({ code, mend }) => [code, mend])).toEqual([
      ['CLUSTER_AWAY', undefined],
      ['FAILOVER_DIFFERS', undefined],
    ])
    expect(drift[1]!.text).toMatch(/waits until what it has on b, which was given up, has returned/)
  })
})

describe('what is lost', () => {
  const lost = route.sealedLost('b', 'wait')

  test('holds up more partitions, and says so', () => {
    const topic = desired({ route: lost, spec: { partitions: 5 } })
    const drift = driftOf(topic, looks())
    expect(drift).toEqual([
      {
        code: 'PARTITIONS_MISSING',
        text: 'it has 3 partitions, should have 5: waits until what it has on b, which was given up, has returned or is abandoned',
      },
    ])
  })

  test('is no matter of ours, whatever is there', () => {
    expect(driftOf(desired({ route: lost }), looks({ b: { 'orders.1': null } }))).toEqual([])
    expect(driftOf(desired({ route: lost }), looks({ b: { 'orders.1': { partitions: 1 } } }))).toEqual([])
  })
})

describe('mirrored commits', () => {
  const made = { cluster: 'd', topic: 'orders.m', filled: true }
  const mirrored = {
    standbyHome: 'd',
    standbyHomeMade: made,
    route: route.withHomeTopics('orders.0', 'orders.m'),
  }
  const on = (shape: Shape | null) => looks({ d: { 'orders.m': shape } })
  const text = (topic: ReturnType<typeof desired>, seen: Looks) => driftOf(topic, seen).map((one) => one.text)

  test('have a sealed topic of as many partitions on the standby home', () => {
    expect(driftOf(desired(mirrored), on({ limit: '1' }))).toEqual([])
    expect(driftIn(desired({ standbyHome: 'd' }), looks())).toEqual([
      ['STANDBY_HOME_DIFFERS', { kind: 'make-standby-home', cluster: 'd', again: undefined }],
    ])
    expect(driftIn(desired(mirrored), on(null))).toEqual([
      ['STANDBY_HOME_DIFFERS', { kind: 'make-standby-home', cluster: 'd', again: made }],
    ])
    const physical = { cluster: 'd', topic: 'orders.m', filled: true }
    expect(driftIn(desired(mirrored), on({ limit: '1', partitions: 2 }))).toEqual([
      ['STANDBY_HOME_DIFFERS', { kind: 'add-partitions', physical, partitions: 3 }],
    ])
  })

  test('are in the route, and what was committed before is there', () => {
    const empty = { ...mirrored, standbyHomeMade: { ...made, filled: false } }
    expect(text(desired(empty), on({ limit: '1' }))).toEqual([
      'what groups had committed before is not on d yet',
    ])
    expect(text(desired({ ...mirrored, route }), on({ limit: '1' }))).toHaveLength(1)
  })

  test('go when the standby home is another, or none', () => {
    const drop = ['STANDBY_HOME_DIFFERS', { kind: 'drop-standby-home' }]
    expect(driftIn(desired({ ...mirrored, standbyHome: 'c' }), on({ limit: '1' }))).toEqual([drop])
    expect(driftIn(desired({ ...mirrored, standbyHome: null }), on({ limit: '1' }))).toEqual([drop])
  })

  test('wait for a standby home that is away', () => {
    expect(driftIn(desired(mirrored), looks({ d: 'away' }))).toEqual([['CLUSTER_AWAY']])
  })
})

test('a standby waits for its cluster while that is away', () => {
  const strict = sla({ availability: { failover: 'strict' } })
  const topic = desired({ spec: { standby: 'd' }, sla: strict })
  expect(driftIn(topic, looks({ d: 'away' }))).toEqual([['STANDBY_DIFFERS']])
})
