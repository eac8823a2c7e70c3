import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ACCESS_POINT_NUMBER_MAX, nodeId } from './access-point.ts'
import { CLUSTER_NUMBER_MAX } from './cluster.ts'
import { diffRoutes, type RouteDelta } from './delta.ts'
import { type RouteSnapshot, RouteTable } from './route-table.ts'
import { tableAt } from './testing/random-routes.ts'
import { TopicRoute } from './topic-route.ts'

const refused = (code: string) => expect.objectContaining({ name: 'RoutingError', code })

const orders = TopicRoute.create({
  tenant: 'default',
  name: 'orders',
  id: '6f1c',
  partitions: 2,
  maxMessageBytes: 1_048_588,
  homeTopic: 'orders',
  cluster: 'kafka-a',
  topic: 'orders',
})
const a = { name: 'kafka-a', number: 1, bootstrap: ['a:9092'] }
const b = { name: 'kafka-b', number: 2, bootstrap: ['b:9092'] }
const proxy = { id: 'proxy-1', number: 0, listeners: { 'kafka-a': 'p:9093' }, bootstrap: 'p:9092' }
const snapshot: RouteSnapshot = {
  version: 7,
  clusters: [a, b],
  tenants: [{ name: 'default', home: 'kafka-a' }],
  accessPoints: [proxy],
  topics: [orders.toJSON()],
}
const table = () => RouteTable.fromJSON(snapshot)
const names = (routes: RouteTable) => Array.from(routes.topics('default'), ({ name }) => name)

/** What a table says: the order of its maps is no part of it. */
function contents(routes: RouteTable) {
  const { version, clusters, tenants, accessPoints } = routes.copy()
  const topics = routes.toJSON().topics.map((topic) => [`${topic.tenant} ${topic.name}`, topic] as const)
  return { version, clusters, tenants, accessPoints, topics: new Map(topics) }
}

describe('a route table', () => {
  it('answers by tenant and name', () => {
    expect(table().topic('default', 'orders')?.id).toBe('6f1c')
    expect(table().topic('default', 'payments')).toBeUndefined()
    expect(table().topic('acme', 'orders')).toBeUndefined()
    expect([...table().topics('acme')]).toEqual([])
    expect(table().topicCount).toBe(1)
  })

  it('is the same after a walk over the wire', () => {
    fc.assert(
      fc.property(tableAt(3), (routes) => {
        const back = RouteTable.fromJSON(JSON.parse(JSON.stringify(routes)))
        expect(back).toEqual(routes)
        expect(back.topicCount).toBe(routes.toJSON().topics.length)
      }),
    )
  })

  it('becomes, by a delta, the table that the delta was made from', () => {
    fc.assert(
      fc.property(tableAt(3), tableAt(8), (from, to) => {
        const routes = from.copy()
        routes.apply(JSON.parse(JSON.stringify(diffRoutes(from, to))))
        expect(contents(routes)).toEqual(contents(to))
        expect(diffRoutes(routes, nextVersion(to))).toEqual({ from: 8, to: 9 })
      }),
    )
  })

  it('keeps the routes that a delta does not name', () => {
    const routes = table()
    const kept = routes.topic('default', 'orders')
    routes.apply({ from: 7, to: 9, clusters: [{ name: 'kafka-c', number: 3, bootstrap: ['c:9092'] }] })
    expect(routes.version).toBe(9)
    expect(routes.clusters.has('kafka-c')).toBe(true)
    expect(routes.topic('default', 'orders')).toBe(kept)
  })

  it('leaves alone who holds a route or a copy of the table', () => {
    const routes = table()
    const old = routes.topic('default', 'orders')!
    const copy = routes.copy()
    const next = orders.sealedAndAppended([4n, 4n], { cluster: 'kafka-b', topic: 'orders.1' })
    routes.apply({ from: 7, to: 8, topics: [next.toJSON()] })
    expect(routes.topic('default', 'orders')?.depth).toBe(2)
    expect(old.depth).toBe(1)
    expect([copy.version, copy.topic('default', 'orders')?.depth]).toEqual([7, 1])
  })

  it('removes', () => {
    const routes = table()
    routes.apply({
      from: 7,
      to: 8,
      removedTopics: [{ tenant: 'default', name: 'orders' }],
      removedClusters: ['kafka-b'],
      removedAccessPoints: ['proxy-1'],
    })
    expect([names(routes), [...routes.clusters.keys()], routes.accessPoints.size]).toEqual([
      [],
      ['kafka-a'],
      0,
    ])
  })
})

describe('a tenant', () => {
  it('goes with its topics, and leaves nothing', () => {
    const routes = table()
    const topic = { ...orders.toJSON(), tenant: 'acme' }
    routes.apply({ from: 7, to: 8, tenants: [{ name: 'acme', home: 'kafka-b' }], topics: [topic] })
    expect(routes.topicCount).toBe(2)
    routes.apply({
      from: 8,
      to: 9,
      removedTenants: ['acme'],
      removedTopics: [{ tenant: 'acme', name: 'orders' }],
    })
    expect(routes).toEqual(RouteTable.fromJSON({ ...snapshot, version: 9 }))
  })
})

