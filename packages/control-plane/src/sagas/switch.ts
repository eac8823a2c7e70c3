import type { RouteChanges } from '../routes/route-board.ts'
import { retirementOf } from '../store/migration-queries.ts'
import { type GroupContext, groupOf, type Member, memberOf } from './group.ts'
import { retirementName } from './retirement-name.ts'
import type { Sealed } from './seal.ts'

/** SWITCH: all cuts and new loglets in one transaction and one route version. */
export async function switchOver(context: GroupContext): Promise<void> {
  const { sealed, plane } = context
  if (sealed === undefined) throw new Error('SWITCH without the cuts that SEAL reads')
  const startedAt = performance.now()
  const { rows } = await groupOf(context)
  const members = rows.map((row) => memberOf(plane, row))
  const { changes, write } = switchOf(context, members, sealed)
  await plane.board.change(changes, write)
  plane.store.afterCommit(() => {
    context.switchMs = performance.now() - startedAt
  })
}

/** What the SWITCH changes, for these cuts. */
export function switchOf(
  { plane, sagas, group }: GroupContext,
  members: readonly Member[],
  { cuts, sealMs }: Sealed,
): { changes: RouteChanges; write: (routeVersion: number) => Promise<void> } {
  const moved = members.map(({ row, route }) => ({
    id: row.id,
    cuts: cuts.get(row.id)!,
    route: route.sealedAndAppended(cuts.get(row.id)!, row.to),
  }))
  return {
    changes: { topics: moved.map(({ route }) => route.toJSON()) },
    write: async (routeVersion) => {
      const at = plane.now()
      for (const { id, cuts, route } of moved) {
        await plane.store.appendLoglet(route)
        await plane.store.migrations.setSwitched(id, { cuts, sealMs, routeVersion, at })
        await sagas.start(retirementName, retirementOf(id), { pausedAs: group })
      }
      plane.store.afterCommit(() => {
        for (const { route } of moved) if (route.failover !== 'none') plane.dueStandbys.add(route.id)
      })
    },
  }
}

/** What would have been in the way when clients waited. */
export async function recordTimes({ plane, group, sealed, switchMs }: GroupContext): Promise<void> {
  if (sealed === undefined || switchMs === undefined) return
  const { cuts, sealMs, looks } = sealed
  plane.log('info', 'migration.sealed', { group, topics: cuts.size, looks, sealMs, switchMs })
  await plane.store.migrations.setSwitchMs(group, switchMs)
}
