import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { DEPTH_MAX, locateLoglet } from './chain.ts'
import { edges, history, live } from './testing/random-routes.ts'
import { PARTITIONS_MAX, TopicRoute, type TopicRouteJson } from './topic-route.ts'

const refused = (code: string) => expect.objectContaining({ name: 'RoutingError', code })

const fresh = (partitions = 3) =>
  TopicRoute.create({
    tenant: 'default',
    name: 'orders',
    id: '6f1c',
    partitions,
    maxMessageBytes: 1_048_588,
    homeTopic: 'orders',
    cluster: 'kafka-a',
    topic: 'orders',
  })
const moved = () => fresh().sealedAndAppended([5n, 0n, 7n], { cluster: 'kafka-b', topic: 'orders.1' })

describe('a route', () => {
  it('holds what the plain chains hold, after any history', () => {
    fc.assert(
      fc.property(history, (story) => {
        const { route, chains } = live(story)
        for (const [partition, chain] of chains.entries()) {
          expect(route.chain(partition)).toEqual(chain)
          expect(route.depth).toBe(chain.length)
          expect(route.active).toBe(chain.length - 1)
          for (const [i, loglet] of chain.entries()) {
            expect(route.cluster(i)).toBe(loglet.cluster)
            expect(route.physicalTopic(i)).toBe(loglet.topic)
            expect(route.start(i, partition)).toBe(loglet.start)
            expect(route.base(i, partition)).toBe(loglet.base)
            expect(route.end(i, partition)).toBe(loglet.end ?? -1n)
          }
        }
      }),
    )
  })

  it('locates what a search over the chain finds', () => {
    fc.assert(
      fc.property(history, fc.bigInt(0n, 100n), (story, anywhere) => {
        const { route, chains } = live(story)
        for (const offset of [...edges(chains), anywhere]) {
          for (const [partition, chain] of chains.entries()) {
            expect(route.locate(partition, offset)).toBe(locateLoglet(chain, offset))
          }
        }
      }),
    )
  })

  it('is the same after a walk over the wire', () => {
    fc.assert(
      fc.property(history, (story) => {
        const { route } = live(story)
        const back = TopicRoute.fromJSON(JSON.parse(JSON.stringify(route)))
        expect(back).toEqual(route)
        expect(back.equals(route)).toBe(true)
      }),
    )
  })

  it('is never changed by an edit', () => {
    const route = moved()
    const before = JSON.stringify(route)
    route.sealedAndAppended([1n, 1n, 1n], { cluster: 'kafka-a', topic: 'orders.2' })
    route.retiredFirst()
    route.withPrepared({ cluster: 'kafka-a', topic: 'orders.2' })
    expect(JSON.stringify(route)).toBe(before)
  })

  it('forgets where it would go next once it went somewhere', () => {
    const next = { cluster: 'kafka-b', topic: 'orders.1' }
    const ready = fresh().withPrepared(next)
    expect(ready.prepared).toEqual(next)
    expect(ready.withPrepared(undefined).prepared).toBeUndefined()
    expect(ready.sealedAndAppended([1n, 1n, 1n], next).prepared).toBeUndefined()
  })

  it('writes equal offsets once', () => {
    const even = fresh().sealedAndAppended([9n, 9n, 9n], { cluster: 'kafka-b', topic: 'orders.1' })
    expect(even.toJSON().loglets).toEqual([
      { cluster: 'kafka-a', topic: 'orders', start: '0', base: '0', end: '9' },
      { cluster: 'kafka-b', topic: 'orders.1', start: '0', base: '9' },
    ])
    expect(moved().toJSON().loglets[0]?.end).toEqual(['5', '0', '7'])
  })

  it('tells routes apart by any field', () => {
    const json = moved().toJSON()
    const others: TopicRouteJson[] = [
      { ...json, tenant: 'acme' },
      { ...json, name: 'payments' },
      { ...json, id: 'other' },
      { ...json, maxMessageBytes: 1 },
      { ...json, homeTopic: 'other' },
      { ...json, prepared: { cluster: 'kafka-c', topic: 'orders.2' } },
      { ...json, loglets: [json.loglets[0]!, { ...json.loglets[1]!, base: ['5', '0', '8'] }] },
      { ...json, loglets: [json.loglets[0]!, { ...json.loglets[1]!, cluster: 'kafka-c' }] },
      moved().retiredFirst().toJSON(),
      fresh(4).toJSON(),
    ]
    expect(others.map((other) => TopicRoute.fromJSON(other).equals(moved()))).toEqual(others.map(() => false))
  })
})

