import { holesWithin, type TenantRoute, type TopicRoute } from '@braid/routing-model'
import { randomName } from '../random-name.ts'
import { indexOfLoglet } from '../sagas/loglet-index.ts'
import { retirementName } from '../sagas/retirement-name.ts'
import type { Stop } from '../sagas/saga.ts'
import { strayToCopy } from '../sagas/strays.ts'
import type { FailoverTopicRow, FoundLoglet } from '../store/failover-queries.ts'
import { retirementOf } from '../store/migration-queries.ts'
import { clusterRoute } from '../store/store.ts'
import { mirrorSoon } from '../tenants/standby-home.ts'
import { copiedBefore, holesWithCopied } from './copied-before.ts'
import { holesOf, lostAgain, withHoles } from './lost-loglets.ts'
import { moveBack } from './move-back.ts'
import { planMissingStandbys } from './new-standbys.ts'
import { logletOf, type ReturnContext, type ReturnOptions, returnOf } from './returning.ts'

/** END: all at once; and what was asked for besides, which may fail. */
export async function endReturn(context: ReturnContext, stop: Stop): Promise<void> {
  await takeBack(context)
  await planMissingStandbys(context.plane)
  const { options } = await returnOf(context)
  if ((options as ReturnOptions).moveBack) await moveBack(context, stop)
}

type Found = FailoverTopicRow & { readonly found: FoundLoglet; readonly ends: readonly bigint[] }

async function takeBack(context: ReturnContext): Promise<void> {
  const { plane, id } = context
  const { store, board } = plane
  await store.transaction(async () => {
    const { cluster: name } = await returnOf(context)
    const cluster = await store.cluster(name)
    // A run before did it all.
    if (cluster === undefined || (cluster.state !== 'unavailable' && !cluster.fenced)) return
    const returned: Found[] = []
    const changed = new Map<string, TopicRoute>()
    for (const row of await store.failovers.topics(id)) {
      const loglet = logletOf(plane, row)
      if (loglet === undefined) continue
      const route = changed.get(row.topicId) ?? loglet.route
      const index = indexOfLoglet(route, row.from)
      const { found, ends } = row
      if (route.away(index)?.state !== 'returning') continue
      if (found === null || ends === null) {
        changed.set(row.topicId, lostAgain(route, index))
        continue
      }
      const holes = holesWithCopied(found.holes, found.cuts, await copiedBefore(plane, row))
      let next = route.returned(index, found.cuts, holesOf(holes, route))
      for (const { holes, ...place } of found.earlier) {
        const at = indexOfLoglet(next, place)
        if (at >= 0) next = withHoles(next, at, holes)
      }
      changed.set(row.topicId, next)
      returned.push({ ...row, found, ends })
    }
    const tenants = await standbyHomes(context, name)
    const active = { ...cluster, state: 'active' as const, fenced: false }
    await board.change(
      {
        clusters: [clusterRoute(active)],
        ...(tenants.length > 0 && { tenants }),
        ...(changed.size > 0 && { topics: [...changed.values()].map((route) => route.toJSON()) }),
      },
      async (version) => {
        await store.updateCluster(active)
        for (const { name: tenant, home, standbyHome } of tenants)
          await store.setHomes(tenant, home, standbyHome!)
        for (const route of changed.values()) await store.setLoglets(route)
        for (const row of returned) await letDrain(context, changed.get(row.topicId)!, row, version)
      },
    )
    for (const { name: tenant, standbyHome } of board.table.tenants.values())
      if (standbyHome === name) mirrorSoon(plane, tenant)
  })
}

/** As after a migration: watched, and retired once nothing of it can be read. What lies behind its cut is copied on. */
async function letDrain(
  { plane, sagas, id }: ReturnContext,
  route: TopicRoute,
  { topicId, number, tenant, topic, from, found, ends }: Found,
  routeVersion: number,
): Promise<void> {
  const { store, now, random } = plane
  const { migrations } = store
  // One that was sealed before its cluster was lost has a record, and its saga waits.
  let record = (await migrations.drainOf(topicId, from))?.id
  if (record === undefined) {
    record = randomName(12, random)
    await migrations.addSwitched({
      id: record,
      group: id,
      operation: null,
      tenant,
      topic,
      topicId,
      from,
      to: { cluster: route.cluster(route.active), topic: route.physicalTopic(route.active) },
      createdAt: now(),
      cuts: found.cuts,
      routeVersion,
      switchedAt: now(),
    })
    await sagas.start(retirementName, retirementOf(record))
  }
  const before = new Map((await migrations.strays(record)).map((stray) => [stray.partition, stray]))
  for (const [partition, to] of ends.entries()) {
    const cut = found.cuts[partition]!
    if (to <= cut) continue
    const stray = before.get(partition)
    if (stray === undefined || stray.from > cut) {
      await migrations.putStray(record, strayToCopy(plane, { partition, from: cut, to }))
      // What was copied on before is a hole by now.
      const copied = Number((stray?.recovered ?? 0n) - (stray?.from ?? 0n))
      if (copied > 0) await store.failovers.addCopied(id, number, copied)
      continue
    }
    // It has returned before, or was watched since it was sealed: what was copied on then stands there.
    const { recovered } = stray
    if (to > stray.to) await migrations.putStray(record, { ...stray, to })
    if (recovered <= cut) continue
    const holes = holesWithin(holesOf(found.holes, route), partition, cut, recovered)
    await store.failovers.addCopied(id, number, Number(recovered - cut - holes))
  }
}

/** The home that a tenant had is where its commits are mirrored to, unless it has another standby home by now. */
async function standbyHomes({ plane }: ReturnContext, cluster: string): Promise<TenantRoute[]> {
  const { store } = plane
  const tenants: TenantRoute[] = []
  for (const { tenant, to } of (await store.failovers.lastSwitched(cluster))?.homes ?? []) {
    if (to === null) continue
    const spec = await store.tenantSpecs.get(tenant)
    if (spec === undefined || spec.home === cluster || spec.standbyHome !== null) continue
    tenants.push({ name: tenant, home: spec.home, standbyHome: cluster })
  }
  return tenants
}
