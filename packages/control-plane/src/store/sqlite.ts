// One SQLite file, one process. What is committed is on the disk: a switch that was announced survives the power.
import { existsSync, mkdirSync } from 'node:fs'
import { open, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { backup, DatabaseSync, type StatementSync } from 'node:sqlite'
import type { Row, Value } from './database.ts'
import { filesAfter, type SchemaFile, schemaFiles } from './schema.ts'
import { type Connection, SerialDatabase } from './serial-database.ts'

const backupPages = 10_000

/** `:memory:` forgets everything at its end. */
export function openSqlite(file: string): SerialDatabase {
  // Hashes of tokens and the audit trail are nobody else's to read.
  if (file !== ':memory:') mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  const db = new DatabaseSync(file, { timeout: 0 })
  try {
    // Exclusive: two control planes on one file would each be sure of their own route version.
    db.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL')
    upgradeSqlite(db)
  } catch (error) {
    db.close()
    if (error instanceof Error && /database is locked/.test(error.message)) {
      throw new Error(
        `${file} is in use by another control plane: stop it, or choose another data directory`,
        {
          cause: error,
        },
      )
    }
    throw new Error(`the store ${file} cannot be opened: ${(error as Error).message}`, { cause: error })
  }
  return new SerialDatabase(new SqliteConnection(db))
}

/** Brings a database of any earlier version to the present one; each file in its own transaction. */
export function upgradeSqlite(db: DatabaseSync, files: readonly SchemaFile[] = schemaFiles()): void {
  const { user_version: at } = db.prepare('PRAGMA user_version').get() as { user_version: number }
  for (const { number, sql } of filesAfter(at, files)) {
    db.exec('BEGIN IMMEDIATE')
    try {
      db.exec(sql)
      db.exec(`PRAGMA user_version = ${number}; COMMIT`)
    } catch (error) {
      db.exec('ROLLBACK')
      throw error
    }
  }
}

export class SqliteConnection implements Connection {
  private readonly db: DatabaseSync
  private readonly statements = new Map<string, StatementSync>()

  constructor(db: DatabaseSync) {
    this.db = db
  }

  all(sql: string, values: readonly Value[]): Row[] {
    return this.statement(sql).all(...values) as Row[]
  }

  run(sql: string, values: readonly Value[]): number {
    return Number(this.statement(sql).run(...values).changes)
  }

  begin(): undefined {
    this.db.exec('BEGIN IMMEDIATE')
  }

  commit(): undefined {
    this.db.exec('COMMIT')
  }

  rollback(): undefined {
    if (this.db.isTransaction) this.db.exec('ROLLBACK')
  }

  notify(): undefined {}

  /** Whoever writes waits meanwhile, the process does not. */
  async backup(file: string): Promise<void> {
    if (existsSync(file)) throw new Error(`${file} is there already: choose a new name for the backup`)
    const partial = `${file}.partial`
    try {
      mkdirSync(dirname(file), { recursive: true })
      await backup(this.db, partial, { rate: backupPages })
      const written = await open(partial, 'r+')
      await written.sync().finally(() => written.close())
      await rename(partial, file)
    } catch (error) {
      await rm(partial, { force: true }).catch(() => {})
      throw new Error(`the backup to ${file} failed: ${(error as Error).message}`, { cause: error })
    }
  }

  close(): undefined {
    if (this.db.isOpen) this.db.close()
  }

  private statement(sql: string): StatementSync {
    let statement = this.statements.get(sql)
    if (statement === undefined) {
      statement = this.db.prepare(sql)
      this.statements.set(sql, statement)
    }
    return statement
  }
}
