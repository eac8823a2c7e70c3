import type { Clusters } from './clusters/clusters.ts'
import type { ClusterSight } from './failover/cluster-sight.ts'
import type { KnownEnds } from './failover/known-ends.ts'
import type { Leases } from './failover/leases.ts'
import type { Log } from './log.ts'
import type { KnownFacts } from './placement/known-facts.ts'
import type { DueTopics } from './reconcile/due-topics.ts'
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
  /** What clusters last said of themselves. */
  readonly facts: KnownFacts
  /** Who may write to topics that fail over. */
  readonly leases: Leases
  /** How everyone sees the clusters. */
  readonly sight: ClusterSight
  /** Of logs that may be lost. */
  readonly knownEnds: KnownEnds
  /** They lack what protects them from the loss of a cluster. */
  readonly dueTopics: DueTopics
  /**
   * Their standby is to be chosen: they are elsewhere now, so the one that they have may be where they are themselves,
   * or fail with them; or their class asks for one since a moment ago.
   */
  readonly dueStandbys: DueTopics
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
