// What the store's queries do, on whatever database. Run by the tests of each.
import { TopicRoute } from '@braid/routing-model'
import { describe, expect, onTestFinished, test } from 'vitest'
import { Store } from '../store/store.ts'
import type { StorePlace } from './database-contract.ts'
import { furnish } from './furnished-store.ts'

export function storeContract(place: () => Promise<StorePlace>): void {
  async function open(at: StorePlace): Promise<Store> {
    const store = await Store.open(await at.open())
    onTestFinished(() => store.close())
    return store
  }

  /** Clusters a and b, tenant default at home on a, topic orders of three partitions on a. */
  async function furnished(at?: StorePlace): Promise<{ store: Store; orders: TopicRoute }> {
    const store = await open(at ?? (await place()))
    const orders = await furnish(store, { clusters: ['a', 'b'], partitions: 3 })
    return { store, orders }
  }
  test('what was written is there after the store is opened again', async () => {
    const at = await place()
    const { store, orders } = await furnished(at)
    const moved = orders
      .withPrepared({ cluster: 'b', topic: 'orders.y' })
      .sealedAndAppended([5n, 0n, 2n ** 60n], {
        cluster: 'b',
        topic: 'orders.y',
      })
    await store.transaction(async () => {
      await store.appendLoglet(moved)
      await store.raiseRouteVersion({ version: 1, json: '{}' }, 0)
    })
    await store.putAccessPoint({
      id: 'p1',
      number: await store.nextAccessPointNumber(),
      bootstrap: 'h:1',
      listeners: { a: 'h:2' },
    })
    const before = JSON.stringify(await store.routes())
    const { id } = store
    await store.close()

    const again = await open(at)
    expect(again.id).toBe(id)
    expect(JSON.stringify(await again.routes())).toBe(before)
    expect((await again.routes()).version).toBe(1)
    expect((await again.routes()).topic('default', 'orders')?.equals(moved)).toBe(true)
  })

  test('a column of equal offsets is one string, whatever the number of partitions', async () => {
    const at = await place()
    const { store, orders } = await furnished(at)
    await store.appendLoglet(orders.sealedAndAppended([5n, 5n, 5n], { cluster: 'b', topic: 'orders.y' }))
    await store.close()
    const db = await at.open()
    onTestFinished(() => db.close())
    const rows = (await db.all('SELECT starts, bases, ends FROM loglet ORDER BY position')).map((row) => ({
      ...row,
    }))
    expect(rows).toEqual([
      { starts: '"0"', bases: '"0"', ends: '"5"' },
      { starts: '"0"', bases: '"5"', ends: null },
    ])
  })

  test('a transaction that throws leaves nothing, and announces nothing', async () => {
    const { store, orders } = await furnished()
    const announced: string[] = []
    const before = JSON.stringify(await store.routes())
    await expect(
      store.transaction(async () => {
        await store.appendLoglet(orders.sealedAndAppended([1n, 1n, 1n], { cluster: 'b', topic: 'orders.y' }))
        store.afterCommit(() => announced.push('never'))
        await store.transaction(() => store.raiseRouteVersion({ version: 1, json: '{}' }, 0))
        throw new Error('no')
      }),
    ).rejects.toThrow('no')
    expect(JSON.stringify(await store.routes())).toBe(before)
    await store.transaction(async () => store.afterCommit(() => announced.push('after')))
    expect(announced).toEqual(['after'])
  })

  describe('what the schema refuses, whatever the code thinks', () => {
    test('a physical topic in two chains', async () => {
      const { store, orders } = await furnished()
      const thief = TopicRoute.create({
        tenant: 'default',
        name: 'thief',
        id: 't-1',
        partitions: 1,
        maxMessageBytes: 1,
        homeTopic: 'orders.x',
        cluster: 'a',
        topic: orders.physicalTopic(0),
      })
      await expect(store.transaction(() => store.addTopic(thief, 1))).rejects.toThrow(/unique/i)
      expect(await store.topicRoutes()).toHaveLength(1)
    })

    test('a switch whose active loglet is another than the saga sealed', async () => {
      const { store, orders } = await furnished()
      const moved = orders.sealedAndAppended([1n, 1n, 1n], { cluster: 'b', topic: 'orders.y' })
      await store.appendLoglet(moved)
      await expect(store.transaction(() => store.appendLoglet(moved))).rejects.toThrow(
        /active loglet in the store is not orders.x/,
      )
    })

    test('two sagas on one topic before the switch', async () => {
      const { store } = await furnished()
      const add = async (id: string) => {
        await store.sagas.add({ id, kind: 'migration', step: 'CHECK', createdAt: 1 })
        await store.migrations.add({
          id,
          group: id,
          operation: null,
          tenant: 'default',
          topic: 'orders',
          topicId: 'o-1',
          from: { cluster: 'a', topic: 'orders.x' },
          to: { cluster: 'b', topic: `orders.${id}` },
          createdAt: 1,
        })
      }
      await add('m1')
      await expect(add('m2')).rejects.toThrow(/unique/i)
      await store.migrations.setSwitched('m1', { cuts: [1n], sealMs: 1, routeVersion: 1, at: 1 })
      await add('m3')
      expect((await store.migrations.underway('o-1'))?.id).toBe('m3')
      expect((await store.sagas.unfinished()).map((saga) => saga.id)).toEqual(['m1', 'm2', 'm3'])
    })

    test('a cluster that topics live on is not removed', async () => {
      const { store } = await furnished()
      await expect(store.removeCluster('a')).rejects.toThrow(/foreign key/i)
      await store.removeCluster('b')
      expect((await store.clusters()).map((row) => row.name)).toEqual(['a'])
    })
  })

  test('numbers are never given twice, also after their owner is gone', async () => {
    const at = await place()
    const { store } = await furnished(at)
    await store.removeCluster('b')
    await store.close()
    const again = await open(at)
    expect(await again.nextClusterNumber()).toBe(3)
    expect((await again.cluster('a'))?.number).toBe(1)
  })

  test('attempts of a saga: a row each, or one that is written again', async () => {
    const { store } = await furnished()
    const { sagas } = store
    await sagas.add({ id: 's', kind: 'migration', step: 'CHECK', createdAt: 1 })
    const attempt = {
      number: 1,
      round: 1,
      step: 'CHECK',
      direction: 'do' as const,
      attempt: 1,
      startedAt: 10,
      endedAt: null,
      error: null,
    }
    await sagas.putAttempt('s', attempt)
    await sagas.endAttempt('s', 1, 12, 'away')
    await sagas.putAttempt('s', { ...attempt, number: 2, attempt: 2, startedAt: 13 })
    await sagas.putAttempt('s', { ...attempt, number: 2, attempt: 3, startedAt: 14 })
    expect(await sagas.attempts('s')).toEqual([
      { ...attempt, endedAt: 12, error: 'away' },
      { ...attempt, number: 2, attempt: 3, startedAt: 14 },
    ])
  })

  test('strays survive, as 64-bit offsets', async () => {
    const { store } = await furnished()
    await store.sagas.add({ id: 'm', kind: 'migration', step: 'CHECK', createdAt: 1 })
    await store.migrations.add({
      id: 'm',
      group: 'm',
      operation: null,
      tenant: 'default',
      topic: 'orders',
      topicId: 'o-1',
      from: { cluster: 'a', topic: 'orders.x' },
      to: { cluster: 'b', topic: 'orders.y' },
      createdAt: 1,
    })
    const stray = {
      partition: 2,
      from: 2n ** 62n,
      to: 2n ** 62n + 5n,
      recovered: 2n ** 62n + 1n,
      producerId: 2n ** 61n + 3n,
      nextSequence: 9,
      inDoubt: { to: 2n ** 62n + 4n, nextSequence: 12 },
      seenAt: 5,
    }
    await store.migrations.putStray('m', stray)
    expect(await store.migrations.strays('m')).toEqual([stray])
    await store.migrations.putStray('m', { ...stray, inDoubt: null })
    expect(await store.migrations.strays('m')).toEqual([{ ...stray, inDoubt: null }])
  })

  test('names sort by their bytes', async () => {
    const { store } = await furnished()
    for (const name of ['b', 'A', 'é', 'a', 'B', '_']) await store.addTenant(name, 'a')
    expect((await store.tenants()).map(({ name }) => name)).toEqual(['A', 'B', '_', 'a', 'b', 'default', 'é'])
  })

  test('migrations are listed in the order in which they were started', async () => {
    const { store } = await furnished()
    const ids = ['m', 'c', 'x', 'a']
    for (const id of ids) {
      await store.sagas.add({ id, kind: 'migration', step: 'CHECK', createdAt: 7 })
      await store.migrations.add({
        id,
        group: id,
        operation: null,
        tenant: 'default',
        topic: id,
        topicId: id,
        from: { cluster: 'a', topic: `${id}.1` },
        to: { cluster: 'b', topic: `${id}.2` },
        createdAt: 7,
      })
    }
    expect((await store.sagas.unfinished()).map(({ id }) => id)).toEqual(ids)
    expect((await store.migrations.list(3)).map(({ id }) => id)).toEqual(['a', 'x', 'c'])
    const page = async (options: Parameters<typeof store.migrations.list>[1]) =>
      (await store.migrations.list(10, options)).map(({ id }) => id)
    expect(await page({ after: 'x' })).toEqual(['c', 'm'])
    expect(await page({ after: 'm' })).toEqual([])
    expect(await page({ tenants: ['default'], after: 'a' })).toEqual(['x', 'c', 'm'])
    expect(await page({ tenants: ['other'] })).toEqual([])
    expect(await page({ tenants: [] })).toEqual([])
  })

  test('leftovers are there until they are removed', async () => {
    const { store } = await furnished()
    await store.addLeftover('b', 'old', 5)
    await store.addLeftover('b', 'old', 6)
    expect(await store.leftovers()).toEqual([{ cluster: 'b', topic: 'old', recordedAt: 5 }])
    expect(await store.leftover('b', 'old')).toEqual({ cluster: 'b', topic: 'old', recordedAt: 5 })
    expect(await store.leftover('a', 'old')).toBeUndefined()
    await store.removeLeftover('b', 'old')
    expect(await store.leftovers()).toEqual([])
  })

  test('a leader takes the place of the one before, in a term of its own', async () => {
    const { store } = await furnished()
    expect(await store.leader()).toBeUndefined()
    expect(await store.setLeader('p1', 'http://one', 5)).toBe(1)
    expect(await store.setLeader('p2', 'http://two', 6)).toBe(2)
    expect(await store.leader()).toEqual({ id: 'p2', url: 'http://two', term: 2, since: 6 })
  })

  test('the route version is raised by one, from what it is', async () => {
    const { store } = await furnished()
    await store.raiseRouteVersion({ version: 1, json: '{"a":1}' }, 1)
    await expect(store.raiseRouteVersion({ version: 1, json: '{}' }, 1)).rejects.toThrow(/not at version 0/)
    await store.raiseRouteVersion({ version: 2, json: '{"b":1}' }, 1)
    expect(await store.deltasAfter(0)).toEqual([
      { version: 1, json: '{"a":1}' },
      { version: 2, json: '{"b":1}' },
    ])
    await store.raiseRouteVersion({ version: 3, json: '{}' }, 3)
    expect((await store.deltasAfter(0)).map(({ version }) => version)).toEqual([3])
  })

  test('a store that only reads has the id of the one that writes', async () => {
    const at = await place()
    const { store } = await furnished(at)
    const { id } = store
    await store.close()
    const db = await at.open()
    onTestFinished(() => db.close())
    expect((await Store.openToRead(db))?.id).toBe(id)
  })
}
