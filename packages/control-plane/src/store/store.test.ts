import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { TopicRoute } from '@braid/routing-model'
import { describe, expect, onTestFinished, test } from 'vitest'
import { Database } from './database.ts'
import { schemaFiles, upgradeSchema } from './schema.ts'
import { Store } from './store.ts'

function file(): string {
  const folder = mkdtempSync(join(tmpdir(), 'braid-store-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return join(folder, 'deep', 'store.db')
}

function open(at: string): Store {
  const store = new Store(at)
  onTestFinished(() => store.close())
  return store
}

/** Clusters a and b, tenant default at home on a, topic orders of three partitions on a. */
function furnished(at = file()): { store: Store; orders: TopicRoute } {
  const store = open(at)
  for (const name of ['a', 'b']) {
    const number = store.nextClusterNumber()
    store.addCluster({
      name,
      number,
      bootstrap: [`${name}:9092`],
      clusterId: `id-${name}`,
      partitionsMax: null,
      registeredAt: 1,
    })
  }
  store.addTenant('default', 'a')
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
  store.addTopic(orders, 1)
  return { store, orders }
}

test('what was written is there after the store is opened again', () => {
  const at = file()
  const { store, orders } = furnished(at)
  const moved = orders
    .withPrepared({ cluster: 'b', topic: 'orders.y' })
    .sealedAndAppended([5n, 0n, 2n ** 60n], {
      cluster: 'b',
      topic: 'orders.y',
    })
  store.transaction(() => {
    store.appendLoglet(moved)
    store.setRouteVersion(7)
  })
  store.putAccessPoint({
    id: 'p1',
    number: store.nextAccessPointNumber(),
    bootstrap: 'h:1',
    listeners: { a: 'h:2' },
  })
  const before = JSON.stringify(store.routes())
  const { id } = store
  store.close()

  const again = open(at)
  expect(again.id).toBe(id)
  expect(JSON.stringify(again.routes())).toBe(before)
  expect(again.routes().version).toBe(7)
  expect(again.routes().topic('default', 'orders')?.equals(moved)).toBe(true)
})

test('a column of equal offsets is one string, whatever the number of partitions', () => {
  const at = file()
  const { store, orders } = furnished(at)
  store.appendLoglet(orders.sealedAndAppended([5n, 5n, 5n], { cluster: 'b', topic: 'orders.y' }))
  store.close()
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

test('a transaction that throws leaves nothing, and announces nothing', () => {
  const { store, orders } = furnished()
  const announced: string[] = []
  const before = JSON.stringify(store.routes())
  expect(() =>
    store.transaction(() => {
      store.appendLoglet(orders.sealedAndAppended([1n, 1n, 1n], { cluster: 'b', topic: 'orders.y' }))
      store.afterCommit(() => announced.push('never'))
      store.transaction(() => store.setRouteVersion(9))
      throw new Error('no')
    }),
  ).toThrow('no')
  expect(JSON.stringify(store.routes())).toBe(before)
  store.transaction(() => store.afterCommit(() => announced.push('after')))
  expect(announced).toEqual(['after'])
})

describe('what the schema refuses, whatever the code thinks', () => {
  test('a physical topic in two chains', () => {
    const { store, orders } = furnished()
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
    expect(() => store.transaction(() => store.addTopic(thief, 1))).toThrow(/UNIQUE/)
    expect(store.topicRoutes()).toHaveLength(1)
  })

  test('a switch whose active loglet is another than the saga sealed', () => {
    const { store, orders } = furnished()
    const moved = orders.sealedAndAppended([1n, 1n, 1n], { cluster: 'b', topic: 'orders.y' })
    store.appendLoglet(moved)
    expect(() => store.transaction(() => store.appendLoglet(moved))).toThrow(
      /active loglet in the store is not orders.x/,
    )
  })

  test('two sagas on one topic before the switch', () => {
    const { store } = furnished()
    const add = (id: string) =>
      store.migrations.add({
        id,
        tenant: 'default',
        topic: 'orders',
        topicId: 'o-1',
        from: { cluster: 'a', topic: 'orders.x' },
        to: { cluster: 'b', topic: `orders.${id}` },
        createdAt: 1,
      })
    add('m1')
    expect(() => add('m2')).toThrow(/UNIQUE/)
    store.migrations.setSwitched('m1', { cuts: [1n], sealMs: 1, routeVersion: 1, at: 1 })
    add('m2')
    expect(store.migrations.underway('o-1')?.id).toBe('m2')
    expect(store.migrations.unfinished().map((row) => row.id)).toEqual(['m1', 'm2'])
  })

  test('a cluster that topics live on is not removed', () => {
    const { store } = furnished()
    expect(() => store.removeCluster('a')).toThrow(/FOREIGN KEY/)
    store.removeCluster('b')
    expect(store.clusters().map((row) => row.name)).toEqual(['a'])
  })
})

test('numbers are never given twice, also after their owner is gone', () => {
  const at = file()
  const { store } = furnished(at)
  store.removeCluster('b')
  store.close()
  const again = open(at)
  expect(again.nextClusterNumber()).toBe(3)
  expect(again.cluster('a')?.number).toBe(1)
})

test('attempts: a row each, ended or failed; very many overwrite the last', () => {
  const { store } = furnished()
  const { migrations } = store
  migrations.add({
    id: 'm',
    tenant: 'default',
    topic: 'orders',
    topicId: 'o-1',
    from: { cluster: 'a', topic: 'orders.x' },
    to: { cluster: 'b', topic: 'orders.y' },
    createdAt: 1,
  })
  migrations.beginAttempt('m', 'CHECK', 'do', 10)
  migrations.endAttempt('m', 'CHECK', 'do', 12, null)
  for (let i = 0; i < 200; i++) {
    migrations.beginAttempt('m', 'SEAL', 'undo', 20 + i)
    migrations.endAttempt('m', 'SEAL', 'undo', 21 + i, 'away')
  }
  const attempts = migrations.attempts('m')
  expect(attempts[0]).toEqual({
    number: 1,
    step: 'CHECK',
    direction: 'do',
    attempt: 1,
    startedAt: 10,
    endedAt: 12,
    error: null,
  })
  expect(attempts).toHaveLength(51)
  expect(attempts.at(-1)).toMatchObject({ attempt: 200, startedAt: 219, endedAt: 220, error: 'away' })
  expect(migrations.get('m')?.revision).toBe(1 + 2 + 400)
})

test('strays survive, as 64-bit offsets', () => {
  const { store } = furnished()
  store.migrations.add({
    id: 'm',
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
  store.migrations.putStray('m', stray)
  expect(store.migrations.strays('m')).toEqual([stray])
})

test("what is committed is on the disk before it is announced, and not only in the system's memory", () => {
  const db = new Database(file())
  onTestFinished(() => db.close())
  expect(db.get('PRAGMA synchronous')).toMatchObject({ synchronous: 2 })
  expect(db.get('PRAGMA journal_mode')).toMatchObject({ journal_mode: 'wal' })
})

test('a file that another control plane has open is refused by name', () => {
  const at = file()
  furnished(at)
  expect(() => new Store(at)).toThrow(`${at} is in use by another control plane`)
})

describe('the schema', () => {
  const files = schemaFiles()
  for (let from = 0; from <= files.length; from++) {
    test(`is brought up from version ${from}`, () => {
      const db = new DatabaseSync(':memory:')
      onTestFinished(() => db.close())
      upgradeSchema(db, files.slice(0, from))
      upgradeSchema(db, files)
      upgradeSchema(db, files)
      expect(db.prepare('PRAGMA user_version').get()).toMatchObject({ user_version: files.length })
    })
  }

  test('of a newer release is refused', () => {
    const db = new DatabaseSync(':memory:')
    onTestFinished(() => db.close())
    db.exec('PRAGMA user_version = 99')
    expect(() => upgradeSchema(db)).toThrow(/newer release.*upgrade Braid/)
  })

  test('a file that fails leaves the version before it', () => {
    const db = new DatabaseSync(':memory:')
    onTestFinished(() => db.close())
    const broken = {
      number: files.length + 1,
      name: 'broken.sql',
      sql: 'CREATE TABLE x (a); CREATE NONSENSE',
    }
    expect(() => upgradeSchema(db, [...files, broken])).toThrow()
    expect(db.prepare('PRAGMA user_version').get()).toMatchObject({ user_version: files.length })
    expect(db.prepare("SELECT name FROM sqlite_master WHERE name = 'x'").get()).toBeUndefined()
  })
})
