// One of several control planes on one PostgreSQL. It follows until the lock is its own; then its term begins:
//
//     following ──lock──> upgrading the schema ──> leading ──connection lost, or close()──> following ──> ...
//
// The lock belongs to the connection that does all reads and writes of the term. When the server has let go of it
// for another, what this one still sends cannot be written any more.
import { setTimeout as wait } from 'node:timers/promises'
import type { Answer, Role } from '../api/front.ts'
import { type Log, reasonOf } from '../log.ts'
import { Refusal } from '../refusal.ts'
import type { PublishedRoutes } from '../routes/published-routes.ts'
import { PostgresConnection } from '../store/postgres.ts'
import { upgradePostgres } from '../store/postgres-schema.ts'
import { SerialDatabase } from '../store/serial-database.ts'
import { Store } from '../store/store.ts'
import type { Timings } from '../timings.ts'
import { Follower } from './follower.ts'
import { Forwarder } from './forward.ts'
import { type Seat, type SeatParts, stopping } from './seat.ts'
import type { Term } from './term.ts'

/** Of all control planes on one schema of one database. */
const lock = `SELECT pg_try_advisory_lock(1114792292, hashtext(current_schema())) AS locked`
const readyMaxMs = 5_000

interface ContestedParts {
  readonly storeUrl: string
  readonly id: string
  readonly published: PublishedRoutes
  readonly timings: Timings
  readonly log: Log
}

export class ContestedSeat implements Seat {
  private readonly parts: ContestedParts
  private readonly follower: Follower
  private readonly forwarder: Forwarder
  private readonly closing = new AbortController()
  private campaigning: Promise<void> | undefined
  private leading: { readonly term: Term; readonly store: Store } | undefined
  private lastReason = ''

  constructor(parts: ContestedParts) {
    this.parts = parts
    const { storeUrl, published, log, timings } = parts
    this.follower = new Follower({ storeUrl, published, log, lookEveryMs: timings.followEveryMs })
    this.forwarder = new Forwarder(parts.id)
  }

  role(): Role {
    if (this.leading !== undefined) return { role: 'leader', term: this.leading.term.number }
    return { role: 'reader', leader: this.leaderUrl() ?? null }
  }

  reading(): Store | undefined {
    return this.leading?.store ?? this.follower.reading
  }

  rest(): Answer {
    return this.leading?.term.answer ?? this.forwarder.to(this.leaderUrl())
  }

  async start(parts: SeatParts): Promise<void> {
    await this.follower.start()
    this.campaigning = this.campaign(parts)
    const deadline = performance.now() + readyMaxMs
    while (this.rolePending() && performance.now() < deadline && !this.closing.signal.aborted) await wait(10)
  }

  async backup(file: string): Promise<void> {
    if (this.leading !== undefined) return this.leading.store.backup(file)
    throw new Refusal('NO_LEADER', 'this control plane does not lead: ask the one that does')
  }

  async close(): Promise<void> {
    this.closing.abort(stopping)
    await this.campaigning
    await this.follower.close()
    this.forwarder.close()
  }

  private rolePending(): boolean {
    return (
      this.leading === undefined &&
      (this.parts.published.storeId === undefined || this.leaderUrl() === undefined)
    )
  }

  /** A row that names us from an earlier term leads nowhere. */
  private leaderUrl(): string | undefined {
    const { leader } = this.follower
    return leader?.id === this.parts.id ? undefined : leader?.url
  }

  private async campaign(parts: SeatParts): Promise<void> {
    const { timings, log } = this.parts
    while (!this.closing.signal.aborted) {
      try {
        await this.stand(parts)
      } catch (error) {
        const reason = reasonOf(error)
        if (reason !== this.lastReason) log('warn', 'leadership.cannot-stand', { reason })
        this.lastReason = reason
      }
      await this.pause(timings.lockTryMs)
    }
  }

  /** Until a term of ours has ended, or the store cannot be asked. */
  private async stand(parts: SeatParts): Promise<void> {
    const lost = Promise.withResolvers<Error>()
    const connection = await PostgresConnection.open(this.parts.storeUrl, {
      use: 'write',
      onLost: lost.resolve,
    })
    try {
      while (!this.closing.signal.aborted) {
        const [row] = await connection.all(lock, [])
        if (row?.locked === 1) return await this.lead(connection, lost.promise, parts)
        await this.pause(this.parts.timings.lockTryMs)
      }
    } finally {
      await connection.close()
    }
  }

  private async lead(connection: PostgresConnection, lost: Promise<Error>, parts: SeatParts): Promise<void> {
    const { log } = this.parts
    const db = new SerialDatabase(connection)
    const ended = Promise.race([lost, aborted(this.closing.signal)])
    // In the tick in which the connection is gone: nothing is tried on it any more.
    void lost.then((reason) => db.end(notLeading(reason)))
    await upgradePostgres(connection)
    await this.follower.pause()
    let term: Term | undefined
    try {
      const store = await Store.open(db)
      term = await parts.beginTerm(store)
      this.leading = { term, store }
      this.lastReason = ''
      log('info', 'leadership.begun', { term: term.number, url: parts.url })
      const reason = await ended
      log(reason === stopping ? 'info' : 'warn', 'leadership.ended', {
        term: term.number,
        reason: reason.message,
      })
    } finally {
      this.leading = undefined
      await term?.end(stopping)
      await db.close()
      this.follower.resume()
    }
  }

  private async pause(ms: number): Promise<void> {
    await wait(ms, undefined, { signal: this.closing.signal }).catch(() => {})
  }
}

function notLeading(reason: Error): Refusal {
  return new Refusal(
    'NO_LEADER',
    `this control plane does not lead any more, its connection to the store is gone (${reason.message}); what was asked may or may not have been done`,
    { cause: reason },
  )
}

function aborted(signal: AbortSignal): Promise<Error> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(stopping)
    signal.addEventListener('abort', () => resolve(stopping), { once: true })
  })
}
