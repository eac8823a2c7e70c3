import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, onTestFinished, test } from 'vitest'
import { databaseContract } from '../testing/database-contract.ts'
import { failoverContract } from '../testing/failover-contract.ts'
import { reconcileContract } from '../testing/reconcile-contract.ts'
import { storeContract } from '../testing/store-contract.ts'
import { schemaFiles } from './schema.ts'
import { SerialDatabase } from './serial-database.ts'
import { openSqlite, SqliteConnection, upgradeSqlite } from './sqlite.ts'
import { Store } from './store.ts'

function file(): string {
  const folder = mkdtempSync(join(tmpdir(), 'braid-store-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return join(folder, 'deep', 'store.db')
}

async function place() {
  const at = file()
  return { open: async () => openSqlite(at) }
}

describe('as a database', () => databaseContract(place))
describe('as a store', () => storeContract(place))
describe('as a store of the reconciler', () => reconcileContract(place))
describe('as a store of failovers', () => failoverContract(place))

test("what is committed is on the disk before it is announced, and not only in the system's memory", async () => {
  const db = openSqlite(file())
  onTestFinished(() => db.close())
  expect(await db.get('PRAGMA synchronous')).toMatchObject({ synchronous: 2 })
  expect(await db.get('PRAGMA journal_mode')).toMatchObject({ journal_mode: 'wal' })
})

test('a file that another control plane has open is refused by name', async () => {
  const at = file()
  const db = openSqlite(at)
  onTestFinished(() => db.close())
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

test('a transaction that waits for something else is ended, and the next ones go on', async () => {
  const native = new DatabaseSync(':memory:')
  const db = new SerialDatabase(new SqliteConnection(native), { transactionMaxMs: 30 })
  onTestFinished(() => db.close())
  await db.run('CREATE TABLE thing (name TEXT)')
  const stuck = db.transaction(async () => {
    await db.run("INSERT INTO thing VALUES ('stuck')")
    await new Promise(() => {})
  })
  const next = db.run("INSERT INTO thing VALUES ('next')")
  await expect(stuck).rejects.toThrow(/did not end within 30 ms, and was rolled back/)
  await next
  expect((await db.all('SELECT name FROM thing')).map(({ name }) => name)).toEqual(['next'])
})

describe('a backup', () => {
  test('is a store of one moment, made while others write', async () => {
    const store = await Store.open(openSqlite(file()))
    onTestFinished(() => store.close())
    const go = Promise.withResolvers<void>()
    const before = store.transaction(async () => {
      await store.setLeader('one', 'http://one', 1)
      await go.promise
      await store.setLeader('two', 'http://two', 2)
    })
    const to = join(file(), '..', 'backup.db')
    const made = store.backup(to)
    const after = store.setLeader('three', 'http://three', 3)
    go.resolve()
    await Promise.all([before, made, after])
    const copy = await Store.open(openSqlite(to))
    onTestFinished(() => copy.close())
    expect([copy.id, (await copy.leader())?.id]).toEqual([store.id, 'two'])
    expect((await store.leader())?.id).toBe('three')
  })

  test('never replaces a file, and leaves nothing when it fails', async () => {
    const at = file()
    const store = await Store.open(openSqlite(at))
    onTestFinished(() => store.close())
    await expect(store.backup(at)).rejects.toThrow(`${at} is there already: choose a new name`)
    await expect(store.backup(join(at, 'backup.db'))).rejects.toThrow(/the backup to .* failed/)
    expect(await store.setLeader('p', 'http://p', 1)).toBe(1)
  })
})
