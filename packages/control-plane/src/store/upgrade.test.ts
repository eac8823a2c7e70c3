// A store of every earlier version, with data in it, comes up to the present one, on both databases.
import { DatabaseSync } from 'node:sqlite'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { startPostgres, type TestPostgres } from '../testing/postgres.ts'
import { PostgresConnection } from './postgres.ts'
import { postgresVersion, upgradePostgres } from './postgres-schema.ts'
import { postgresSchema, type SchemaFile, schemaFiles } from './schema.ts'
import { SerialDatabase } from './serial-database.ts'
import { openSqlite, SqliteConnection, upgradeSqlite } from './sqlite.ts'
import { Store } from './store.ts'

const files = schemaFiles()

/**
 * What a release with so many schema files has written, in its own words. A schema file that is added needs no line
 * here, unless it changes what rows of an earlier one mean.
 */
const writtenAt: readonly string[][] = [
  [],
  [
    `INSERT INTO store VALUES (1, 'the-store', 41, 2, 1)`,
    `INSERT INTO cluster VALUES ('a', 1, '["a:9092"]', 'id-a', NULL, 1000)`,
    `INSERT INTO cluster VALUES ('b', 2, '["b:9092"]', 'id-b', 500, 1001)`,
    `INSERT INTO tenant VALUES ('default', 'a')`,
    `INSERT INTO topic VALUES ('t-1', 'default', 'orders', 2, 1048588, 'orders', 'b', 'orders.next', 1002)`,
    `INSERT INTO loglet VALUES ('t-1', 3, 'a', 'orders', '"0"', '"0"', '["3","1"]')`,
    `INSERT INTO loglet VALUES ('t-1', 4, 'b', 'orders.x', '"0"', '["3","1"]', NULL)`,
    `INSERT INTO leftover VALUES ('a', 'orders.old', 1003)`,
  ],
  [
    `INSERT INTO migration (id, tenant, topic, topic_id, from_cluster, from_topic, to_cluster, to_topic, state, step,
       override_before_seal, seal_ms, switch_ms, switched_at, cuts, route_version, created_at, revision)
     VALUES ('m-1', 'default', 'orders', 't-1', 'a', 'orders', 'b', 'orders.x', 'switched', 'DRAIN',
       'null', 1.5, 0.25, 1005, '["3","1"]', 40, 1004, 9)`,
    `INSERT INTO migration (id, tenant, topic, topic_id, from_cluster, from_topic, to_cluster, to_topic, state, step,
       created_at, revision)
     VALUES ('m-2', 'default', 'orders', 't-1', 'b', 'orders.x', 'a', 'orders.next', 'running', 'PREPARE', 1006, 2)`,
    `INSERT INTO migration_attempt VALUES ('m-1', 1, 'CHECK', 'do', 1, 1004, 1005, NULL)`,
    `INSERT INTO migration_attempt VALUES ('m-2', 1, 'CHECK', 'do', 1, 1006, 1007, NULL)`,
    `INSERT INTO migration_attempt VALUES ('m-2', 2, 'PREPARE', 'do', 1, 1007, NULL, NULL)`,
    `INSERT INTO stray VALUES ('m-1', 1, '1', '4', '2', '2305843009213693957', 7, 1008)`,
  ],
  [`INSERT INTO access_point VALUES ('p-1', 1, 'h:9092', '{"a":"h:9093"}', 1)`],
]

