// The routes as this process tells of them: the table in force, the last changes, and who is to hear of them. It
// outlives terms: the same readers go on reading when another control plane has become the leader.
import { type RouteDelta, RouteTable } from '@braid/routing-model'

/** A delta as the store keeps it. */
export interface DeltaText {
  /** It leads to this version. */
  readonly version: number
  /** Of a RouteDelta. */
  readonly json: string
}

/** One of the last changes. */
export class KeptDelta implements DeltaText {
  readonly version: number
  readonly json: string
  private delta: RouteDelta | undefined

  constructor({ version, json }: DeltaText) {
    this.version = version
    this.json = json
  }

  /** Only views of some tenants need it. */
  get parsed(): RouteDelta {
    this.delta ??= JSON.parse(this.json) as RouteDelta
    return this.delta
  }
}

export interface RouteLimits {
  /** Deltas kept for readers that come back; a reader that was away for longer gets a snapshot. */
  readonly keptDeltasMax: number
  readonly keptCharactersMax: number
}

const defaultLimits: RouteLimits = { keptDeltasMax: 1_000, keptCharactersMax: 16 * 1024 * 1024 }

export class PublishedRoutes {
  private readonly limits: RouteLimits
  private readonly listeners = new Set<() => void>()
  private kept: KeptDelta[] = []
  private keptCharacters = 0
  private store: string | undefined
  private inForce = RouteTable.empty()
  private replacements = 0

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

  /** Another number, another table: nothing leads from what was told before to what is told now. */
  get generation(): number {
    return this.replacements
  }

  /** What the store may forget is below this. */
  get oldestKeptVersion(): number {
    return this.kept[0]?.version ?? this.table.version + 1
  }

  /** The changes that lead from a version to the table's, oldest first; undefined when they are not kept. */
  keptAfter(version: number): readonly KeptDelta[] | undefined {
    const missed = this.table.version - version
    if (missed < 0 || missed > this.kept.length) return undefined
    return this.kept.slice(this.kept.length - missed)
  }

  /** `listener` is called in the tick of each change, and must not throw. What is returned ends that. */
  onChange(listener: () => void): () => void {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  /** The whole table, and the deltas that led to it. Who reads at this moment gets a snapshot. */
  replace(storeId: string, table: RouteTable, deltas: readonly DeltaText[]): void {
    this.store = storeId
    this.inForce = table
    this.replacements++
    this.kept = []
    this.keptCharacters = 0
    const first =
      deltas.findLastIndex(({ version }, i) => version !== table.version - deltas.length + 1 + i) + 1
    for (const delta of deltas.slice(first)) this.keep(delta)
    this.tell()
  }

  /** A change that another control plane has committed. Throws with nothing changed when it does not fit. */
  follow(delta: DeltaText): void {
    this.table.apply(JSON.parse(delta.json) as RouteDelta)
    this.announce(delta)
  }

  /** Tells every reader of the change that has led to the table's version. */
  announce(delta: DeltaText): void {
    this.keep(delta)
    this.tell()
  }

  private tell(): void {
    for (const listener of this.listeners) listener()
  }

  private keep(delta: DeltaText): void {
    this.kept.push(new KeptDelta(delta))
    this.keptCharacters += delta.json.length
    while (
      this.kept.length > this.limits.keptDeltasMax ||
      (this.keptCharacters > this.limits.keptCharactersMax && this.kept.length > 0)
    ) {
      this.keptCharacters -= this.kept.shift()!.json.length
    }
  }
}
