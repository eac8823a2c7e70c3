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
  private inForce: RouteTable

  constructor(store: Store, limits: Partial<RouteBoardLimits> = {}) {
    this.store = store
    this.limits = { ...defaultLimits, ...limits }
    this.inForce = store.routes()
  }

  get table(): RouteTable {
    return this.inForce
  }

  /**
   * `write` and the route version in one transaction; then, in the same tick, every reader hears of it. Throws with
   * nothing changed when the table refuses the changes.
   */
  change(changes: RouteChanges, write: (version: number) => void): number {
    const from = this.table.version
    const delta: RouteDelta = { from, to: from + 1, ...changes }
    const event = this.event('delta', delta.to, delta)
    try {
      this.store.transaction(() => {
        write(delta.to)
        this.store.setRouteVersion(delta.to)
        // Last, because it cannot be rolled back; it changes nothing when it throws.
        this.inForce.apply(delta)
        this.store.afterCommit(() => this.publish(event))
      })
    } catch (error) {
      this.reload()
      throw error
    }
    return delta.to
  }

  /**
   * Does all that `change` does but commit: the first run of code and statements is slow, and a switch is awaited
   * by clients.
   */
  rehearse(changes: RouteChanges, write: (version: number) => void): void {
    const rehearsed = new Error('rehearsed')
    const from = this.table.version
    this.event('delta', from + 1, { from, to: from + 1, ...changes })
    try {
      this.store.transaction(() => {
        write(from + 1)
        throw rehearsed
      })
    } catch (error) {
      if (error !== rehearsed) throw error
    }
  }

  /** After a transaction that `change` was part of was rolled back: what the store holds is in force. */
  reload(): void {
    if (this.inForce.version !== this.store.routeVersion) this.inForce = this.store.routes()
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
