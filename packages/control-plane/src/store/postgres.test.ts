import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { databaseContract } from '../testing/database-contract.ts'
import { failoverContract } from '../testing/failover-contract.ts'
import { startPostgres, type TestPostgres } from '../testing/postgres.ts'
import { reconcileContract } from '../testing/reconcile-contract.ts'
import { storeContract } from '../testing/store-contract.ts'
import { PostgresConnection, type PostgresOptions } from './postgres.ts'
import { postgresVersion, upgradePostgres } from './postgres-schema.ts'
import { schemaFiles } from './schema.ts'
import { SerialDatabase } from './serial-database.ts'
import { Store } from './store.ts'

let server: TestPostgres
beforeAll(async () => {
  server = await startPostgres()
})
afterAll(() => server.stop())

async function connect(url: string, options: Partial<PostgresOptions> = {}): Promise<PostgresConnection> {
  const connection = await PostgresConnection.open(url, { use: 'write', onLost: () => {}, ...options })
  onTestFinished(() => connection.close())
  return connection
}

async function place() {
  const url = await server.database()
  return {
    open: async () => {
      const connection = await connect(url)
      await upgradePostgres(connection)
      return new SerialDatabase(connection)
    },
  }
}

describe('as a database', () => databaseContract(place))
describe('as a store', () => storeContract(place))
describe('as a store of the reconciler', () => reconcileContract(place))
describe('as a store of failovers', () => failoverContract(place))

const ofConnection = (pid: unknown) => `SELECT pg_terminate_backend(${pid})`
const pidOf = async (connection: PostgresConnection) =>
  (await connection.all('SELECT pg_backend_pid() AS pid', []))[0]?.pid

describe('a connection that is lost', () => {
  test('says so at once; what is open and what waits fails, and nothing of it is there', async () => {
    const url = await server.database()
    const lost = Promise.withResolvers<Error>()
    const connection = await connect(url, { onLost: lost.resolve })
    await connection.say('CREATE TABLE thing (name TEXT)')
    const db = new SerialDatabase(connection)
    void lost.promise.then((reason) => db.end(reason))
    const pid = await pidOf(connection)
    const open = db.transaction(async () => {
      await db.run("INSERT INTO thing VALUES ('open')")
      await server.ask(url, ofConnection(pid))
      await lost.promise
      await db.run("INSERT INTO thing VALUES ('after')")
    })
    const waiting = db.run("INSERT INTO thing VALUES ('waiting')")
    const outcomes = await Promise.allSettled([open, waiting])
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    await expect(db.run("INSERT INTO thing VALUES ('later')")).rejects.toThrow(/terminat|ended/)
    expect(db.ended).toBe(await lost.promise)
    expect(await server.ask(url, 'SELECT * FROM thing')).toEqual([])
  })

  test('also when it just does not answer any more', async () => {
    const url = await server.database()
    const lost = Promise.withResolvers<Error>()
    const limits = { answerMaxMs: 150, statementMaxMs: 60_000 }
    const connection = await connect(url, { onLost: lost.resolve, limits })
    await expect(connection.all('SELECT pg_sleep(5)', [])).rejects.toThrow(/did not answer within 150 ms/)
    expect((await lost.promise).message).toMatch(/did not answer within 150 ms/)
    await expect(connection.all('SELECT 1', [])).rejects.toThrow(/did not answer/)
  })

  test('a process that hangs loses it at the server', async () => {
    const url = await server.database()
    const lost = Promise.withResolvers<Error>()
    await connect(url, { onLost: lost.resolve, limits: { silenceMaxMs: 200, heartbeatMs: 60_000 } })
    await lost.promise
    const alive = await connect(url, { limits: { silenceMaxMs: 200, heartbeatMs: 50 } })
    await new Promise((resolve) => setTimeout(resolve, 600))
    expect(await alive.all('SELECT 1 AS one', [])).toEqual([{ one: 1 }])
  })
})

test('a statement that takes too long is ended by the server, and the connection goes on', async () => {
  const url = await server.database()
  const connection = await connect(url, { limits: { statementMaxMs: 100 } })
  await expect(connection.all('SELECT pg_sleep(5)', [])).rejects.toThrow(/statement timeout/)
  expect(await connection.all('SELECT 1 AS one', [])).toEqual([{ one: 1 }])
})

test('text that PostgreSQL cannot hold is stored as near as can be', async () => {
  const connection = await connect(await server.database())
  expect(await connection.all('SELECT CAST(? AS TEXT) AS text', ['a\0b'])).toEqual([{ text: 'a\u{FFFD}b' }])
})

test('one that reads sees one moment in a transaction, and cannot write', async () => {
  const url = await server.database()
  const writing = await connect(url)
  await upgradePostgres(writing)
  const store = await Store.open(new SerialDatabase(writing))
  const reading = await Store.openToRead(new SerialDatabase(await connect(url, { use: 'read' })))
  await reading
    ?.transaction(async () => {
      expect(await reading.routeVersion()).toBe(0)
      await store.raiseRouteVersion({ version: 1, json: '{}' }, 0)
      expect(await reading.routeVersion()).toBe(0)
      await expect(reading.setLeader('p', 'http://p', 1)).rejects.toThrow(/read-only/)
    })
    .catch((error: Error) => expect(error.message).toMatch(/read-only/))
  expect(await reading?.routeVersion()).toBe(1)
})

test('others hear of what is committed, and of nothing else', async () => {
  const url = await server.database()
  const db = new SerialDatabase(await connect(url))
  let heard = 0
  const listening = await connect(url, { use: 'read', onNotice: () => void heard++ })
  await listening.listen()
  const failing = db.transaction(async () => {
    await db.notify()
    throw new Error('no')
  })
  await expect(failing).rejects.toThrow('no')
  await db.transaction(async () => {
    await db.notify()
    await listening.all('SELECT 1', [])
    expect(heard).toBe(0)
  })
  await expect.poll(() => heard).toBe(1)
})

describe('what cannot be used says which, and why', () => {
  test('nobody listens there', async () => {
    const url = 'postgres://braid:secret@127.0.0.1:1/braid'
    await expect(connect(url)).rejects.toThrow(
      'postgres://braid:***@127.0.0.1:1/braid cannot be used: connect ECONNREFUSED',
    )
  })

  test('no such database', async () => {
    const url = (await server.database()).replace(/test_\d+$/, 'nowhere')
    await expect(connect(url)).rejects.toThrow(/cannot be used: database "nowhere" does not exist/)
  })

  test('a backup is left to PostgreSQL', async () => {
    const db = new SerialDatabase(await connect(await server.database()))
    await expect(db.backup('/tmp/x')).rejects.toThrow(/use pg_dump/)
  })
})

describe('the schema', () => {
  test('of a newer release is refused', async () => {
    const connection = await connect(await server.database())
    await upgradePostgres(connection)
    await connection.run('UPDATE schema_version SET version = 99', [])
    await expect(upgradePostgres(connection)).rejects.toThrow(/newer release.*upgrade Braid/)
  })

  test('a file that fails leaves the version before it', async () => {
    const connection = await connect(await server.database())
    const files = schemaFiles()
    const number = files.length + 1
    const broken = { number, name: 'broken.sql', sql: 'CREATE TABLE x (a TEXT); CREATE NONSENSE' }
    await expect(upgradePostgres(connection, [...files, broken])).rejects.toThrow(/NONSENSE/)
    expect(await postgresVersion(connection)).toBe(files.length)
    expect(await connection.all(`SELECT to_regclass('x') AS x`, [])).toEqual([{ x: null }])
  })
})
