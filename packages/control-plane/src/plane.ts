import type { Clusters } from './clusters/clusters.ts'
import type { Log } from './log.ts'
import type { RouteBoard } from './routes/route-board.ts'
import type { Store } from './store/store.ts'
import type { Timings } from './timings.ts'
import type { Leftovers } from './topics/leftovers.ts'

/** What the parts of one control plane share. */
export interface Plane {
  readonly store: Store
  readonly board: RouteBoard
  readonly clusters: Clusters
  readonly leftovers: Leftovers
  readonly timings: Timings
  readonly log: Log
  /** Aborted by close(). */
  readonly closing: AbortSignal
  /** ms since 1970 */
  now(): number
  /** Rejects when the signal is aborted. Keeps no process alive. */
  sleep(ms: number, stop: AbortSignal): Promise<void>
  random(): number
}
