// What the store keeps of failovers and returns, on whatever database. Run by the tests of each.
import { defaultFailoverSettings, type MonitorEvent } from '@braid/control-api'
import { holesFromJson, type TopicRoute } from '@braid/routing-model'
import { expect, onTestFinished, test } from 'vitest'
import { Store } from '../store/store.ts'
import type { StorePlace } from './database-contract.ts'
import { furnish } from './furnished-store.ts'

export function failoverContract(place: () => Promise<StorePlace>): void {
  async function furnished(): Promise<{ store: Store; orders: TopicRoute }> {
    const store = await Store.open(await (await place()).open())
    onTestFinished(() => store.close())
    const orders = await furnish(store, { clusters: ['a', 'b'], partitions: 2 })
    return { store, orders }
  }

  test('a loglet that is lost, returns, and leaves out what stands twice', async () => {
    const { store, orders } = await furnished()
    const kept = async () => (await store.topicRoutes())[0]
    const lost = orders
      .withFailover('strict')
      .lostAndAppended(1_000_000n, { cluster: 'b', topic: 'orders.y' }, 'wait')
    await store.setFailover(lost)
    await store.appendAfterLost(lost)
    expect(await kept()).toEqual(lost.toJSON())
    expect((await store.topicSpecs.loads()).get('a')).toBeUndefined()
    expect((await store.topicSpecs.loads()).get('b')).toMatchObject({ topics: 1 })
    // Once only: the loglet that the store has as active is another one by now.
    await expect(store.transaction(() => store.appendAfterLost(lost))).rejects.toThrow('is not orders')

    const returning = lost.returning(0, [7n, 9n])
    await store.setLoglets(returning)
    expect(await kept()).toEqual(returning.toJSON())
    const holes = holesFromJson({ 1: ['3', '5'] }, 2, 'orders')
    const returned = returning.returned(0, [7n, 9n], holes).withHomeTopics('orders', 'orders.home')
    await store.setLoglets(returned)
    await store.setHomeTopics(returned)
    expect(await kept()).toEqual(returned.toJSON())
    await store.setLoglets(lost.abandoned(0))
    expect((await kept())?.loglets.map(({ topic }) => topic)).toEqual(['orders.y'])
  })

  test('a fenced cluster and a standby home are in the routes', async () => {
    const { store } = await furnished()
    const a = (await store.cluster('a'))!
    await store.updateCluster({ ...a, state: 'unavailable', fenced: true })
    await store.setHomes('default', 'b', 'a')
    const routes = await store.routes()
    expect(routes.clusters.get('a')).toMatchObject({ fenced: true })
    expect(routes.clusters.get('b')).not.toHaveProperty('fenced')
    expect(routes.tenants.get('default')).toEqual({ name: 'default', home: 'b', standbyHome: 'a' })
  })

  test('failovers and their topics', async () => {
    const { store } = await furnished()
    const { failovers } = store
    const fresh = { cluster: 'a', by: 'automatic', reason: 'it is down', options: {}, createdAt: 5 }
    const votes = [{ by: 'control plane', state: 'down' as const, forMs: 900, detail: 'refused' }]
    await failovers.add({ ...fresh, id: 'f-1', kind: 'failover', votes })
    await expect(failovers.add({ ...fresh, id: 'f-2', kind: 'return', votes })).rejects.toThrow()
    expect(await failovers.underwayOf('a')).toMatchObject({ id: 'f-1', step: 'CHECK', votes, revision: 1 })
    expect(await failovers.underwayOf('b')).toBeUndefined()
    const from = { cluster: 'a', topic: 'orders' }
    const topic = { topicId: 'o-1', tenant: 'default', topic: 'orders', policy: 'available' as const, from }
    await failovers.addTopics('f-1', [
      {
        ...topic,
        to: { cluster: 'b', topic: 'orders.y' },
        reason: 'its standby',
        knownEnds: [2n ** 60n, 0n],
        knownAt: 4,
        base: 2n ** 61n,
        positions: [null, 7n],
      },
      {
        ...topic,
        to: null,
        reason: 'no standby',
        knownEnds: null,
        knownAt: null,
        base: null,
        positions: null,
      },
    ])
    expect(await failovers.topicCounts('f-1')).toEqual({ topics: 2, moved: 1 })
    expect(await failovers.lastSwitched()).toBeUndefined()
    await failovers.setFenceMs('f-1', 12.5)
    await failovers.setSwitched('f-1', { switchMs: 40.5, at: 9, routeVersion: 3 })
    await failovers.setState('f-1', 'done', 10)
    expect(await failovers.lastSwitched('a')).toMatchObject({ fenceMs: 12.5, switchMs: 40.5, endedAt: 10 })
    expect(await failovers.lastSwitched('b')).toBeUndefined()
    const [first, second] = await failovers.topics('f-1')
    expect(first).toMatchObject({ knownEnds: [2n ** 60n, 0n], base: 2n ** 61n, positions: [null, 7n] })
    expect(second).toMatchObject({ to: null, positions: null, ends: null, recovery: null })
    await failovers.add({ ...fresh, id: 'f-2', kind: 'return', votes: [] })
    expect((await failovers.list(10)).map(({ id }) => id)).toEqual(['f-2', 'f-1'])
    expect((await failovers.underway()).map(({ id }) => id)).toEqual(['f-2'])
    expect(await failovers.ofLoglet('o-1', from)).toMatchObject({ number: 1 })
    const recovery = { tail: 3, leftOut: 1, toCopy: 2, copied: 0 }
    await failovers.setEnds('f-1', 1, [8n, 2n ** 60n])
    await failovers.setRecovery('f-1', 1, recovery)
    expect((await failovers.topics('f-1'))[0]).toMatchObject({ ends: [8n, 2n ** 60n], recovery })
    expect(await failovers.counts()).toEqual(
      expect.arrayContaining([{ kind: 'failover', automatic: true, state: 'done', count: 1 }]),
    )
  })

  test('settings, and what monitors found', async () => {
    const { store } = await furnished()
    const { failovers } = store
    expect(await failovers.settings()).toEqual(defaultFailoverSettings)
    await failovers.putSettings({ ...defaultFailoverSettings, automatic: false })
    expect(await failovers.settings()).toEqual({ ...defaultFailoverSettings, automatic: false })
    const event = (id: string): MonitorEvent => ({
      id,
      at: '2026-01-01T00:00:00.000Z',
      kind: 'STRAYS_SEEN',
      cluster: 'a',
      accessPoint: null,
      tenant: null,
      topic: null,
      group: null,
      severity: 'error',
      detail: 'three records',
      evidence: { records: 3 },
    })
    expect(await failovers.addEvents('m-1', [event('e-1'), event('e-2')])).toBe(2)
    expect(await failovers.addEvents('m-1', [event('e-2'), event('e-3')])).toBe(1)
    expect((await failovers.events(2)).map(({ id, monitor }) => `${monitor} ${id}`)).toEqual([
      'm-1 e-3',
      'm-1 e-2',
    ])
  })
}