describe('a delta is as small as the change', () => {
  it('names only the topic that moved', () => {
    const next = table().copy()
    const moved = orders.sealedAndAppended([4n, 4n], { cluster: 'kafka-b', topic: 'orders.1' }).toJSON()
    next.apply({ from: 7, to: 8, topics: [moved] })
    expect(diffRoutes(table(), next)).toEqual({ from: 7, to: 8, topics: [moved] })
  })

  it('never leads back', () => {
    expect(() => diffRoutes(table(), table())).toThrow(refused('WRONG_VERSION'))
    expect(() => diffRoutes(table(), RouteTable.empty())).toThrow(refused('WRONG_VERSION'))
  })
})

describe('a bad delta', () => {
  const good = { clusters: [{ name: 'kafka-c', number: 3, bootstrap: ['c:9092'] }] }
  const onNowhere = { ...orders.toJSON(), loglets: [{ ...orders.toJSON().loglets[0]!, cluster: 'nowhere' }] }

  it.each<[string, Partial<RouteDelta>, string]>([
    ['from another version', { from: 6 }, 'WRONG_VERSION'],
    ['that leads nowhere', { to: 7 }, 'WRONG_VERSION'],
    ['that leads to no version', { to: Number.NaN }, 'WRONG_VERSION'],
    ['with a topic on no cluster', { topics: [onNowhere] }, 'UNKNOWN_CLUSTER'],
    [
      'with a topic that goes to no cluster',
      { topics: [orders.withPrepared({ cluster: 'nowhere', topic: 'x' }).toJSON()] },
      'UNKNOWN_CLUSTER',
    ],
    ['with a topic of no tenant', { topics: [{ ...orders.toJSON(), tenant: 'acme' }] }, 'UNKNOWN_TENANT'],
    ['with a topic twice', { topics: [orders.toJSON(), orders.toJSON()] }, 'DUPLICATE'],
    ['with a broken topic', { topics: [{ ...orders.toJSON(), loglets: [] }] }, 'BAD_CHAIN'],
    ['that takes the home away', { removedClusters: ['kafka-a'] }, 'UNKNOWN_CLUSTER'],
    [
      'that takes a cluster from under a topic',
      { removedClusters: ['kafka-a'], tenants: [{ name: 'default', home: 'kafka-b' }] },
      'UNKNOWN_CLUSTER',
    ],
    ['that takes a tenant from its topics', { removedTenants: ['default'] }, 'UNKNOWN_TENANT'],
    ['with a tenant at home nowhere', { tenants: [{ name: 'acme', home: 'nowhere' }] }, 'UNKNOWN_CLUSTER'],
    ['that removes no cluster', { removedClusters: ['nowhere'] }, 'UNKNOWN_CLUSTER'],
    ['that removes no tenant', { removedTenants: ['acme'] }, 'UNKNOWN_TENANT'],
    ['that removes no access point', { removedAccessPoints: ['proxy-2'] }, 'UNKNOWN_ACCESS_POINT'],
    ['that removes no topic', { removedTopics: [{ tenant: 'default', name: 'x' }] }, 'UNKNOWN_TOPIC'],
    ['that adds and removes a cluster', { clusters: [b], removedClusters: ['kafka-b'] }, 'DUPLICATE'],
    [
      'that adds and removes a topic',
      { topics: [orders.toJSON()], removedTopics: [{ tenant: 'default', name: 'orders' }] },
      'DUPLICATE',
    ],
    ['with a number in use', { clusters: [{ ...b, name: 'kafka-c' }] }, 'BAD_NUMBER'],
    ['with cluster number 0', { clusters: [{ ...b, number: 0 }] }, 'BAD_NUMBER'],
    ['with an access point beyond int32', { accessPoints: [{ ...proxy, number: 300_000 }] }, 'BAD_NUMBER'],
    ['with a cluster without address', { clusters: [{ ...b, bootstrap: [] }] }, 'BAD_DELTA'],
    ['with a cluster without name', { clusters: [{ ...b, name: '' }] }, 'BAD_DELTA'],
  ])('%s is refused with nothing half applied', (_, bad, code) => {
    const routes = table()
    expect(() => routes.apply({ from: 7, to: 8, ...good, ...bad })).toThrow(refused(code))
    expect(routes).toEqual(table())
    routes.apply({ from: 7, to: 8, ...good })
    expect(routes.clusters.size).toBe(3)
  })

  it('of random parts changes all or nothing', () => {
    fc.assert(
      fc.property(tableAt(3), tableAt(8), fc.boolean(), fc.boolean(), (from, to, clusters, tenants) => {
        const routes = from.copy()
        const delta: RouteDelta = diffRoutes(from, to)
        const part: RouteDelta = {
          ...delta,
          clusters: clusters ? delta.clusters : [],
          tenants: tenants ? delta.tenants : [],
        }
        const before = contents(routes)
        try {
          routes.apply(part)
          expect(routes.version).toBe(8)
        } catch (error) {
          expect(error).toMatchObject({ name: 'RoutingError' })
          expect(contents(routes)).toEqual(before)
        }
      }),
    )
  })
})

describe('node ids', () => {
  it('are int32, and never shared by two listeners', () => {
    expect(nodeId(3, 12)).toBe(30_012)
    expect(nodeId(ACCESS_POINT_NUMBER_MAX, CLUSTER_NUMBER_MAX)).toBeLessThanOrEqual(2 ** 31 - 1)
    expect(nodeId(1, CLUSTER_NUMBER_MAX)).toBeLessThan(nodeId(2, 1))
  })
})

function nextVersion(routes: RouteTable): RouteTable {
  return RouteTable.fromJSON({ ...routes.toJSON(), version: routes.version + 1 })
}
