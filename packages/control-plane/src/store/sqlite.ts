// One SQLite file, one process. What is committed is on the disk: a switch that was announced survives the power.
import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import type { Row, Value } from './database.ts'
import { upgradeSchema } from './schema.ts'
import { type Connection, SerialDatabase } from './serial-database.ts'

/** `:memory:` forgets everything at its end. */
export function openSqlite(file: string): SerialDatabase {
  if (file !== ':memory:') mkdirSync(dirname(file), { recursive: true })
  const db = new DatabaseSync(file, { timeout: 0 })
  try {
    // Exclusive: two control planes on one file would each be sure of their own route version.
    db.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL')
    upgradeSchema(db)
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

class SqliteConnection implements Connection {
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
