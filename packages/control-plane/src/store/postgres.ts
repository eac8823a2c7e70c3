// One connection to PostgreSQL. It never connects again by itself: whoever holds a lock on it must know that it is
// gone, and that nothing which is asked later can still be written.
import { Socket } from 'node:net'
import pg from 'pg'
import type { Row, Value } from './database.ts'
import { numbered } from './placeholders.ts'
import type { Connection } from './serial-database.ts'

export interface PostgresLimits {
  readonly connectMaxMs: number
  /** One statement, at the server. */
  readonly statementMaxMs: number
  /** One statement, as we wait for it. After it the connection counts as lost. */
  readonly answerMaxMs: number
  /** Between two things said: a server hears nothing for so long only of a process that hangs, and ends the session. */
  readonly silenceMaxMs: number
  /** Of a connection on which nothing else is said. */
  readonly heartbeatMs: number
}

export const defaultPostgresLimits: PostgresLimits = {
  connectMaxMs: 5_000,
  statementMaxMs: 10_000,
  answerMaxMs: 12_000,
  silenceMaxMs: 10_000,
  heartbeatMs: 1_000,
}

/** What other control planes wait for. */
export const changesChannel = 'braid_changes'

const preparedMax = 1_000

/** As SQLite gives them: numbers, strings, NULL. */
const numbers = new Set<number>([
  pg.types.builtins.INT2,
  pg.types.builtins.INT4,
  pg.types.builtins.INT8,
  pg.types.builtins.NUMERIC,
  pg.types.builtins.FLOAT4,
  pg.types.builtins.FLOAT8,
])
const typeParsers = {
  getTypeParser: (oid: number) => {
    if (numbers.has(oid)) return Number
    if (oid === pg.types.builtins.BOOL) return (text: string) => (text === 't' ? 1 : 0)
    return (text: string) => text
  },
}

export interface PostgresOptions {
  /** `read`: every transaction sees one moment and writes nothing. */
  readonly use: 'write' | 'read'
  /** Called once, when the connection is gone without close(). */
  onLost(reason: Error): void
  readonly onNotice?: (() => void) | undefined
  readonly limits?: Partial<PostgresLimits> | undefined
}

export class PostgresConnection implements Connection {
  private readonly client: pg.Client
  private readonly socket: Socket
  private readonly limits: PostgresLimits
  private readonly options: PostgresOptions
  private readonly statements = new Map<string, pg.QueryConfig>()
  private tail: Promise<unknown> = Promise.resolve()
  private gone: Error | undefined
  private heartbeat: NodeJS.Timeout | undefined

  private constructor(url: string, options: PostgresOptions) {
    this.options = options
    this.limits = { ...defaultPostgresLimits, ...options.limits }
    this.socket = new Socket()
    this.client = new pg.Client({
      connectionString: url,
      connectionTimeoutMillis: this.limits.connectMaxMs,
      statement_timeout: this.limits.statementMaxMs,
      keepAlive: true,
      keepAliveInitialDelayMillis: 1_000,
      application_name: `braid control plane, ${options.use}`,
      stream: () => this.socket,
      types: typeParsers,
    })
    this.client.on('error', (error: Error) => this.lose(error))
    this.client.on('end', () => this.lose(new Error('the server ended the connection')))
    this.client.on('notification', () => options.onNotice?.())
  }

  /** `url` is postgres://user@host:port/database. */
  static async open(url: string, options: PostgresOptions): Promise<PostgresConnection> {
    const opening = new PostgresConnection(url, options)
    try {
      await opening.client.connect()
      await opening.settle()
      return opening
    } catch (error) {
      opening.gone ??= error as Error
      opening.socket.destroy()
      throw new Error(`${withoutPassword(url)} cannot be used: ${(error as Error).message}`, { cause: error })
    }
  }

  all(sql: string, values: readonly Value[]): Promise<Row[]> {
    return this.ask(sql, values).then(({ rows }) => rows)
  }

  run(sql: string, values: readonly Value[]): Promise<number> {
    return this.ask(sql, values).then(({ rowCount }) => rowCount ?? 0)
  }

  async begin(): Promise<void> {
    await this.say(this.options.use === 'read' ? 'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY' : 'BEGIN')
  }

