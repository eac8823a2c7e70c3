// The route table in force, its one way to change, and whoever has to hear of it.
import type { RouteDelta, RouteTable } from '@braid/routing-model'
import type { Store } from '../store/store.ts'

/** What a change of the routes consists of; the versions are the board's. */
export type RouteChanges = Omit<RouteDelta, 'from' | 'to'>

/** What a feed writes, made once for all readers: an event of server-sent events. */
export interface RouteEvent {
  readonly version: number
  readonly text: string
}

export interface RouteBoardLimits {
  /** Deltas kept for readers that come back; a reader that was away for longer gets a snapshot. */
  readonly keptDeltasMax: number
  readonly keptCharactersMax: number
}

const defaultLimits: RouteBoardLimits = { keptDeltasMax: 1_000, keptCharactersMax: 16 * 1024 * 1024 }

export class RouteBoard {
  private readonly store: Store
  private readonly limits: RouteBoardLimits
  private readonly readers = new Set<(event: RouteEvent) => void>()
  private readonly kept: RouteEvent[] = []
  private keptCharacters = 0
  /** What a transaction that is open has changed so far. */
  private readonly staged = new WeakMap<object, RouteDelta[]>()
  readonly table: RouteTable

  private constructor(store: Store, table: RouteTable, limits: Partial<RouteBoardLimits>) {
    this.store = store
    this.table = table
    this.limits = { ...defaultLimits, ...limits }
  }

  static async open(store: Store, limits: Partial<RouteBoardLimits> = {}): Promise<RouteBoard> {
    return new RouteBoard(store, await store.routes(), limits)
  }

  /**
   * `write` and the route version in one transaction, or as part of the one that we are in. In the tick in which it
   * is committed, never before, the table changes and every reader hears of it. Rejects with nothing changed when the
   * table refuses the changes, or `write` fails. Inside a transaction `table` is what was in force before it.
   */
  change(changes: RouteChanges, write: (version: number) => Promise<void>): Promise<number> {
    return this.store.transaction(async () => {
      const { version, event, putInForce } = this.stage(changes)
      await write(version)
      await this.store.raiseRouteVersion(version - 1, version)
      this.store.afterCommit(() => {
        putInForce()
        this.publish(event)
      })
      return version
    })
  }

  /**
   * Does all that `change` does but commit: the first run of code and statements is slow, and a switch is awaited
   * by clients. Not inside a transaction.
   */
  async rehearse(changes: RouteChanges, write: (version: number) => Promise<void>): Promise<void> {
    const rehearsed = new Error('rehearsed')
    try {
      await this.store.transaction(async () => {
        const { version } = this.stage(changes)
        await write(version)
        await this.store.raiseRouteVersion(version - 1, version)
        throw rehearsed
      })
    } catch (error) {
      if (error !== rehearsed) throw error
    }
  }

  /** Checks the changes against the table, and whatever this transaction has changed before. */
  private stage(changes: RouteChanges): { version: number; event: RouteEvent; putInForce: () => void } {
    const transaction = this.store.currentTransaction!
    const earlier = this.staged.get(transaction) ?? []
    const from = this.table.version + earlier.length
    const delta: RouteDelta = { from, to: from + 1, ...changes }
    const event = this.event('delta', delta.to, delta)
    this.staged.set(transaction, [...earlier, delta])
    if (earlier.length === 0) return { version: delta.to, event, putInForce: this.table.stage(delta) }
    // Rare, so it may copy the table.
    const table = this.table.copy()
    for (const change of [...earlier, delta]) table.apply(change)
    return { version: delta.to, event, putInForce: () => this.table.apply(delta) }
  }

  /**
   * `first` is what a reader needs that had `since` (the token of its last event): the deltas after it if they
   * are kept, else a snapshot. Later ones go to `onEvent` until `stop` is called.
   */
  read(since: string | undefined, onEvent: (event: RouteEvent) => void): { first: string; stop: () => void } {
    this.readers.add(onEvent)
    return { first: this.missedSince(since) ?? this.snapshot(), stop: () => this.readers.delete(onEvent) }
  }

  get readerCount(): number {
    return this.readers.size
  }

  private snapshot(): string {
    return this.event('snapshot', this.table.version, this.table).text
  }

  private missedSince(since: string | undefined): string | undefined {
    const prefix = `${this.store.id}:`
    if (!since?.startsWith(prefix)) return undefined
    const digits = since.slice(prefix.length)
    const version = Number(digits)
    if (!/^\d{1,15}$/.test(digits) || version > this.table.version) return undefined
    const missed = this.kept.filter((event) => event.version > version)
    if (missed.length !== this.table.version - version) return undefined
    return [this.event('resumed', version, { version }), ...missed].map((event) => event.text).join('')
  }

  private publish(event: RouteEvent): void {
    for (const onEvent of this.readers) onEvent(event)
    this.kept.push(event)
    this.keptCharacters += event.text.length
    while (
      this.kept.length > this.limits.keptDeltasMax ||
      (this.keptCharacters > this.limits.keptCharactersMax && this.kept.length > 0)
    ) {
      this.keptCharacters -= this.kept.shift()!.text.length
    }
  }

  private event(name: 'snapshot' | 'resumed' | 'delta', version: number, data: unknown): RouteEvent {
    return {
      version,
      text: `event: ${name}\nid: ${this.store.id}:${version}\ndata: ${JSON.stringify(data)}\n\n`,
    }
  }
}
