import { describe, expect, it } from 'vitest'
import { diffRoutes } from './delta.ts'
import { RouteTable } from './route-table.ts'
import { TopicRoute, type TopicRouteJson } from './topic-route.ts'

const refused = (code: string) => expect.objectContaining({ name: 'RoutingError', code })

const fresh = () =>
  TopicRoute.create({
    tenant: 'default',
    name: 'orders',
    id: '6f1c',
    partitions: 2,
    maxMessageBytes: 1_048_588,
    homeTopic: 'orders',
    failover: 'strict',
    cluster: 'a',
    topic: 'orders',
  })
const lost = () => fresh().lostAndAppended(1_000_000n, { cluster: 'b', topic: 'orders.1' }, 'wait')

describe('a loglet whose cluster was given up', () => {
  it('has no end that is known, and may hold anything up to the next one', () => {
    const route = lost()
    expect(route.end(0, 0)).toBe(-1n)
    expect(route.away(0)).toEqual({ state: 'lost', readers: 'wait' })
    expect(route.away(1)).toBeUndefined()
    expect(route.locate(0, 999_999n)).toBe(0)
    expect(route.locate(0, 1_000_000n)).toBe(1)
    expect(route.isPartlyAway).toBe(true)
  })

  it('never gives way to one that begins before it', () => {
    const next = { cluster: 'c', topic: 'orders.2' }
    expect(() => lost().lostAndAppended(999_999n, next, 'wait')).toThrow(refused('BAD_CUT'))
  })

  it('returns with the ends that its cluster says, and not beyond the next one', () => {
    expect(() => lost().returning(0, [5n, 1_000_001n])).toThrow(refused('BAD_CUT'))
    expect(() => lost().returning(0, [5n])).toThrow(refused('BAD_CUT'))
    expect(() => lost().returning(1, [5n, 5n])).toThrow(refused('BAD_CHAIN'))
    const returning = lost().returning(0, [5n, 9n])
    expect(returning.chain(1)[0]).toMatchObject({ end: 9n, away: { state: 'returning', readers: 'wait' } })
    expect(returning.locate(1, 8n)).toBe(0)
    expect(returning.locate(1, 9n)).toBe(1)
    expect(() => lost().returned(0, [5n, 9n], undefined)).toThrow(refused('BAD_CHAIN'))
  })

  it('is as any other once it has returned, without what stands twice', () => {
    const holes = new Map([[1, BigInt64Array.of(3n, 5n, 7n, 9n)]])
    const route = lost().returning(0, [5n, 9n]).returned(0, [5n, 9n], holes)
    expect(route.isPartlyAway).toBe(false)
    expect(route.hasHoles(0)).toBe(true)
    expect(route.pastHole(0, 1, 4n)).toBe(5n)
    expect(route.pastHole(0, 0, 4n)).toBe(4n)
    expect(route.holesWithin(0, 1, 4n, 8n)).toBe(2n)
    expect(TopicRoute.fromJSON(JSON.parse(JSON.stringify(route))).equals(route)).toBe(true)
  })

  it('may end earlier than it returned with, where what lies behind is copied on', () => {
    const route = lost().returning(0, [5n, 9n]).returned(0, [2n, 0n], undefined)
    expect(route.chain(0)[0]!.end).toBe(2n)
    expect(route.locate(1, 0n)).toBe(1)
  })

  it('keeps its cut when it was sealed before', () => {
    const moved = fresh().sealedAndAppended([5n, 7n], { cluster: 'b', topic: 'orders.1' })
    const route = moved.sealedLost('a', 'skip')
    expect(route.chain(1)[0]).toMatchObject({ end: 7n, away: { state: 'lost', readers: 'skip' } })
    expect(route.returning(0, []).end(0, 1)).toBe(7n)
    expect(moved.sealedLost('b', 'skip').equals(moved)).toBe(true)
  })

  it('can be abandoned, and no other', () => {
    const route = lost().abandoned(0)
    expect(route.depth).toBe(1)
    expect(route.base(0, 0)).toBe(1_000_000n)
    expect(() => route.abandoned(0)).toThrow(refused('BAD_CHAIN'))
  })

  it('is told to who follows the routes', () => {
    const before = RouteTable.fromJSON({
      version: 1,
      clusters: [
        { name: 'a', number: 1, bootstrap: ['a:1'] },
        { name: 'b', number: 2, bootstrap: ['b:1'] },
      ],
      tenants: [{ name: 'default', home: 'a', standbyHome: 'b' }],
      accessPoints: [],
      topics: [fresh().toJSON()],
    })
    const after = RouteTable.fromJSON({
      ...before.toJSON(),
      version: 2,
      clusters: [
        { name: 'a', number: 1, bootstrap: ['a:1'], fenced: true },
        { name: 'b', number: 2, bootstrap: ['b:1'] },
      ],
      tenants: [{ name: 'default', home: 'b' }],
      topics: [lost().withHomeTopics('orders.home', undefined).toJSON()],
    })
    const delta = diffRoutes(before, after)
    expect(delta).toMatchObject({ clusters: [{ name: 'a', fenced: true }], tenants: [{ home: 'b' }] })
    before.apply(JSON.parse(JSON.stringify(delta)))
    expect(before.toJSON()).toEqual(after.toJSON())
  })

  it.each<[string, (json: TopicRouteJson) => unknown]>([
    [
      'no end and not lost',
      (json) => ({ ...json, loglets: [omit(json.loglets[0]!, 'away'), json.loglets[1]] }),
    ],
    [
      'no end and returning',
      (json) => ({
        ...json,
        loglets: [{ ...json.loglets[0], away: { state: 'returning', readers: 'wait' } }, json.loglets[1]],
      }),
    ],
    [
      'the active one away',
      (json) => ({
        ...json,
        loglets: [json.loglets[0], { ...json.loglets[1], away: { state: 'lost', readers: 'wait' } }],
      }),
    ],
    [
      'away in words that nobody knows',
      (json) => ({
        ...json,
        loglets: [{ ...json.loglets[0], away: { state: 'gone', readers: 'wait' } }, json.loglets[1]],
      }),
    ],
    ['a policy that nobody knows', (json) => ({ ...json, failover: 'maybe' })],
  ])('is refused from a wire: %s', (_, spoil) => {
    expect(() => TopicRoute.fromJSON(spoil(lost().toJSON()) as TopicRouteJson)).toThrow(
      expect.objectContaining({ name: 'RoutingError' }),
    )
  })
})

function omit<T extends object, K extends keyof T>(value: T, key: K): Omit<T, K> {
  const { [key]: _, ...rest } = value
  return rest
}
