import { type Fleet, type FleetInput, fleet } from '@braid/control-api'
import { describe, expect, test } from 'vitest'
import { diffFleet } from './diff.ts'
import { exportFleet } from './document.ts'
import { planOf } from './plan.ts'
import { renderPlan } from './testing/render-plan.ts'
import { allReached, emptyWorld, type Where, worldOf } from './testing/worlds.ts'
import type { Reached, World } from './world.ts'

const eu = { region: 'eu' }
const us = { region: 'us' }

/** Two regions, two classes, two tenants. */
const shop = {
  version: 1,
  clusters: [
    { name: 'eu-1', bootstrap: 'eu-1:9092', labels: { ...eu, 'failure-domain': 'eu-a' } },
    { name: 'eu-2', bootstrap: 'eu-2:9092', labels: { ...eu, 'failure-domain': 'eu-b' } },
    { name: 'us-1', bootstrap: 'us-1:9092', labels: us },
  ],
  slas: [
    { name: 'european', latency: { labels: eu } },
    { name: 'gold', availability: { failover: 'strict' }, retentionMaxMs: 86_400_000 },
  ],
  tenants: [
    { name: 'default', home: 'eu-1' },
    { name: 'shop', home: 'us-1', quotas: { topicsMax: 2 } },
  ],
  topics: [
    { name: 'audit', partitions: 4, configs: { 'retention.ms': '604800000' } },
    { name: 'clicks', tenant: 'shop', partitions: 6, expected: { bytesInPerSecond: 5_000_000, readers: 2 } },
    { name: 'orders', tenant: 'shop', partitions: 12, expected: { bytesInPerSecond: 1_000_000 } },
  ],
} as const satisfies FleetInput

const changed = (change: Partial<FleetInput>): FleetInput => ({ ...shop, ...change })

function planned(
  world: World,
  document: FleetInput,
  { prune = false, reached }: { prune?: boolean; reached?: ReadonlyMap<string, Reached> } = {},
) {
  const file: Fleet = fleet.parse(document)
  return planOf(diffFleet(world, file, { prune, reached: reached ?? allReached(file) }))
}

const cases: Record<
  string,
  {
    document: FleetInput
    where?: Where
    world?: World
    prune?: boolean
    reached?: ReadonlyMap<string, Reached>
  }
