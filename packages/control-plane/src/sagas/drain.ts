import { reasonOf } from '../log.ts'
import type { Plane } from '../plane.ts'
import { type MigrationContext, migrationOf, routeIfThere } from './migration.ts'
import type { Stop } from './saga.ts'
import { hasUnrecovered, watchStrays } from './strays.ts'

/**
 * DRAIN: the sealed loglet is still read. Until retention has emptied it, it is watched for strays. A cluster that
 * is away is waited for: there is nothing else to do, and nobody waits for us.
 */
export async function drain(context: MigrationContext, stop: Stop): Promise<void> {
  const { plane } = context
  const { timings } = plane
  const { switchedAt, from } = await migrationOf(context)
  if (context.switchMs !== undefined) await plane.store.migrations.setSwitchMs(context.id, context.switchMs)
  const pending = timings.strayChecksMs.filter((afterMs) => plane.now() < switchedAt! + afterMs)
  for (;;) {
    const nextCheck = pending.shift()
    const strayed = hasUnrecovered(await plane.store.migrations.strays(context.id))
    const waitMs =
      nextCheck !== undefined
        ? switchedAt! + nextCheck - plane.now()
        : strayed
          ? Math.min(timings.strayGraceMs, timings.drainCheckMs)
          : timings.drainCheckMs * (0.75 + plane.random() / 2)
    await plane.sleep(Math.max(0, waitMs), stop)
    if ((await routeIfThere(context)) === undefined) return // deleted, with all its loglets
    try {
      await watchStrays(context)
      if (await isDrained(context)) return
    } catch (error) {
      if (stop.aborted) throw error
      plane.log('warn', 'migration.drain-waits', {
        migration: context.id,
        cluster: from.cluster,
        topic: from.topic,
        reason: reasonOf(error),
      })
    }
  }
}

/** Whether nothing of it can be read any more, and it is the oldest. Never because consumers have passed it. */
async function isDrained(context: MigrationContext): Promise<boolean> {
  const { plane } = context
  const { from, cuts, switchedAt } = await migrationOf(context)
  const route = await routeIfThere(context)
  if (route === undefined) return true
  if (plane.now() < switchedAt! + plane.timings.retireAfterMs) return false
  if (route.cluster(0) !== from.cluster || route.physicalTopic(0) !== from.topic) return false
  if (hasUnrecovered(await plane.store.migrations.strays(context.id))) return false
  const source = await plane.clusters.open(from.cluster)
  const starts = await source.logEnds(from.topic, route.partitions, 'earliest')
  return starts.every((start, partition) => start >= cuts![partition]!)
}

/** RETIRE: out of the chain; then its physical topic is deleted, unless groups commit under its name. */
export async function retire(context: MigrationContext): Promise<void> {
  const { store, board, leftovers, clusters, now }: Plane = context.plane
  const { tenant, from } = await migrationOf(context)
  const leftOver = await store.transaction(async () => {
    const route = await routeIfThere(context)
    if (route === undefined) return false
    if (route.cluster(0) !== from.cluster || route.physicalTopic(0) !== from.topic) return false // a run before did
    const retired = route.retiredFirst()
    // It is empty, and lives on as the stub: with it the commits would go.
    const isHomeTopic = from.topic === route.homeTopic && from.cluster === clusters.home(tenant)
    await board.change({ topics: [retired.toJSON()] }, async () => {
      await store.removeFirstLoglet(route.id)
      if (!isHomeTopic) await store.addLeftover(from.cluster, from.topic, now())
    })
    return !isHomeTopic
  })
  if (leftOver) await leftovers.discard([from])
}
