// What the steps of a failover work on.
import type { PhysicalTopic, TenantRoute, TopicRoute } from '@braid/routing-model'
import type { Plane } from '../plane.ts'
import type { FailoverRow } from '../store/failover-queries.ts'
import type { Positions } from './group-positions.ts'
import type { Awaited } from './leases.ts'
import type { FailoverQuestion, Unmirrored } from './plan.ts'
import { lookAtStandbys, type StandbyLook } from './standby-looks.ts'

export interface FailoverContext {
  readonly plane: Plane
  readonly id: string
  /** What CHECK found of the clusters to go on at; after a crash FENCE, which then runs again, finds it anew. */
  looks: ReadonlyMap<string, StandbyLook> | undefined
  /** What FENCE found, for the SWITCH that follows at once. */
  fenced: { readonly awaited: Awaited; readonly positions: ReadonlyMap<string, Positions> } | undefined
}

/** The record as it is now. */
export async function failoverIn({ plane, id }: Pick<FailoverContext, 'plane' | 'id'>): Promise<FailoverRow> {
  const row = await plane.store.failovers.get(id)
  if (row === undefined) throw new Error(`failover ${id} is not in the store`)
  return row
}

/** Whether it has records there from before a move, which are not lost yet. */
export function hasSealedOn(route: TopicRoute, cluster: string): boolean {
  for (let i = 0; i < route.active; i++) {
    if (route.cluster(i) === cluster && route.away(i)?.state !== 'lost') return true
  }
  return false
}

export function activeOn({ board }: Pick<Plane, 'board'>, cluster: string): TopicRoute[] {
  return Array.from(board.table.allTopics()).filter((route) => route.cluster(route.active) === cluster)
}

export function atHomeOn({ board }: Pick<Plane, 'board'>, cluster: string): TenantRoute[] {
  return [...board.table.tenants.values()].filter(({ home }) => home === cluster)
}

/** Groups of a topic that was made since have hardly committed anything. */
const justMadeMs = 60_000

/**
 * All that the plan of a failover is made of, but for how the clusters are that things go on at. `force`: homes move
 * also without the commits that are not mirrored yet.
 */
export async function questionOf(
  plane: Pick<Plane, 'board' | 'store' | 'now'>,
  cluster: string,
  { force }: { readonly force: boolean },
): Promise<Omit<FailoverQuestion, 'looks'>> {
  const routes = activeOn(plane, cluster)
  const all = await plane.store.reconcile.standbys()
  const standbys = new Map<string, PhysicalTopic>()
  for (const { id, failover } of routes) {
    const standby = failover === 'none' ? undefined : all.get(id)
    if (standby !== undefined) standbys.set(id, standby)
  }
  const tenants = atHomeOn(plane, cluster)
  const unmirrored = new Map<string, Unmirrored>()
  if (!force) {
    for (const { name, standbyHome } of tenants) {
      if (standbyHome === undefined) continue
      const before = plane.now() - justMadeMs
      const found = await plane.store.reconcile.unmirrored(name, standbyHome, before)
      if (found.topics > 0) unmirrored.set(name, found)
    }
  }
  return { cluster, routes, standbys, tenants, unmirrored }
}

/** What was asked for with it. */
export const isForced = ({ options }: Pick<FailoverRow, 'options'>): boolean =>
  (options as { force?: boolean }).force === true

/** Asks the clusters that things may go on at. */
export function looksFor(
  plane: Plane,
  { standbys, tenants }: Omit<FailoverQuestion, 'looks'>,
): Promise<ReadonlyMap<string, StandbyLook>> {
  const homes = tenants.flatMap(({ standbyHome }) => standbyHome ?? [])
  return lookAtStandbys(plane, standbys.values(), homes)
}