> = {
  'a first fleet': { document: shop, world: emptyWorld },
  'the same fleet': { document: shop },
  'a smallest file': {
    world: emptyWorld,
    document: {
      version: 1,
      clusters: [{ name: 'a', bootstrap: 'a:9092' }],
      topics: [{ name: 'first', partitions: 1 }],
    },
  },
  'new topics and a new cluster': {
    document: changed({
      clusters: [
        ...shop.clusters,
        { name: 'eu-3', bootstrap: 'eu-3:9092', labels: eu, capacity: { partitions: 100 } },
      ],
      topics: [
        ...shop.topics,
        {
          name: 'invoices',
          tenant: 'shop',
          partitions: 24,
          sla: 'european',
          expected: { bytesInPerSecond: 20_000_000, readers: 4 },
        },
        { name: 'payments', partitions: 12, sla: 'gold', configs: { 'retention.ms': '3600000' } },
        { name: 'pinned', partitions: 3, cluster: 'us-1' },
      ],
    }),
  },
  'topics that may not stay': {
    document: changed({
      topics: [
        { ...shop.topics[0], cluster: 'us-1' },
        { ...shop.topics[1], sla: 'european' },
        { ...shop.topics[2], sla: 'european' },
      ],
    }),
    where: { topics: { 'shop/orders': { movable: { ok: false, reason: 'it is compacted' } } } },
  },
  'a class that changes under its topics': {
    world: worldOf(
      { ...shop, topics: [{ ...shop.topics[1], sla: 'european' }] },
      { on: { 'shop/clicks': 'eu-2' } },
    ),
    document: changed({
      slas: [
        { ...shop.slas[0], latency: { labels: us }, durability: { replicationFactor: 2 } },
        shop.slas[1],
      ],
      topics: [{ ...shop.topics[1], sla: 'european' }],
    }),
  },
  risks: {
    document: changed({
      clusters: [{ ...shop.clusters[2], capacity: { bytesInPerSecond: 2_000_000 } }],
      tenants: [{ ...shop.tenants[1], quotas: { topicsMax: 1 } }],
      topics: [
        { ...shop.topics[0], configs: { 'retention.ms': '3600000' }, partitions: 8 },
        { ...shop.topics[2], configs: { 'cleanup.policy': 'compact' } },
        { name: 'more', tenant: 'shop', partitions: 1 },
      ],
    }),
  },
  pruned: {
    document: {
      version: 1,
      clusters: shop.clusters.slice(0, 1),
      tenants: shop.tenants.slice(0, 1),
      topics: shop.topics.slice(0, 1),
    },
    where: { on: { 'shop/orders': 'eu-2' } },
    prune: true,
  },
  'pruned what is still needed': {
    document: {
      version: 1,
      clusters: shop.clusters.slice(0, 2),
      tenants: shop.tenants,
      topics: [{ ...shop.topics[0], sla: 'gold' }, ...shop.topics.slice(1)],
    },
    prune: true,
  },
  impossible: {
    document: changed({
      clusters: [
        { ...shop.clusters[0], bootstrap: 'elsewhere:9092' },
        { name: 'eu-4', bootstrap: 'eu-4:9092' },
        { name: 'again', bootstrap: 'us-1:9092' },
      ],
      slas: [{ name: 'twice', durability: { dual: true } }],
      tenants: [
        { ...shop.tenants[1], home: 'eu-1' },
        { name: 'nowhere', home: 'eu1' },
      ],
      topics: [
        { ...shop.topics[0], partitions: 2, replicationFactor: 1, sla: 'gold' },
        { name: 'typo', tenant: 'shopp', partitions: 1, sla: 'europaen', cluster: 'us-11' },
        { name: 'wide', partitions: 1, sla: 'european', replicationFactor: 5 },
      ],
    }),
    reached: new Map<string, Reached>([
      ['eu-1', { kind: 'reached', clusterId: 'another', brokers: 3, partitions: 0 }],
      ['again', { kind: 'reached', clusterId: 'id-of-us-1', brokers: 3, partitions: 0 }],
      ['eu-4', { kind: 'not-reached', reason: 'connection refused' }],
    ]),
  },
}

describe('a plan says', () => {
  test.for(Object.entries(cases))('%s', async ([name, { document, where, world, ...options }]) => {
    const plan = planned(world ?? worldOf(shop, where), document, options)
    await expect(renderPlan(plan)).toMatchFileSnapshot(`expected/${name.replaceAll(' ', '-')}.txt`)
  })
})

test('a plan is the same in whatever order a file is written', () => {
  const backwards = {
    version: 1,
    clusters: shop.clusters.toReversed(),
    slas: shop.slas.toReversed(),
    tenants: shop.tenants.toReversed(),
    topics: [{ name: 'zebra', partitions: 1 }, ...shop.topics.toReversed()],
  } satisfies FleetInput
  const forwards = changed({ topics: [...shop.topics, { name: 'zebra', partitions: 1 }] })
  expect(planned(worldOf(shop), backwards)).toEqual(planned(worldOf(shop), forwards))
})

test('the plan of an export is empty, also where topics break a rule already', () => {
  const world = worldOf(shop, { on: { 'default/audit': 'us-1' } })
  const violated = worldOf(
    { ...shop, topics: [{ ...shop.topics[0], sla: 'european' }] },
    { on: { 'default/audit': 'us-1' } },
  )
  for (const each of [world, violated, emptyWorld]) {
    const { basedOn, ...plan } = planned(each, exportFleet(each.declared), { prune: true })
    expect(basedOn).toMatch(/^[0-9a-f]{16}$/)
    expect(plan).toEqual({ changes: [], moves: [], obstacles: [], unnamed: [] })
  }
})
