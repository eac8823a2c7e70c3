import { afterEach, beforeEach, expect, test } from 'vitest'
import { ClusterSet, questionBounds } from '../clusters/cluster-set.ts'
import type { Finding } from '../findings.ts'
import { FakeCluster } from '../testing/fake-cluster.ts'
import { tableOf, topicOf } from '../testing/routes.ts'
import { LagWatch } from './lag-watch.ts'

let a: FakeCluster
let set: ClusterSet
let nowMs: number
let found: Finding[]
let isDown: boolean
beforeEach(async () => {
  a = await FakeCluster.start()
  set = new ClusterSet({ ...questionBounds, metadataTimeoutMs: 200, connectTimeoutMs: 200 })
  nowMs = 0
  found = []
  isDown = false
})
afterEach(() => Promise.all([set.close(), a.stop()]))

function watched() {
  const [log] = a.createTopic('orders.1', 1)
  const table = tableOf({ a }, [topicOf('orders'), topicOf('clicks')])
  set.follow(table)
  const find = (finding: Finding) => found.push(finding)
  const clusters = (name: string) => (isDown ? undefined : set.get(name))
  const watch = new LagWatch({ clusters, find, now: () => nowMs, timeoutMs: 1_000 })
  const rounds = async (count: number) => {
    for (let i = 0; i < count; i++) {
      await watch.round(table)
      nowMs += 5_000
    }
  }
  const remove = () => {
    const removedTopics = [{ tenant: 'default', name: 'orders' }]
    table.apply({ from: table.version, to: table.version + 1, removedTopics })
  }
  return { log: log!, watch, rounds, remove }
}

const kinds = () => found.map(({ kind }) => kind)

test('a group that stands still is told of once, and again when it gets on', async () => {
  const { log, watch, rounds } = watched()
  log.write(10)
  a.members.add('readers')
  a.commit('readers', 'orders.1', 0, 4n)
  await rounds(12)
  expect([...watch.groups]).toMatchObject([{ group: 'readers', records: 6n, state: 'STALL' }])
  expect(kinds()).toEqual(['LAG_STALLED'])
  expect(found[0]).toMatchObject({ tenant: 'default', topic: 'orders', evidence: { records: 6 } })
  a.commit('readers', 'orders.1', 0, 10n)
  await rounds(1)
  expect(kinds()).toEqual(['LAG_STALLED', 'LAG_OK'])
})

test('a group that everybody has left has stopped', async () => {
  const { log, rounds } = watched()
  log.write(10)
  a.commit('readers', 'orders.1', 0, 4n)
  await rounds(12)
  expect(kinds()).toEqual(['LAG_STOPPED'])
})

test('what commits have passed is counted as delivered', async () => {
  const { log, watch, rounds } = watched()
  log.write(10)
  a.commit('readers', 'orders.1', 0, 1n)
  await rounds(1)
  a.commit('readers', 'orders.1', 0, 7n)
  log.write(5)
  await rounds(1)
  expect([...watch.groups]).toMatchObject([{ records: 8n, delivered: 6n }])
})

test('while a coordinator is away its groups are as they were', async () => {
  const { log, watch, rounds } = watched()
  log.write(10)
  a.commit('readers', 'orders.1', 0, 4n)
  await rounds(1)
  await a.stop()
  await rounds(1)
  expect(watch.missing).not.toEqual([])
  expect([...watch.groups]).toMatchObject([{ records: 6n }])
})

test('a home that is known to be down is not waited for, and said to be missing', async () => {
  const { log, watch, rounds } = watched()
  log.write(10)
  a.commit('readers', 'orders.1', 0, 4n)
  await rounds(1)
  isDown = true
  await rounds(1)
  expect(watch.missing).toEqual(['a does not answer, which is the home of groups'])
  expect([...watch.groups]).toMatchObject([{ records: 6n }])
})

test('a topic that is deleted meanwhile takes its groups along', async () => {
  const { log, watch, rounds, remove } = watched()
  log.write(10)
  a.commit('readers', 'orders.1', 0, 4n)
  await rounds(1)
  isDown = true
  await rounds(1)
  expect([...watch.groups]).toHaveLength(1)
  remove()
  await rounds(1)
  expect(watch.missing).toHaveLength(1)
  expect([...watch.groups]).toEqual([])
})
