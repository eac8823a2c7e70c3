// The routes as this process tells of them: the table in force, the last changes, and whoever reads them. It outlives
// terms: the same readers go on reading when another control plane has become the leader.
import { type RouteDelta, RouteTable } from '@braid/routing-model'

/** What a feed writes, made once for all readers: an event of server-sent events. */
export interface RouteEvent {
  readonly version: number
  readonly text: string
}

/** A delta as the store keeps it. */
export interface DeltaText {
  /** It leads to this version. */
  readonly version: number
  /** Of a RouteDelta. */
  readonly json: string
}

export interface RouteLimits {
  /** Deltas kept for readers that come back; a reader that was away for longer gets a snapshot. */
  readonly keptDeltasMax: number
  readonly keptCharactersMax: number
}

const defaultLimits: RouteLimits = { keptDeltasMax: 1_000, keptCharactersMax: 16 * 1024 * 1024 }

export class PublishedRoutes {
  private readonly limits: RouteLimits
  private readonly readers = new Set<(event: RouteEvent) => void>()
  private kept: RouteEvent[] = []
  private keptCharacters = 0
  private store: string | undefined
  private inForce = RouteTable.empty()

  constructor(limits: Partial<RouteLimits> = {}) {
    this.limits = { ...defaultLimits, ...limits }
  }

  get table(): RouteTable {
    return this.inForce
  }

  /** Of the store that the table is from; undefined as long as there is none. */
  get storeId(): string | undefined {
    return this.store
  }

  get readerCount(): number {
    return this.readers.size
  }

  /** What the store may forget is below this. */
  get oldestKeptVersion(): number {
    return this.kept[0]?.version ?? this.table.version + 1
  }

  /** The whole table, and the deltas that led to it. Who reads at this moment gets a snapshot. */
  replace(storeId: string, table: RouteTable, deltas: readonly DeltaText[]): void {
    this.store = storeId
    this.inForce = table
    this.kept = []
    this.keptCharacters = 0
    const first =
      deltas.findLastIndex(({ version }, i) => version !== table.version - deltas.length + 1 + i) + 1
    for (const delta of deltas.slice(first)) this.keep(this.deltaEvent(delta))
    if (this.readers.size === 0) return
    const event = this.snapshot()
    for (const onEvent of this.readers) onEvent(event)
  }

  /** A change that another control plane has committed. Throws with nothing changed when it does not fit. */
  follow(delta: DeltaText): void {
    this.table.apply(JSON.parse(delta.json) as RouteDelta)
    this.announce(this.deltaEvent(delta))
  }

  /** Tells every reader, in this tick. The table is at the event's version. */
  announce(event: RouteEvent): void {
    for (const onEvent of this.readers) onEvent(event)
    this.keep(event)
  }

  deltaEvent({ version, json }: DeltaText): RouteEvent {
    return this.event('delta', version, json)
  }

  /**
   * `first` is what a reader needs that had `since` (the token of its last event): the deltas after it if they
   * are kept, else a snapshot. Later ones go to `onEvent` until `stop` is called.
   */
  read(since: string | undefined, onEvent: (event: RouteEvent) => void): { first: string; stop: () => void } {
    this.readers.add(onEvent)
    return {
      first: this.missedSince(since) ?? this.snapshot().text,
      stop: () => this.readers.delete(onEvent),
    }
  }

  private snapshot(): RouteEvent {
    return this.event('snapshot', this.table.version, JSON.stringify(this.table))
  }

  private missedSince(since: string | undefined): string | undefined {
    const prefix = `${this.store}:`
    if (!since?.startsWith(prefix)) return undefined
    const digits = since.slice(prefix.length)
    const version = Number(digits)
    if (!/^\d{1,15}$/.test(digits) || version > this.table.version) return undefined
    const missed = this.kept.filter((event) => event.version > version)
    if (missed.length !== this.table.version - version) return undefined
    const resumed = this.event('resumed', version, JSON.stringify({ version }))
    return [resumed, ...missed].map((event) => event.text).join('')
  }

  private keep(event: RouteEvent): void {
    this.kept.push(event)
    this.keptCharacters += event.text.length
    while (
      this.kept.length > this.limits.keptDeltasMax ||
      (this.keptCharacters > this.limits.keptCharactersMax && this.kept.length > 0)
    ) {
      this.keptCharacters -= this.kept.shift()!.text.length
    }
  }

  private event(name: 'snapshot' | 'resumed' | 'delta', version: number, json: string): RouteEvent {
    return { version, text: `event: ${name}\nid: ${this.store}:${version}\ndata: ${json}\n\n` }
  }
}