describe('a bad edit', () => {
  const next = { cluster: 'kafka-a', topic: 'orders.2' }

  it.each<[string, () => unknown, string]>([
    ['a cut is missing', () => moved().sealedAndAppended([1n, 1n], next), 'BAD_CUT'],
    ['a cut lies before the start', () => moved().sealedAndAppended([1n, -1n, 1n], next), 'BAD_CUT'],
    ['a gap goes back', () => moved().sealedAndAppended([1n, 1n, 1n], next, -1n), 'BAD_CUT'],
    ['a cut is beyond 64 bits', () => fresh().sealedAndAppended([0n, 0n, 2n ** 63n], next), 'BAD_OFFSET'],
    [
      'a physical topic comes back',
      () => moved().sealedAndAppended([1n, 1n, 1n], { cluster: 'kafka-a', topic: 'orders' }),
      'TOPIC_REUSED',
    ],
    [
      'a used topic is prepared',
      () => moved().withPrepared({ cluster: 'kafka-a', topic: 'orders' }),
      'TOPIC_REUSED',
    ],
    ['the active loglet retires', () => fresh().retiredFirst(), 'BAD_CHAIN'],
    ['no partition is left', () => fresh(0), 'BAD_ROUTE'],
    ['there are too many partitions', () => fresh(PARTITIONS_MAX + 1), 'BAD_ROUTE'],
    ['a partition is asked that is not there', () => fresh().base(0, 3), 'OUT_OF_RANGE'],
    ['a partition below zero is located', () => fresh().locate(-1, 0n), 'OUT_OF_RANGE'],
    ['a loglet is asked that is not there', () => fresh().cluster(1), 'OUT_OF_RANGE'],
  ])('is refused: %s', (_, edit, code) => {
    expect(edit).toThrow(refused(code))
  })

  it('is refused: a chain without end', () => {
    let route = fresh(1)
    for (let i = 1; i < DEPTH_MAX; i++) {
      route = route.sealedAndAppended([1n], { cluster: 'kafka-b', topic: `orders.${i}` })
    }
    expect(() => route.sealedAndAppended([1n], { cluster: 'kafka-b', topic: 'orders.x' })).toThrow(
      refused('BAD_CHAIN'),
    )
    expect(route.retiredFirst().sealedAndAppended([1n], { cluster: 'b', topic: 'x' }).depth).toBe(DEPTH_MAX)
  })
})

