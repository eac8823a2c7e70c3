import type { MigrationStepName } from '@braid/control-api'
import type { PhysicalTopic } from '@braid/routing-model'
import { reasonOf } from '../log.ts'
import type { Plane } from '../plane.ts'
import type { MigrationRow } from '../store/rows.ts'
import { routeIfThere } from './group.ts'
import { indexOfLoglet } from './loglet-index.ts'
import { retirementName } from './retirement-name.ts'
import type { Nap, Step, Stop } from './saga.ts'
import { defineSaga } from './saga-kind.ts'
import { hasUnrecovered, watchStrays } from './strays.ts'
import type { Turns } from './turns.ts'

export interface RetirementContext {
  readonly plane: Plane
  /** Of the migration. */
  readonly id: string
  /** Of asking clusters: thousands drain at a time. */
  readonly turns: Turns
  /** In this process: when it goes on after a pause, it looks at once. */
  begun: boolean
}

const idSuffix = '.retirement'
const steps: readonly Step<MigrationStepName, RetirementContext>[] = [
  { kind: 'action', name: 'DRAIN', do: drain, pausable: true },
  { kind: 'action', name: 'RETIRE', do: retire },
]

/** What becomes of a loglet that a migration has sealed. Its id is retirementOf() that of the migration. */
export const retirementSaga = defineSaga<MigrationStepName, RetirementContext>({
  name: retirementName,
  steps,
  forwardOnly: true,
  context: ({ plane, migrations }, id) => ({
    plane,
    id: id.slice(0, -idSuffix.length),
    turns: migrations.drainTurns,
    begun: false,
  }),
  subject: (id) => id.slice(0, -idSuffix.length),
  async ended({ plane, id }) {
    await plane.store.migrations.setState(id, 'done')
    const { topic, from, to } = await migrationOf({ plane, id })
    plane.store.afterCommit(() =>
      plane.log('info', 'migration.done', { migration: id, topic, from: from.cluster, to: to.cluster }),
    )
  },
})

/** The record as it is now. */
export async function migrationOf({
  plane,
  id,
}: Pick<RetirementContext, 'plane' | 'id'>): Promise<MigrationRow> {
  const row = await plane.store.migrations.get(id)
  if (row === undefined) throw new Error(`migration ${id} is not in the store`)
  return row
}

/**
 * DRAIN: the sealed loglet is still read. Until retention has emptied it, it is watched for strays. A cluster that
 * is away is waited for: there is nothing else to do, and nobody waits for us.
 */
async function drain(context: RetirementContext, stop: Stop, nap: Nap): Promise<void> {
  const { plane, turns } = context
  const { timings } = plane
  const row = await migrationOf(context)
  const switchedAt = row.switchedAt!
  const pending = timings.strayChecksMs.filter((afterMs) => plane.now() < switchedAt + afterMs)
  let atOnce = context.begun
  context.begun = true
  let strayed = hasUnrecovered(await plane.store.migrations.strays(context.id))
  for (;;) {
    const nextCheck = atOnce ? plane.now() - switchedAt : pending.shift()
    atOnce = false
    const waitMs =
      nextCheck !== undefined
        ? switchedAt + nextCheck - plane.now()
        : strayed
          ? Math.min(timings.strayGraceMs, timings.drainCheckMs)
          : timings.drainCheckMs * (0.75 + plane.random() / 2)
    await nap(Math.max(0, waitMs))
    const route = routeIfThere(plane, row)
    if (route === undefined) return // deleted, with all its loglets
    const index = indexOfLoglet(route, row.from)
    if (index < 0) return // abandoned, while its cluster was lost
    // Nobody knows what it holds until its cluster has returned, which finds that out.
    if (route.away(index) !== undefined) continue
    try {
      const drained = await turns.take(stop, async () => {
        strayed = await watchStrays(context, row, stop)
        return !strayed && (await isDrained(context, row))
      })
      if (drained) return
    } catch (error) {
      if (stop.aborted) throw error
      plane.log('warn', 'migration.drain-waits', {
        migration: context.id,
        cluster: row.from.cluster,
        topic: row.from.topic,
        reason: reasonOf(error),
      })
    }
  }
}

/** Whether nothing of it can be read any more, and it is the oldest. Never because consumers have passed it. */
async function isDrained({ plane }: RetirementContext, row: MigrationRow): Promise<boolean> {
  const { from, cuts, switchedAt } = row
  const route = routeIfThere(plane, row)
  if (route === undefined) return true
  if (plane.now() < switchedAt! + plane.timings.retireAfterMs) return false
  if (route.cluster(0) !== from.cluster || route.physicalTopic(0) !== from.topic) return false
  const source = await plane.clusters.open(from.cluster)
  const starts = await source.logEnds(from.topic, route.partitions, 'earliest')
  // Partitions that were added since are empty there.
  return starts.every((start, partition) => start >= (cuts![partition] ?? 0n))
}

/** RETIRE: out of the chain; then its physical topic is deleted, unless groups commit under its name. */
async function retire(context: RetirementContext): Promise<void> {
  const { plane } = context
  const { store, board, leftovers, clusters, now } = plane
  const row = await migrationOf(context)
  const { tenant, from } = row
  const leftOver = await store.transaction(async () => {
    const route = routeIfThere(plane, row)
    if (route === undefined) return false
    if (route.cluster(0) !== from.cluster || route.physicalTopic(0) !== from.topic) return false // a run before did
    const retired = route.retiredFirst()
    // It is empty, and lives on as the stub: with it the commits would go.
    const isHomeTopic =
      (from.topic === route.homeTopic && from.cluster === clusters.home(tenant)) ||
      (await isStandbyHomeTopic(plane, route.id, from))
    await board.change({ topics: [retired.toJSON()] }, async () => {
      await store.removeFirstLoglet(route.id)
      if (!isHomeTopic) await store.addLeftover(from.cluster, from.topic, now())
    })
    return !isHomeTopic
  })
  if (leftOver) await leftovers.discard([from])
}

/** Commits are mirrored to it, or about to be. */
async function isStandbyHomeTopic(
  { store }: Plane,
  topicId: string,
  { cluster, topic }: PhysicalTopic,
): Promise<boolean> {
  const kept = await store.reconcile.standbyHome(topicId)
  return kept?.cluster === cluster && kept.topic === topic
}
