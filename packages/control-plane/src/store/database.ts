// What the store asks of a database. Two carry it out: SQLite (sqlite.ts) and PostgreSQL (postgres.ts).

export type Value = string | number | null
export type Row = Record<string, Value>

export interface Database {
  get(sql: string, ...values: Value[]): Promise<Row | undefined>
  all(sql: string, ...values: Value[]): Promise<Row[]>
  /** The number of rows changed. */
  run(sql: string, ...values: Value[]): Promise<number>
  /**
   * All of `work` or nothing of it, durable when this resolves. One at a time: others wait, and so do queries that
   * stand outside. Calls that `work` awaits are part of it, also `transaction` itself. When any of them fails the
   * whole fails, even where the error was caught. A call that comes after its end throws: an `await` is missing.
   */
  transaction<T>(work: () => Promise<T>): Promise<T>
  /**
   * Runs in the tick in which the transaction that we are in was committed, before any other transaction, and not at
   * all if it is not. Must not throw. Outside of a transaction it runs at once.
   */
  afterCommit(announce: () => void): void
  /** Of the transaction that we are in: the same object for all calls in it. */
  readonly current: object | undefined
  /** Wakes whoever listens to the database, when the transaction that we are in is committed. SQLite has nobody. */
  notify(): Promise<void>
  /** A copy of what is committed, in a file that is not there yet. Rejects where the database has better tools. */
  backup(file: string): Promise<void>
  /** Why it cannot be used any more; undefined while it can. */
  readonly ended: Error | undefined
  /** What is under way fails, what waits fails, and so does what comes later. */
  close(): Promise<void>
}