describe('bad JSON', () => {
  const good = moved().toJSON()
  const [first, second] = good.loglets as [(typeof good.loglets)[number], (typeof good.loglets)[number]]
  const withLoglets = (...loglets: unknown[]) => ({ ...good, loglets })

  it.each<[string, unknown, string]>([
    ['no tenant', { ...good, tenant: '' }, 'BAD_ROUTE'],
    ['half a partition', { ...good, partitions: 2.5 }, 'BAD_ROUTE'],
    ['a message limit of nothing', { ...good, maxMessageBytes: 0 }, 'BAD_ROUTE'],
    ['no loglets', withLoglets(), 'BAD_CHAIN'],
    ['loglets that are no list', { ...good, loglets: 'x' }, 'BAD_CHAIN'],
    ['no cut before another loglet', withLoglets({ ...first, end: undefined }, second), 'BAD_CHAIN'],
    ['a cut on the last', withLoglets(first), 'BAD_CHAIN'],
    ['an overlap', withLoglets(first, { ...second, base: ['5', '0', '6'] }), 'BAD_CHAIN'],
    ['an end before the start', withLoglets({ ...first, start: '6' }, second), 'BAD_CHAIN'],
    ['a column too short', withLoglets({ ...first, end: ['5', '0'] }, second), 'BAD_ROUTE'],
    ['an offset that is a number', withLoglets(first, { ...second, base: 9 }), 'BAD_ROUTE'],
    ['an offset in words', withLoglets(first, { ...second, base: '0x10' }), 'BAD_OFFSET'],
    ['an offset below zero', withLoglets(first, { ...second, base: '-1' }), 'BAD_OFFSET'],
    [
      'an offset beyond 64 bits',
      withLoglets(first, { ...second, base: '9223372036854775808' }),
      'BAD_OFFSET',
    ],
    [
      'a topic used twice',
      withLoglets(first, { ...second, cluster: 'kafka-a', topic: 'orders' }),
      'TOPIC_REUSED',
    ],
    ['no physical topic', withLoglets(first, { ...second, topic: undefined }), 'BAD_ROUTE'],
    [
      'a used topic prepared',
      { ...good, prepared: { cluster: 'kafka-b', topic: 'orders.1' } },
      'TOPIC_REUSED',
    ],
  ])('is refused: %s', (_, json, code) => {
    expect(() => TopicRoute.fromJSON(json as TopicRouteJson)).toThrow(refused(code))
  })
})

describe('more partitions', () => {
  it('leave what is there as it is, and begin at 0 in the active loglet, after any history', () => {
    fc.assert(
      fc.property(history, fc.integer({ min: 0, max: 5 }), (story, more) => {
        const { route } = live(story)
        const partitions = route.partitions + more
        if (route.isPartlyAway && more > 0) {
          expect(() => route.withPartitions(partitions)).toThrow(refused('BAD_ROUTE'))
          return
        }
        const grown = route.withPartitions(partitions)
        expect(grown.partitions).toBe(partitions)
        for (let partition = 0; partition < route.partitions; partition++)
          expect(grown.chain(partition)).toEqual(route.chain(partition))
        for (let partition = route.partitions; partition < partitions; partition++) {
          for (const [i, loglet] of grown.chain(partition).entries()) {
            const end = i === grown.active ? {} : { end: 0n }
            expect(loglet).toMatchObject({ start: 0n, base: 0n, ...end })
          }
          expect(grown.locate(partition, 0n)).toBe(grown.active)
        }
        const back = TopicRoute.fromJSON(JSON.parse(JSON.stringify(grown)))
        expect(back.equals(grown)).toBe(true)
      }),
    )
  })

  it('go on moving', () => {
    const grown = moved().withPartitions(4)
    const again = grown.sealedAndAppended([1n, 2n, 3n, 4n], { cluster: 'kafka-a', topic: 'orders.2' })
    expect(again.loglet(2, 3)).toMatchObject({ start: 0n, base: 4n })
    expect(again.locate(3, 3n)).toBe(1)
    expect(again.locate(3, 4n)).toBe(2)
  })

  it('are never fewer', () => {
    expect(() => moved().withPartitions(2)).toThrow(refused('BAD_ROUTE'))
    expect(() => moved().withPartitions(PARTITIONS_MAX + 1)).toThrow(refused('BAD_ROUTE'))
  })

  it('and another limit changes nothing else', () => {
    const changed = moved().withMaxMessageBytes(2_000_000)
    expect(changed.toJSON()).toEqual({ ...moved().toJSON(), maxMessageBytes: 2_000_000 })
    expect(() => moved().withMaxMessageBytes(0)).toThrow(refused('BAD_ROUTE'))
  })
})
