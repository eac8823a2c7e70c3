// One connection, shared in turns: what is the same for all databases.
import { AsyncLocalStorage } from 'node:async_hooks'
import type { Database, Row, Value } from './database.ts'

/** A connection to a database, which knows nothing of who asks. Answers at once or later. */
export interface Connection {
  all(sql: string, values: readonly Value[]): Row[] | Promise<Row[]>
  run(sql: string, values: readonly Value[]): number | Promise<number>
  notify(): undefined | Promise<void>
  backup(file: string): Promise<void>
  begin(): undefined | Promise<void>
  commit(): undefined | Promise<void>
  rollback(): undefined | Promise<void>
  close(): undefined | Promise<void>
}

interface Waiting {
  readonly begin: () => void
  readonly fail: (error: Error) => void
}

/**
 * A transaction waits for nothing but the store. One that takes so long waits for something else, and everybody for it.
 */
const transactionMaxMs = 30_000

/** More than this wait only when nothing is answered any more. */
const waitingMax = 100_000

class Transaction {
  readonly committed: (() => void)[] = []
  private state:
    | { readonly name: 'open' }
    | { readonly name: 'failed'; readonly error: unknown }
    | undefined = {
    name: 'open',
  }

  /** Throws unless calls may be made in it. */
  check(): void {
    if (this.state === undefined) {
      throw new Error('the store was asked after its transaction had ended: an await is missing')
    }
    if (this.state.name === 'failed') throw this.state.error
  }

  fail(error: unknown): void {
    if (this.state?.name === 'open') this.state = { name: 'failed', error }
  }

  end(): void {
    this.state = undefined
  }
}

export class SerialDatabase implements Database {
  private readonly connection: Connection
  private readonly limits: { readonly transactionMaxMs: number }
  private readonly flow = new AsyncLocalStorage<Transaction>()
  private readonly waiting: Waiting[] = []
  private busy = false
  private open: Transaction | undefined
  private closed: Error | undefined

  constructor(connection: Connection, limits: { transactionMaxMs: number } = { transactionMaxMs }) {
    this.connection = connection
    this.limits = limits
  }

  get current(): object | undefined {
    return this.flow.getStore()
  }

  async get(sql: string, ...values: Value[]): Promise<Row | undefined> {
    return (await this.all(sql, ...values))[0]
  }

  all(sql: string, ...values: Value[]): Promise<Row[]> {
    return this.ask(() => this.connection.all(sql, values))
  }

  run(sql: string, ...values: Value[]): Promise<number> {
    return this.ask(() => this.connection.run(sql, values))
  }

  notify(): Promise<void> {
    return this.ask(async () => this.connection.notify())
  }

  backup(file: string): Promise<void> {
    if (this.flow.getStore() !== undefined) throw new Error('a backup cannot be part of a transaction')
    return this.ask(() => this.connection.backup(file))
  }

  get ended(): Error | undefined {
    return this.closed
  }

  async transaction<T>(work: () => Promise<T>): Promise<T> {
    const outer = this.flow.getStore()
    if (outer !== undefined) return this.within(outer, work)
    await this.turn()
    try {
      const own = new Transaction()
      const result = await this.commit(own, work)
      for (const announce of own.committed) announceSafely(announce)
      return result
    } finally {
      this.next()
    }
  }

  afterCommit(announce: () => void): void {
    const inside = this.flow.getStore()
    if (inside === undefined) {
      announce()
      return
    }
    inside.check()
    inside.committed.push(announce)
  }

  async close(): Promise<void> {
    this.end(new Error('the store is closed'))
    await this.connection.close()
  }

  /** From now on every call throws this. What is written and not committed never will be. */
  end(reason: Error): void {
    this.closed ??= reason
    this.open?.fail(this.closed)
    for (const { fail } of this.waiting.splice(0)) fail(this.closed)
  }

  private async commit<T>(own: Transaction, work: () => Promise<T>): Promise<T> {
    this.open = own
    try {
      await this.connection.begin()
      const result = await this.inTime(own, this.flow.run(own, work))
      own.check()
      await this.connection.commit()
      return result
    } catch (error) {
      if (this.closed === undefined) await this.connection.rollback()
      throw error
    } finally {
      own.end()
      this.open = undefined
    }
  }

  /** When it is late the transaction is over, whatever its work still waits for. */
  private inTime<T>(own: Transaction, work: Promise<T>): Promise<T> {
    const late = Promise.withResolvers<never>()
    const timer = setTimeout(() => {
      const { transactionMaxMs: ms } = this.limits
      const error = new Error(`a transaction of the store did not end within ${ms} ms, and was rolled back`)
      own.fail(error)
      late.reject(error)
    }, this.limits.transactionMaxMs).unref()
    return Promise.race([work, late.promise]).finally(() => clearTimeout(timer))
  }

  private async ask<T>(question: () => T | Promise<T>): Promise<T> {
    const inside = this.flow.getStore()
    if (inside !== undefined) return this.within(inside, question)
    await this.turn()
    try {
      return await question()
    } finally {
      this.next()
    }
  }

  private async within<T>(transaction: Transaction, work: () => T | Promise<T>): Promise<T> {
    transaction.check()
    try {
      return await work()
    } catch (error) {
      transaction.fail(error)
      throw error
    }
  }

  private turn(): Promise<void> | undefined {
    if (this.closed !== undefined) throw this.closed
    if (!this.busy) {
      this.busy = true
      return undefined
    }
    if (this.waiting.length >= waitingMax) {
      throw new Error(`${waitingMax} calls wait for the store: it does not answer any more`)
    }
    return new Promise((begin, fail) => this.waiting.push({ begin, fail }))
  }

  private next(): void {
    const next = this.waiting.shift()
    if (next === undefined) this.busy = false
    else next.begin()
  }
}

/** What was committed is committed: an announcement that throws must not look like a transaction that failed. */
function announceSafely(announce: () => void): void {
  try {
    announce()
  } catch (error) {
    queueMicrotask(() => {
      throw error
    })
  }
}
