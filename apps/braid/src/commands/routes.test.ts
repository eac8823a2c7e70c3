import { RouteTable, TopicRoute } from '@braid/routing-model'
import { expect, it } from 'vitest'
import { changeText, routesText } from './routes.ts'

const onA = TopicRoute.create({
  tenant: 'default',
  name: 'orders',
  id: '5f0e3a86-3a4f-4d8a-9c5e-0a4d1d0f8a11',
  partitions: 2,
  maxMessageBytes: 1_048_588,
  homeTopic: 'orders.k1',
  cluster: 'a',
  topic: 'orders.k1',
})
const onB = onA.sealedAndAppended([10n, 20n], { cluster: 'b', topic: 'orders.k2' })

function tableWith(): RouteTable {
  const routes = RouteTable.empty()
  routes.apply({
    from: 0,
    to: 4,
    clusters: [
      { name: 'a', number: 1, bootstrap: ['k1:9092'] },
      { name: 'b', number: 2, bootstrap: ['k2:9092'] },
    ],
    tenants: [{ name: 'default', home: 'a' }],
    accessPoints: [{ id: 'dev', number: 1, listeners: { a: 'h:9093' }, bootstrap: 'h:9092' }],
    topics: [onA.withPrepared({ cluster: 'b', topic: 'orders.k2' }).toJSON()],
  })
  return routes
}

it('routes are told by cluster, access point and chain', () => {
  expect(routesText(tableWith())).toBe(`\
route version 4

CLUSTER   NUMBER   BOOTSTRAP
a              1   k1:9092
b              2   k2:9092

ACCESS POINT   NUMBER   BOOTSTRAP
dev                 1   h:9092

TOPIC    PARTITIONS   CHAIN
orders            2   a (prepared: b)
`)
})

it('a change is a line that says what is different', () => {
  const routes = tableWith()
  const moved = { from: 4, to: 5, topics: [onB.toJSON()] }
  routes.apply(moved)
  expect(changeText('table', routes, moved)).toBe('version 5: topic orders: a > b\n')
  const gone = {
    from: 5,
    to: 6,
    removedTopics: [{ tenant: 'default', name: 'orders' }],
    removedAccessPoints: ['dev'],
  }
  routes.apply(gone)
  expect(changeText('table', routes, gone)).toBe(
    'version 6: topic orders is gone; access point dev is gone\n',
  )
  expect(JSON.parse(changeText('json', routes, gone))).toEqual(gone)
})

it('a cluster that was given up, and what is lost with it, are told', () => {
  const routes = tableWith()
  const switched = {
    from: 4,
    to: 5,
    clusters: [{ name: 'a', number: 1, bootstrap: ['k1:9092'], fenced: true as const }],
    tenants: [{ name: 'default', home: 'b', standbyHome: 'a' }],
    topics: [onA.lostAndAppended(1_000_000n, { cluster: 'b', topic: 'orders.k2' }, 'wait').toJSON()],
  }
  routes.apply(switched)
  expect(changeText('table', routes, switched)).toBe(
    'version 5: topic orders: a (lost) > b; cluster a is fenced; home of default is b, its standby home a\n',
  )
  const text = routesText(routes)
  expect(text).toMatch(/^CLUSTER +NUMBER +FENCED +BOOTSTRAP\na +1 +yes +k1:9092\nb +2 +- +k2:9092$/m)
  expect(text).toContain('a (lost) > b')
})
