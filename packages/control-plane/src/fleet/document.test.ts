import { type FleetInput, fleet } from '@braid/control-api'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { diffFleet } from './diff.ts'
import { canonicalFleet, differences, exportFleet } from './document.ts'
import { isEmpty, planOf } from './plan.ts'
import { worldRevision } from './revision.ts'
import { randomFleet } from './testing/random-fleet.ts'
import { allReached, carriedOut, emptyWorld, worldOf } from './testing/worlds.ts'

test('an export leaves out what is a default, and keeps what differs', () => {
  const document: FleetInput = {
    version: 1,
    clusters: [{ name: 'a', bootstrap: 'a:9092,b:9092', tier: 'shared', capacity: { partitions: 10 } }],
    slas: [
      { name: 'gold', durability: { replicationFactor: 2 }, latency: { labels: { zone: 'x', area: 'y' } } },
    ],
    tenants: [{ name: 'default', home: 'a', owners: ['user:z', 'user:a'] }],
    topics: [{ name: 't', partitions: 1, expected: { readers: 2 }, configs: {} }],
  }
  expect(exportFleet(fleet.parse(document))).toEqual({
    version: 1,
    clusters: [{ name: 'a', bootstrap: ['a:9092', 'b:9092'], capacity: { partitions: 10 } }],
    slas: [
      { name: 'gold', durability: { replicationFactor: 2 }, latency: { labels: { area: 'y', zone: 'x' } } },
    ],
    tenants: [{ name: 'default', home: 'a', owners: ['user:a', 'user:z'] }],
    topics: [{ name: 't', partitions: 1, expected: { readers: 2 } }],
  })
  expect(exportFleet(fleet.parse({ version: 1 }))).toEqual({ version: 1 })
})

test('differences are named by path, also for a label called constructor', () => {
  const before = { labels: { region: 'eu' }, owners: ['a'] }
  const after = { labels: { region: 'us', constructor: 'x' }, owners: ['a', 'b'], contact: 'c' }
  expect(differences(before, after)).toEqual([
    { path: 'labels.region', before: 'eu', after: 'us' },
    { path: 'labels.constructor', before: null, after: 'x' },
    { path: 'owners', before: ['a'], after: ['a', 'b'] },
    { path: 'contact', before: null, after: 'c' },
  ])
})

test('the revision changes with what is declared, with where topics are, and with what clusters take', () => {
  const document: FleetInput = {
    version: 1,
    clusters: [
      { name: 'a', bootstrap: 'a:1' },
      { name: 'b', bootstrap: 'b:1' },
    ],
    tenants: [{ name: 'default', home: 'a' }],
    topics: [{ name: 't', partitions: 1 }],
  }
  const revisions = [
    worldOf(document),
    worldOf({ ...document, topics: [{ name: 't', partitions: 2 }] }),
    worldOf(document, { on: { 'default/t': 'b' } }),
    worldOf(document, { clusters: { b: { state: 'cordoned' } } }),
  ].map(worldRevision)
  expect(new Set(revisions).size).toBe(4)
  const measured = { measured: { bytesInPerSecond: 5, readers: 1 } }
  expect(worldRevision(worldOf(document, { topics: { 'default/t': measured } }))).toBe(revisions[0])
})

test('any fleet: an export parses to the same fleet, and export of it is the same document', () => {
  fc.assert(
    fc.property(randomFleet(), (document) => {
      const declared = fleet.parse(document)
      const exported = exportFleet(declared)
      expect(canonicalFleet(fleet.parse(exported))).toEqual(canonicalFleet(declared))
      expect(JSON.stringify(exportFleet(fleet.parse(exported)))).toBe(JSON.stringify(exported))
    }),
    { numRuns: 200 },
  )
})

test('any two fleets: a plan without obstacles, carried out, leaves what the file says, and nothing to plan', () => {
  let applied = 0
  fc.assert(
    fc.property(randomFleet(), randomFleet(), fc.boolean(), (first, second, prune) => {
      let world = emptyWorld
      for (const document of [first, second]) {
        const file = fleet.parse(document)
        const reached = allReached(file)
        const diff = diffFleet(world, file, { prune, reached })
        if (diff.obstacles.length > 0) continue
        world = carriedOut(world, diff, reached)
        applied++
        const again = planOf(diffFleet(world, file, { prune, reached }))
        expect(again.changes).toEqual([])
        expect(isEmpty(again)).toBe(true)
        if (prune) expect(exportFleet(world.declared)).toEqual(exportFleet(file))
        const exported = fleet.parse(exportFleet(world.declared))
        expect(planOf(diffFleet(world, exported, { prune: true, reached })).changes).toEqual([])
      }
    }),
    { numRuns: 200 },
  )
  // Most random fleets can be had: else this would say nothing.
  expect(applied).toBeGreaterThan(100)
})
