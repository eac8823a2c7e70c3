import type { TopicRoute } from '@braid/routing-model'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { FakeCluster } from '../testing/fake-cluster.ts'
import { tableOf, topicOf } from '../testing/routes.ts'
import { measureLag } from './measure-lag.ts'

let a: FakeCluster
let b: FakeCluster
beforeEach(async () => {
  a = await FakeCluster.start(2)
  b = await FakeCluster.start()
})
afterEach(() => Promise.all([a.stop(), b.stop()]))

const topic = (cluster = 'a') => topicOf('orders', { partitions: 2, cluster })

/** 10 and 4 records on a, cut there; then, after a gap of a million on, 5 and 0 on b. */
function movedOverAGap(): TopicRoute {
  const first = a.createTopic('orders.1', 2)
  first[0]!.write(10, 1_000n)
  first[1]!.write(4, 1_000n)
  const second = b.createTopic('orders.2', 2)
  second[0]!.write(5, 2_000n)
  return topic().sealedAndAppended([10n, 4n], { cluster: 'b', topic: 'orders.2' }, 1_000_000n)
}

const byPartition = (lags: Awaited<ReturnType<typeof measureLag>>) =>
  lags.toSorted((x, y) => x.partition - y.partition)

describe('lag, asked of clusters', () => {
  test('is counted over the chain, from where the group is to the last record, without the gap', async () => {
    const table = tableOf({ a, b }, [movedOverAGap()])
    a.commit('readers', 'orders.1', 0, 7n)
    a.commit('readers', 'orders.1', 1, 4n)
    expect(byPartition(await measureLag({ table }))).toMatchObject([
      { group: 'readers', topic: 'orders', partition: 0, committed: 7n, records: 8n, end: 1_000_015n },
      { group: 'readers', topic: 'orders', partition: 1, records: 0n, seconds: 0, partial: false },
    ])
  })

  test('in seconds it is the age of the first record that is not read', async () => {
    const nowMs = Date.now()
    const logs = a.createTopic('orders.1', 2)
    logs[0]!.write(3, BigInt(nowMs - 60_000))
    logs[0]!.write(3, BigInt(nowMs - 10_000))
    a.commit('readers', 'orders.1', 0, 3n)
    const [lag] = await measureLag({ table: tableOf({ a, b }, [topic()]) })
    expect(lag?.seconds).toBeGreaterThanOrEqual(10)
    expect(lag?.seconds).toBeLessThan(20)
  })

  test('what retention has deleted is not lag', async () => {
    const route = movedOverAGap()
    a.topics.get('orders.1')![0]!.start = 9n
    a.commit('readers', 'orders.1', 0, 2n)
    const [lag] = await measureLag({ table: tableOf({ a, b }, [route]) })
    expect(lag?.records).toBe(6n)
  })

  test('batches that stand twice are counted once', async () => {
    const first = a.createTopic('orders.1', 2)
    first[0]!.write(10)
    const second = b.createTopic('orders.2', 2)
    second[0]!.write(3)
    const holes = new Map([[0, BigInt64Array.of(8n, 10n)]])
    const route = topic()
      .lostAndAppended(2_000_000n, { cluster: 'b', topic: 'orders.2' }, 'wait')
      .returning(0, [10n, 0n])
      .returned(0, [10n, 0n], holes)
    a.commit('readers', 'orders.1', 0, 5n)
    const [lag] = await measureLag({ table: tableOf({ a, b }, [route]) })
    expect(lag?.records).toBe(6n)
  })

  test('a lost loglet is not asked, and the lag says that it is not all', async () => {
    const second = b.createTopic('orders.2', 2)
    second[0]!.write(3)
    const route = topic('a')
      .lostAndAppended(2_000_000n, { cluster: 'b', topic: 'orders.2' }, 'wait')
      .withHomeTopics('orders.2', undefined)
    b.commit('readers', 'orders.2', 0, 5n)
    await a.stop()
    const tenants = [{ name: 'default', home: 'b' }]
    const [lag] = await measureLag({ table: tableOf({ a, b }, [route], { tenants }) })
    expect(lag).toMatchObject({ records: 3n, partial: true })
  })

  test('only the groups that were named', async () => {
    a.createTopic('orders.1', 2)
    a.commit('readers', 'orders.1', 0, 0n)
    a.commit('others', 'orders.1', 0, 0n)
    const lags = await measureLag({ table: tableOf({ a, b }, [topic()]), groups: ['others'] })
    expect(lags.map(({ group }) => group)).toEqual(['others'])
  })

  test('a home that does not answer is no lag of zero', async () => {
    const table = tableOf({ a, b }, [topic()])
    await a.stop()
    await expect(measureLag({ table })).rejects.toThrow(/the lag is not known: .*a/)
  })
})
