// The route table in force, and its one way to change: by the leader, together with the store.
import type { RouteDelta, RouteTable } from '@braid/routing-model'
import type { Store } from '../store/store.ts'
import { catchUp } from './catch-up.ts'
import { type DeltaText, PublishedRoutes } from './published-routes.ts'

/** What a change of the routes consists of; the versions are the board's. */
export type RouteChanges = Omit<RouteDelta, 'from' | 'to'>

interface Staged {
  readonly version: number
  readonly delta: DeltaText
  /** Cannot throw. */
  readonly putInForce: () => void
}

export class RouteBoard {
  private readonly store: Store
  private readonly published: PublishedRoutes
  /** What a transaction that is open has changed so far. */
  private readonly staged = new WeakMap<object, RouteDelta[]>()

  private constructor(store: Store, published: PublishedRoutes) {
    this.store = store
    this.published = published
  }

  /** On what is published, brought to what the store holds. */
  static async open(store: Store, published = new PublishedRoutes()): Promise<RouteBoard> {
    await catchUp(store, published)
    return new RouteBoard(store, published)
  }

  get table(): RouteTable {
    return this.published.table
  }

  /**
   * `write` and the route version in one transaction, or as part of the one that we are in. In the tick in which it
   * is committed, never before, the table changes and every reader hears of it. Rejects with nothing changed when the
   * table refuses the changes, or `write` fails. Inside a transaction `table` is what was in force before it.
   */
  change(changes: RouteChanges, write: (version: number) => Promise<void>): Promise<number> {
    return this.store.transaction(async () => {
      const { version, delta, putInForce } = this.stage(changes)
      await this.write(delta, write)
      this.store.afterCommit(() => {
        putInForce()
        this.published.announce(delta)
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
        await this.write(this.stage(changes).delta, write)
        throw rehearsed
      })
    } catch (error) {
      if (error !== rehearsed) throw error
    }
  }

  private async write(delta: DeltaText, write: (version: number) => Promise<void>): Promise<void> {
    await write(delta.version)
    await this.store.raiseRouteVersion(delta, this.published.oldestKeptVersion)
  }

  /** Checks the changes against the table, and whatever this transaction has changed before. */
  private stage(changes: RouteChanges): Staged {
    const transaction = this.store.currentTransaction!
    const earlier = this.staged.get(transaction) ?? []
    const from = this.table.version + earlier.length
    const delta: RouteDelta = { from, to: from + 1, ...changes }
    const staged = { version: delta.to, delta: { version: delta.to, json: JSON.stringify(delta) } }
    this.staged.set(transaction, [...earlier, delta])
    if (earlier.length === 0) return { ...staged, putInForce: this.table.stage(delta) }
    // Rare, so it may copy the table.
    const table = this.table.copy()
    for (const change of [...earlier, delta]) table.apply(change)
    return { ...staged, putInForce: () => this.table.apply(delta) }
  }
}
