// Reads what the leader writes: the routes, for the feeds of this process, and who leads.
import { setTimeout as wait } from 'node:timers/promises'
import { type Log, reasonOf } from '../log.ts'
import { catchUp } from '../routes/catch-up.ts'
import type { PublishedRoutes } from '../routes/published-routes.ts'
import { PostgresConnection } from '../store/postgres.ts'
import type { LeaderRow } from '../store/rows.ts'
import { SerialDatabase } from '../store/serial-database.ts'
import { Store } from '../store/store.ts'

interface FollowerParts {
  readonly storeUrl: string
  readonly published: PublishedRoutes
  readonly log: Log
  /** Between looks when nothing wakes us, and between tries to connect. */
  readonly lookEveryMs: number
}

/** A schema that nobody has made yet. */
const undefinedTable = '42P01'

export class Follower {
  private readonly parts: FollowerParts
  private readonly closing = new AbortController()
  private wake: () => void = () => {}
  private woken = false
  private paused = false
  private looking: Promise<void> = Promise.resolve()
  private following: Promise<void> | undefined
  private known: LeaderRow | undefined
  private lastReason = ''
  /** What the leader has written, while we can read it. */
  reading: Store | undefined

  constructor(parts: FollowerParts) {
    this.parts = parts
  }

  /** The last that is known to have led. */
  get leader(): LeaderRow | undefined {
    return this.known
  }

  /** Rejects when the store cannot be reached at all. */
  async start(): Promise<void> {
    const first = await this.connect()
    this.following = this.keepFollowing(first)
  }

  /** Resolves when nothing is published from here any more, until resume(). */
  async pause(): Promise<void> {
    this.paused = true
    await this.looking
  }

  resume(): void {
    this.paused = false
    this.stir()
  }

  async close(): Promise<void> {
    this.closing.abort()
    this.stir()
    await this.following
  }

  private async connect(): Promise<PostgresConnection> {
    return PostgresConnection.open(this.parts.storeUrl, {
      use: 'read',
      onLost: () => this.stir(),
      onNotice: () => this.stir(),
    })
  }

  private async keepFollowing(first: PostgresConnection): Promise<void> {
    const { log, lookEveryMs } = this.parts
    let connection: PostgresConnection | undefined = first
    while (!this.closing.signal.aborted) {
      try {
        connection ??= await this.connect()
        await this.follow(connection)
      } catch (error) {
        const reason = reasonOf(error)
        if (reason !== this.lastReason) log('warn', 'leadership.store-away', { reason })
        this.lastReason = reason
        await wait(lookEveryMs / 2, undefined, { signal: this.closing.signal, ref: false }).catch(() => {})
      } finally {
        this.reading = undefined
        await connection?.close()
        connection = undefined
      }
    }
  }

  private async follow(connection: PostgresConnection): Promise<void> {
    const db = new SerialDatabase(connection)
    await connection.listen()
    let store: Store | undefined
    while (!this.closing.signal.aborted) {
      if (!this.paused) {
        const look = (async () => {
          store ??= await Store.openToRead(db).catch(whenThere)
          this.reading = store
          if (store !== undefined) await this.look(store)
        })()
        this.looking = look.catch(() => {})
        await look
        this.lastReason = ''
      } else await connection.say('SELECT 1')
      await this.untilWoken()
    }
  }

  private async look(store: Store): Promise<void> {
    this.known = await store.leader()
    if (!this.paused) await catchUp(store, this.parts.published)
  }

  private stir(): void {
    this.woken = true
    this.wake()
  }

  private async untilWoken(): Promise<void> {
    if (!this.woken) {
      const { promise, resolve } = Promise.withResolvers<void>()
      this.wake = resolve
      const timer = setTimeout(resolve, this.parts.lookEveryMs).unref()
      await promise
      clearTimeout(timer)
    }
    this.woken = false
  }
}

function whenThere(error: unknown): undefined {
  if ((error as { code?: unknown }).code !== undefinedTable) throw error
  return undefined
}
