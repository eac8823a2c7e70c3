import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ClusterSet, questionBounds } from '../clusters/cluster-set.ts'
import type { Finding } from '../findings.ts'
import { FakeCluster } from '../testing/fake-cluster.ts'
import { tableOf, topicOf } from '../testing/routes.ts'
import { StrayWatch, strayFrom } from './watch-strays.ts'

describe('where strays begin', () => {
  const asked = { cut: 10n, end: 10n, known: undefined, cutMayBeLowered: false }
  test('nowhere, as long as the log ends at its cut', () => {
    expect(strayFrom(asked)).toBeUndefined()
    expect(strayFrom({ ...asked, known: 10n })).toBeUndefined()
  })
  test('at the cut, when they are seen first', () => {
    expect(strayFrom({ ...asked, end: 13n })).toBe(10n)
  })
  test('at the end that was known, when more come', () => {
    expect(strayFrom({ ...asked, end: 15n, known: 13n })).toBe(13n)
    expect(strayFrom({ ...asked, end: 13n, known: 13n })).toBeUndefined()
  })
  test('at the cut, though the log was looked at before the cut was there', () => {
    expect(strayFrom({ ...asked, end: 13n, known: 8n })).toBe(10n)
  })
  test('behind what a returned loglet had behind its cut', () => {
    const returned = { ...asked, cutMayBeLowered: true }
    expect(strayFrom({ ...returned, end: 13n })).toBeUndefined()
    expect(strayFrom({ ...returned, end: 14n, known: 13n })).toBe(13n)
  })
})

describe('a sealed loglet that grows', () => {
  let a: FakeCluster
  let b: FakeCluster
  let set: ClusterSet
  beforeEach(async () => {
    a = await FakeCluster.start()
    b = await FakeCluster.start()
    set = new ClusterSet(questionBounds)
  })
  afterEach(() => Promise.all([set.close(), a.stop(), b.stop()]))

  test('is told of with topic, range and producers; once', async () => {
    const [log] = a.createTopic('orders.1', 1)
    log!.write(10)
    b.createTopic('orders.2', 1)
    const route = topicOf('orders', { tenant: 'shop' }).sealedAndAppended([10n], {
      cluster: 'b',
      topic: 'orders.2',
    })
    const table = tableOf({ a, b }, [route], { tenants: [{ name: 'shop', home: 'a' }] })
    set.follow(table)
    const found: Finding[] = []
    const find = (finding: Finding) => found.push(finding)
    const watch = new StrayWatch({ clusters: set.get, find, timeoutMs: 1_000 })
    await watch.round(table)
    expect(found).toEqual([])
    log!.write(2, 0n, 4711n)
    await watch.round(table)
    await watch.round(table)
    expect(found).toMatchObject([
      {
        kind: 'STRAYS_SEEN',
        cluster: 'a',
        tenant: 'shop',
        topic: 'orders',
        evidence: {
          physicalTopic: 'orders.1',
          partition: 0,
          from: '10',
          to: '12',
          producers: 'producers id 4711',
        },
      },
    ])
    expect([...watch.totals]).toEqual([{ tenant: 'shop', topic: 'orders', records: 2 }])
    // Another monitor says the same of it, and it is one.
    const other = new StrayWatch({ clusters: set.get, find, timeoutMs: 1_000 })
    await other.round(table)
    expect(found[1]?.id).toBe(found[0]?.id)
    table.apply({ from: 7, to: 8, removedTopics: [{ tenant: 'shop', name: 'orders' }] })
    await watch.round(table)
    expect([...watch.totals]).toEqual([])
  })

  test('is told of with what is known when it cannot be read, and others there are not waited for', async () => {
    for (const log of a.createTopic('orders.1', 3)) log.write(12)
    b.createTopic('orders.2', 3)
    const to = { cluster: 'b', topic: 'orders.2' }
    const route = topicOf('orders', { partitions: 3 }).sealedAndAppended([10n, 10n, 10n], to)
    const table = tableOf({ a, b }, [route])
    set.follow(table)
    const found: Finding[] = []
    const find = (finding: Finding) => found.push(finding)
    const watch = new StrayWatch({ clusters: set.get, find, timeoutMs: 1_000 })
    a.refusesFetches = true
    await watch.round(table)
    expect(found.map(({ evidence }) => [evidence.partition, evidence.producers])).toEqual(
      [0, 1, 2].map((partition) => [partition, 'producers that could not be read']),
    )
    expect(a.fetches).toBe(1)
    a.refusesFetches = false
    for (const log of a.topics.get('orders.1')!) log.write(1, 0n, 4711n)
    await watch.round(table)
    expect(found.slice(3).map(({ evidence }) => evidence.producers)).toEqual(
      Array(3).fill('producers id 4711'),
    )
  })
})