  /** When its answer does not come, nobody knows what was committed: then the connection is lost. */
  async commit(): Promise<void> {
    const { command } = await this.say('COMMIT')
    if (command !== 'COMMIT') throw new Error(`PostgreSQL answered COMMIT with ${command}`)
  }

  async rollback(): Promise<void> {
    if (this.gone === undefined) await this.say('ROLLBACK').catch((error: Error) => this.lose(error))
  }

  async notify(): Promise<void> {
    await this.say(`NOTIFY ${changesChannel}`)
  }

  async listen(): Promise<void> {
    await this.say(`LISTEN ${changesChannel}`)
  }

  async backup(): Promise<void> {
    throw new Error(
      'this store is in PostgreSQL, which has its own tools for it: use pg_dump, or what keeps the server safe already',
    )
  }

  /** Statements without values, several at a time. */
  say(sql: string): Promise<pg.QueryResult<Row>> {
    return this.inTurn(() => this.client.query<Row>(sql))
  }

  async close(): Promise<void> {
    clearInterval(this.heartbeat)
    if (this.gone !== undefined) return
    this.gone = new Error('the connection is closed')
    const deadline = setTimeout(() => this.socket.destroy(), 1_000).unref()
    await this.client.end().catch(() => {})
    clearTimeout(deadline)
    this.socket.destroy()
  }

  private ask(sql: string, values: readonly Value[]): Promise<pg.QueryResult<Row>> {
    return this.inTurn(() => this.client.query<Row>({ ...this.statement(sql), values: values.map(storable) }))
  }

  /** The client takes one at a time; calls of one transaction may come at once. */
  private inTurn<T>(question: () => Promise<T>): Promise<T> {
    const answer = this.tail.then(() => this.inTime(question))
    this.tail = answer.catch(() => {})
    return answer
  }

  private async inTime<T>(question: () => Promise<T>): Promise<T> {
    if (this.gone !== undefined) throw this.gone
    const late = Promise.withResolvers<never>()
    const timer = setTimeout(() => {
      const reason = new Error(`PostgreSQL did not answer within ${this.limits.answerMaxMs} ms`)
      this.lose(reason)
      late.reject(reason)
    }, this.limits.answerMaxMs)
    try {
      return await Promise.race([question(), late.promise])
    } finally {
      clearTimeout(timer)
    }
  }

  private lose(reason: Error): void {
    if (this.gone !== undefined) return
    this.gone = reason
    clearInterval(this.heartbeat)
    this.socket.destroy()
    this.options.onLost(reason)
  }

  /** The server, too, gives up on a process that is gone or hangs, and what it locked is free again. */
  private async settle(): Promise<void> {
    const { silenceMaxMs, heartbeatMs } = this.limits
    const [row] = await this.all(`SELECT current_setting('server_version_num') AS version`, [])
    const version = Number(row?.version)
    if (version < 120_000) throw new Error(`PostgreSQL 12 or later is needed, this one is ${version}`)
    await this.say(
      `SET idle_in_transaction_session_timeout = ${silenceMaxMs}; SET tcp_keepalives_idle = 2;
       SET tcp_keepalives_interval = 2; SET tcp_keepalives_count = 3; SET tcp_user_timeout = ${silenceMaxMs};
       SET client_encoding = 'UTF8'`,
    )
    if (version >= 140_000) await this.say(`SET idle_session_timeout = ${silenceMaxMs}`)
    this.heartbeat = setInterval(() => {
      // Any answer will do, also that the transaction in progress has failed.
      this.say('SELECT 1').catch(() => {})
    }, heartbeatMs).unref()
  }

  /** Prepared once: most of a small query's time is its planning. */
  private statement(sql: string): pg.QueryConfig {
    const known = this.statements.get(sql)
    if (known !== undefined) return known
    const text = numbered(sql)
    if (this.statements.size >= preparedMax) return { text }
    const statement = { text, name: `braid-${this.statements.size}` }
    this.statements.set(sql, statement)
    return statement
  }
}

/** PostgreSQL's text cannot hold NUL, and messages of others may. */
function storable(value: Value): Value {
  return typeof value === 'string' && value.includes('\0') ? value.replaceAll('\0', '\u{FFFD}') : value
}

export function withoutPassword(url: string): string {
  return url.replace(/(:\/\/[^:/@]*):[^@]*@/, '$1:***@').replace(/([?&]password=)[^&]*/, '$1***')
}
