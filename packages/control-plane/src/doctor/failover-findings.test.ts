import { type TenantRoute, TopicRoute } from '@braid/routing-model'
import { expect, test } from 'vitest'
import { type FailoverLook, failoverFindings } from './failover-findings.ts'

const routeOf = (name: string, failover: 'none' | 'strict', cluster = 'a') =>
  TopicRoute.create({
    tenant: 'shop',
    name,
    id: `id-${name}`,
    partitions: 1,
    maxMessageBytes: 1_048_588,
    homeTopic: name,
    failover,
    cluster,
    topic: `${name}.k1`,
  })

const standby = (name: string) => ({ cluster: 'b', topic: `${name}.k2` })
const kept = (route: TopicRoute) => ({ route, standby: 'b', standbyMade: standby(route.name) })

function look(
  routes: readonly TopicRoute[],
  over: Partial<FailoverLook> = {},
  tenant: Partial<TenantRoute> = {},
) {
  return failoverFindings({
    tenants: [{ name: 'shop', home: 'a', standbyHome: 'b', ...tenant }],
    routes,
    clusters: [
      { name: 'a', state: 'active' },
      { name: 'b', state: 'active' },
    ],
    topics: routes.map(kept),
    accessPoints: [{ id: 'proxy-1' }],
    leases: [{ accessPoint: 'proxy-1' }],
    ...over,
  })
}

const orders = routeOf('orders', 'strict')

test('where nothing fails over, there is nothing to say, whoever lacks a lease', () => {
  expect(look([routeOf('audit', 'none')], { leases: [] }, { standbyHome: undefined })).toEqual([])
})

test('what is as it should be is well', () => {
  expect(look([orders])).toMatchObject([{ code: 'WELL', subject: 'failover' }])
})

test('a topic that fails over and has no standby is named; one whose standby is being made is not', () => {
  const topics = [{ route: orders, standby: null, standbyMade: undefined }]
  expect(look([orders], { topics })).toMatchObject([
    {
      code: 'STANDBY_MISSING',
      severity: 'warning',
      subject: 'topic orders of tenant shop',
      detail: expect.stringContaining('when a is lost, its clients wait'),
    },
  ])
  expect(look([orders], { topics: [{ route: orders, standby: 'b', standbyMade: undefined }] })).toMatchObject(
    [{ code: 'WELL' }],
  )
})

test('a tenant whose topics fail over and whose groups would not', () => {
  expect(look([orders], {}, { standbyHome: undefined })).toMatchObject([
    {
      code: 'STANDBY_HOME_MISSING',
      subject: 'tenant shop',
      detail: expect.stringContaining('topic shop/orders fails over'),
    },
  ])
})

test('a standby home that was given up is none', () => {
  const clusters = [
    { name: 'a', state: 'active' as const },
    { name: 'b', state: 'unavailable' as const },
  ]
  expect(look([orders], { clusters }).map(({ code, detail }) => [code, detail])).toContainEqual([
    'STANDBY_HOME_MISSING',
    expect.stringContaining('its standby home b was given up'),
  ])
})

test('an access point without a lease', () => {
  const accessPoints = [{ id: 'proxy-1' }, { id: 'proxy-2' }]
  expect(look([orders], { accessPoints })).toMatchObject([
    { code: 'WRITE_LEASE_MISSING', severity: 'error', subject: 'access point proxy-2' },
  ])
})

test('a cluster that was given up, who waits for it, and what it has that cannot be read', () => {
  const gone = orders.lostAndAppended(1_000_000n, standby('orders'), 'wait')
  const clusters = [
    { name: 'a', state: 'unavailable' as const },
    { name: 'b', state: 'active' as const },
  ]
  const found = look([gone, routeOf('audit', 'none')], { clusters })
  expect(found).toMatchObject([
    {
      code: 'CLUSTER_GIVEN_UP',
      severity: 'error',
      subject: 'cluster a',
      detail: expect.stringContaining('topic shop/audit waits'),
    },
    { code: 'LOGLETS_LOST', subject: 'cluster a', detail: expect.stringContaining('topic shop/orders') },
  ])
  for (const { fix } of found) expect(fix).toContain('braid cluster return')
})

test('many topics are counted, and a few of them named', () => {
  const routes = Array.from({ length: 8 }, (_, i) =>
    routeOf(`t${i}`, 'strict').lostAndAppended(1_000_000n, standby(`t${i}`), 'wait'),
  )
  expect(look(routes)[0]!.detail).toBe(
    'what topics shop/t0, shop/t1, shop/t2, shop/t3, shop/t4 and 3 more had there cannot be read',
  )
})
