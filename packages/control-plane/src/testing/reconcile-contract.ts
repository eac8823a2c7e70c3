// What the store keeps for the reconciler, on whatever database. Run by the tests of each.
import type { TopicRoute } from '@braid/routing-model'
import { expect, onTestFinished, test } from 'vitest'
import { Store } from '../store/store.ts'
import type { StorePlace } from './database-contract.ts'
import { furnish } from './furnished-store.ts'

export function reconcileContract(place: () => Promise<StorePlace>): void {
  async function furnished(): Promise<{ store: Store; orders: TopicRoute }> {
    const store = await Store.open(await (await place()).open())
    onTestFinished(() => store.close())
    const orders = await furnish(store, { clusters: ['a'], partitions: 2 })
    return { store, orders }
  }

  test('a route of more partitions and another limit is there, with every cut', async () => {
    const { store, orders } = await furnished()
    const moved = orders.sealedAndAppended([5n, 2n ** 60n], { cluster: 'a', topic: 'orders.y' })
    await store.appendLoglet(moved)
    const grown = moved.withPartitions(4).withMaxMessageBytes(9_000)
    await store.reconcile.setShape(grown)
    expect(await store.topicRoutes()).toEqual([grown.toJSON()])
    const other = orders.sealedAndAppended([0n, 0n], { cluster: 'a', topic: 'orders.z' })
    await expect(store.transaction(() => store.reconcile.setShape(other))).rejects.toThrow(
      'no loglet orders.z',
    )
  })

  test('holds, drift and standby topics', async () => {
    const { store } = await furnished()
    const { reconcile } = store
    expect(await reconcile.get('o-1')).toEqual({ applied: {}, driftSince: null })
    await reconcile.put('o-1', { applied: { 'retention.ms': '5' }, driftSince: null })
    expect(await reconcile.withDrift()).toBe(0)
    await reconcile.put('o-1', { applied: {}, driftSince: 1_800_000_000_000 })
    expect(await reconcile.get('o-1')).toEqual({ applied: {}, driftSince: 1_800_000_000_000 })
    expect(await reconcile.withDrift()).toBe(1)

    await reconcile.putHold('o-1', { why: 'partitions are added', since: 7 })
    expect(await reconcile.hold('o-1')).toEqual({ why: 'partitions are added', since: 7 })
    await expect(
      store.transaction(() => reconcile.putHold('o-1', { why: 'again', since: 8 })),
    ).rejects.toThrow()
    await reconcile.removeHolds()
    expect(await reconcile.hold('o-1')).toBeUndefined()

    const mirrored = { cluster: 'a', topic: 'orders.m' }
    const unmirrored = (cluster: string, madeBefore = 1_000) =>
      reconcile.unmirrored('default', cluster, madeBefore)
    expect(await unmirrored('a')).toEqual({ topics: 1, some: ['orders'] })
    expect(await unmirrored('a', 1)).toEqual({ topics: 0, some: [] })
    await reconcile.putStandbyHome('o-1', { cluster: 'a', topic: 'orders.l' })
    expect(await unmirrored('a')).toEqual({ topics: 1, some: ['orders'] })
    await reconcile.setStandbyHomeFilled('o-1', mirrored)
    expect(await reconcile.standbyHome('o-1')).toEqual({ cluster: 'a', topic: 'orders.l', filled: false })
    await reconcile.putStandbyHome('o-1', mirrored)
    await reconcile.setStandbyHomeFilled('o-1', mirrored)
    expect(await reconcile.standbyHome('o-1')).toEqual({ ...mirrored, filled: true })
    expect(await unmirrored('a')).toEqual({ topics: 0, some: [] })
    expect(await unmirrored('b')).toEqual({ topics: 1, some: ['orders'] })
    expect(await reconcile.topicOfStandbyHome(mirrored)).toBe('o-1')
    expect(await reconcile.orphanedStandbyHomes()).toEqual([])

    await reconcile.putStandby('o-1', { cluster: 'a', topic: 'orders.s' })
    expect(await reconcile.standby('o-1')).toEqual({ cluster: 'a', topic: 'orders.s' })
    expect(await reconcile.orphanedStandbys()).toEqual([])
    await store.removeTopic('o-1')
    await reconcile.forgetGone()
    expect(await reconcile.withDrift()).toBe(0)
    expect(await reconcile.orphanedStandbys()).toEqual([
      { topicId: 'o-1', cluster: 'a', topic: 'orders.s', registered: true },
    ])
    expect(await reconcile.orphanedStandbyHomes()).toEqual([
      { topicId: 'o-1', ...mirrored, registered: true },
    ])
    await reconcile.removeStandbyHome('o-1')
    expect(await reconcile.standbyHome('o-1')).toBeUndefined()
    await reconcile.removeStandby('o-1')
    expect(await reconcile.orphanedStandbys()).toEqual([])
  })
}
