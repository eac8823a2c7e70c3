import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { TopicRoute } from '@braid/routing-model'
import { describe, expect, onTestFinished, test } from 'vitest'
import { plainCluster } from '../testing/plain-cluster.ts'
import { schemaFiles } from './schema.ts'
import { openSqlite, upgradeSqlite } from './sqlite.ts'
import { Store } from './store.ts'

function file(): string {
  const folder = mkdtempSync(join(tmpdir(), 'braid-store-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return join(folder, 'deep', 'store.db')
}

async function open(at: string): Promise<Store> {
  const store = await Store.open(openSqlite(at))
  onTestFinished(() => store.close())
  return store
}

/** Clusters a and b, tenant default at home on a, topic orders of three partitions on a. */
async function furnished(at = file()): Promise<{ store: Store; orders: TopicRoute }> {
  const store = await open(at)
  for (const name of ['a', 'b']) {
    const number = await store.nextClusterNumber()
    await store.addCluster({
      name,
      number,
      bootstrap: [`${name}:9092`],
      clusterId: `id-${name}`,
      ...plainCluster,
      registeredAt: 1,
    })
  }
  await store.addTenant('default', 'a')
  const orders = TopicRoute.create({
    tenant: 'default',
    name: 'orders',
    id: 'o-1',
    partitions: 3,
    maxMessageBytes: 1000,
    homeTopic: 'orders.x',
    cluster: 'a',
    topic: 'orders.x',
  })
  await store.addTopic(orders, 1)
  return { store, orders }
}

test('what was written is there after the store is opened again', async () => {
  const at = file()
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
  const at = file()
  const { store, orders } = await furnished(at)
  await store.appendLoglet(orders.sealedAndAppended([5n, 5n, 5n], { cluster: 'b', topic: 'orders.y' }))
  await store.close()
  const db = new DatabaseSync(at)
  const rows = db
    .prepare('SELECT starts, bases, ends FROM loglet ORDER BY position')
    .all()
    .map((row) => ({ ...row }))
  db.close()
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
    await expect(store.transaction(() => store.addTopic(thief, 1))).rejects.toThrow(/UNIQUE/)
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
    await expect(add('m2')).rejects.toThrow(/UNIQUE/)
    await store.migrations.setSwitched('m1', { cuts: [1n], sealMs: 1, routeVersion: 1, at: 1 })
    await add('m3')
    expect((await store.migrations.underway('o-1'))?.id).toBe('m3')
    expect((await store.sagas.unfinished()).map((saga) => saga.id)).toEqual(['m1', 'm2', 'm3'])
  })

  test('a cluster that topics live on is not removed', async () => {
    const { store } = await furnished()
    await expect(store.removeCluster('a')).rejects.toThrow(/FOREIGN KEY/)
    await store.removeCluster('b')
    expect((await store.clusters()).map((row) => row.name)).toEqual(['a'])
  })
})

test('numbers are never given twice, also after their owner is gone', async () => {
  const at = file()
  const { store } = await furnished(at)
  await store.removeCluster('b')
  await store.close()
  const again = await open(at)
  expect(await again.nextClusterNumber()).toBe(3)
  expect((await again.cluster('a'))?.number).toBe(1)
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
    seenAt: 5,
  }
  await store.migrations.putStray('m', stray)
  expect(await store.migrations.strays('m')).toEqual([stray])
})

test("what is committed is on the disk before it is announced, and not only in the system's memory", async () => {
  const db = openSqlite(file())
  onTestFinished(() => db.close())
  expect(await db.get('PRAGMA synchronous')).toMatchObject({ synchronous: 2 })
  expect(await db.get('PRAGMA journal_mode')).toMatchObject({ journal_mode: 'wal' })
})

test('a file that another control plane has open is refused by name', async () => {
  const at = file()
  await furnished(at)
  expect(() => openSqlite(at)).toThrow(`${at} is in use by another control plane`)
})

describe('the schema', () => {
  const files = schemaFiles()
  for (let from = 0; from <= files.length; from++) {
    test(`is brought up from version ${from}`, () => {
      const db = new DatabaseSync(':memory:')
      onTestFinished(() => db.close())
      upgradeSqlite(db, files.slice(0, from))
      upgradeSqlite(db, files)
      upgradeSqlite(db, files)
      expect(db.prepare('PRAGMA user_version').get()).toMatchObject({ user_version: files.length })
    })
  }

  test('of a newer release is refused', async () => {
    const db = new DatabaseSync(':memory:')
    onTestFinished(() => db.close())
    db.exec('PRAGMA user_version = 99')
    expect(() => upgradeSqlite(db)).toThrow(/newer release.*upgrade Braid/)
  })

  test('a file that fails leaves the version before it', async () => {
    const db = new DatabaseSync(':memory:')
    onTestFinished(() => db.close())
    const broken = {
      number: files.length + 1,
      name: 'broken.sql',
      sql: 'CREATE TABLE x (a); CREATE NONSENSE',
    }
    expect(() => upgradeSqlite(db, [...files, broken])).toThrow()
    expect(db.prepare('PRAGMA user_version').get()).toMatchObject({ user_version: files.length })
    expect(db.prepare("SELECT name FROM sqlite_master WHERE name = 'x'").get()).toBeUndefined()
  })
})
