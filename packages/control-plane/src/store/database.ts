// One SQLite file, one process. What is committed is on the disk: a switch that was announced survives the power.
import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite'
import { upgradeSchema } from './schema.ts'

export type Row = Record<string, string | number | null>

export class Database {
  private readonly db: DatabaseSync
  private readonly statements = new Map<string, StatementSync>()
  private depth = 0
  private committed: (() => void)[] = []

  /** `:memory:` for tests. */
  constructor(file: string) {
    if (file !== ':memory:') mkdirSync(dirname(file), { recursive: true })
    this.db = new DatabaseSync(file, { timeout: 0 })
    try {
      // Exclusive: two control planes on one file would each be sure of their own route version.
      this.db.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL')
      upgradeSchema(this.db)
    } catch (error) {
      this.db.close()
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
  }

  get(sql: string, ...values: SQLInputValue[]): Row | undefined {
    return this.statement(sql).get(...values) as Row | undefined
  }

  all(sql: string, ...values: SQLInputValue[]): Row[] {
    return this.statement(sql).all(...values) as Row[]
  }

  /** The number of rows changed. */
  run(sql: string, ...values: SQLInputValue[]): number {
    return Number(this.statement(sql).run(...values).changes)
  }

  /**
   * All of `work` or nothing of it, durable when this returns. Inside another transaction it is part of that one.
   * Never asynchronous: nothing else can come between.
   */
  transaction<T>(work: () => T): T {
    if (this.depth > 0) return work()
    this.db.exec('BEGIN IMMEDIATE')
    this.depth++
    let result: T
    try {
      result = work()
      this.db.exec('COMMIT')
    } catch (error) {
      this.committed = []
      if (this.db.isTransaction) this.db.exec('ROLLBACK')
      throw error
    } finally {
      this.depth--
    }
    for (const announce of this.committed.splice(0)) announce()
    return result
  }

  /** Runs when the transaction that we are in has been committed, and not at all if it is not. */
  afterCommit(announce: () => void): void {
    if (this.depth === 0) announce()
    else this.committed.push(announce)
  }

  close(): void {
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