/** All that a store of version `from` holds, and the store of today that is opened on it. */
async function checkUpgraded(store: Store, from: number): Promise<void> {
  const routes = await store.routes()
  if (from === 0) {
    expect([routes.version, routes.clusters.size]).toEqual([0, 0])
    return
  }
  expect([store.id, routes.version]).toEqual(['the-store', 41])
  expect(
    (await store.clusters()).map(({ name, number, partitionsMax }) => [name, number, partitionsMax]),
  ).toEqual([
    ['a', 1, null],
    ['b', 2, 500],
  ])
  const orders = routes.topic('default', 'orders')
  expect(orders?.toJSON()).toMatchObject({
    id: 't-1',
    partitions: 2,
    prepared: { cluster: 'b', topic: 'orders.next' },
    loglets: [
      { cluster: 'a', topic: 'orders', end: ['3', '1'] },
      { cluster: 'b', topic: 'orders.x', base: ['3', '1'] },
    ],
  })
  expect(await store.leftovers()).toEqual([{ cluster: 'a', topic: 'orders.old', recordedAt: 1003 }])
  expect(await store.nextClusterNumber()).toBe(3)
  if (from >= 2) {
    // One is drained, the other goes on where it was.
    expect((await store.sagas.unfinished()).map(({ id, step }) => [id, step])).toEqual([
      ['m-1.retirement', 'DRAIN'],
      ['m-2', 'PREPARE'],
    ])
    expect((await store.sagas.attempts('m-2')).map(({ step, endedAt }) => [step, endedAt])).toEqual([
      ['CHECK', 1007],
      ['PREPARE', null],
    ])
    expect(await store.sagas.get('m-1')).toMatchObject({ state: 'done', step: 'SWITCH' })
    expect(await store.migrations.get('m-1')).toMatchObject({
      state: 'switched',
      cuts: [3n, 1n],
      sealMs: 1.5,
      overrideBeforeSeal: { value: null },
    })
    expect(await store.migrations.underway('t-1')).toMatchObject({ id: 'm-2', step: 'PREPARE' })
    const strays = await store.migrations.strays('m-1')
    expect(strays).toMatchObject([{ partition: 1, to: 4n, producerId: 2n ** 61n + 5n, nextSequence: 7 }])
  }
  if (from >= 3)
    expect(routes.accessPoints.get('p-1')).toMatchObject({ number: 1, listeners: { a: 'h:9093' } })
  // And it takes what is written today.
  expect(await store.setLeader('p', 'http://p', 1)).toBe(1)
  await store.raiseRouteVersion({ version: 42, json: '{}' }, 0)
  expect(await store.routeVersion()).toBe(42)
}

/** Each version in its turn, with what it wrote. */
const upTo = (from: number) =>
  Array.from({ length: from + 1 }, (_, i) => ({
    filesThen: files.slice(0, i),
    written: writtenAt[i] ?? [],
  }))

describe('SQLite', () => {
  for (let from = 0; from <= files.length; from++) {
    test(`from version ${from}`, async () => {
      const db = new DatabaseSync(':memory:')
      for (const { filesThen, written } of upTo(from)) {
        upgradeSqlite(db, filesThen)
        for (const sql of written) db.exec(sql)
      }
      upgradeSqlite(db)
      upgradeSqlite(db)
      expect(db.prepare('PRAGMA user_version').get()).toMatchObject({ user_version: files.length })
      const store = await Store.open(new SerialDatabase(new SqliteConnection(db)))
      onTestFinished(() => store.close())
      await checkUpgraded(store, from)
    })
  }

  test('a fresh one is made', async () => {
    const store = await Store.open(openSqlite(':memory:'))
    onTestFinished(() => store.close())
    await checkUpgraded(store, 0)
  })
})

describe('PostgreSQL', () => {
  let server: TestPostgres
  beforeAll(async () => {
    server = await startPostgres()
  })
  afterAll(() => server.stop())

  for (let from = 0; from <= files.length; from++) {
    test(`from version ${from}`, async () => {
      const connection = await PostgresConnection.open(await server.database(), {
        use: 'write',
        onLost: () => {},
      })
      onTestFinished(() => connection.close())
      for (const { filesThen, written } of upTo(from)) {
        await upgradePostgres(connection, filesThen)
        for (const sql of written) await connection.say(sql)
      }
      await upgradePostgres(connection)
      await upgradePostgres(connection)
      expect(await postgresVersion(connection)).toBe(files.length)
      await checkUpgraded(await Store.open(new SerialDatabase(connection)), from)
    })
  }
})

test('the words of a schema file in PostgreSQL', () => {
  const file: SchemaFile['sql'] = `-- INTEGER in a comment
    CREATE TABLE a (n INTEGER PRIMARY KEY, t TEXT NOT NULL, r REAL) STRICT; -- more
    CREATE TABLE b (t TEXT) STRICT, WITHOUT ROWID;`
  expect(postgresSchema(file).replaceAll(/\s+/g, ' ').trim()).toBe(
    'CREATE TABLE a (n BIGINT PRIMARY KEY, t TEXT COLLATE "C" NOT NULL, r DOUBLE PRECISION); ' +
      'CREATE TABLE b (t TEXT COLLATE "C");',
  )
})
