// The migration of a topic: the table of the design, a step a function.
//
//     CHECK    the target can be reached and has room, the topic can be moved
//     PREPARE  a fresh physical topic there                                    undo: delete it
//     SEAL     the brokers refuse every further append; the cuts are read      undo: unseal
//     SWITCH   one transaction: cuts, new loglets, route version; published in the same tick
//     DRAIN    the sealed loglet is watched for strays until retention has emptied it
//     RETIRE   it leaves the chain, and its physical topic is deleted
import type { MigrationStepName } from '@braid/control-api'
import type { TopicRoute } from '@braid/routing-model'
import type { Plane } from '../plane.ts'
import { Refusal, unknownTopic } from '../refusal.ts'
import type { RouteChanges } from '../routes/route-board.ts'
import type { MigrationRow } from '../store/rows.ts'
import { checkMigration } from './check.ts'
import { drain, retire } from './drain.ts'
import { prepare, unprepare } from './prepare.ts'
import type { Step } from './saga.ts'
import { type Sealed, seal, unseal } from './seal.ts'

export interface MigrationContext {
  readonly plane: Plane
  readonly id: string
  /** What SEAL found, for the SWITCH that follows at once. After a crash in between SEAL runs again. */
  sealed: Sealed | undefined
  /** Of the SWITCH, for DRAIN to record: a write of its own would be in the way. */
  switchMs: number | undefined
}

export const migrationSaga: readonly Step<MigrationStepName, MigrationContext>[] = [
  { kind: 'action', name: 'CHECK', do: checkMigration },
  { kind: 'action', name: 'PREPARE', do: prepare, undo: unprepare },
  { kind: 'action', name: 'SEAL', do: seal, undo: unseal, endsWithNext: true },
  { kind: 'commit', name: 'SWITCH', commit: switchOver },
  { kind: 'action', name: 'DRAIN', do: drain },
  { kind: 'action', name: 'RETIRE', do: retire },
]

async function switchOver(context: MigrationContext): Promise<void> {
  const { sealed, plane } = context
  if (sealed === undefined) throw new Error('SWITCH without the cuts that SEAL reads')
  const startedAt = performance.now()
  const { changes, write } = await switchOf(context, sealed)
  await plane.board.change(changes, write)
  plane.store.afterCommit(() => {
    context.switchMs = performance.now() - startedAt
  })
}

/** What the SWITCH changes, for these cuts. */
export async function switchOf(
  context: MigrationContext,
  { cuts, sealMs }: Sealed,
): Promise<{ changes: RouteChanges; write: (routeVersion: number) => Promise<void> }> {
  const { plane, id } = context
  const { to } = await migrationOf(context)
  const moved = (await routeOf(context)).sealedAndAppended(cuts, to)
  return {
    changes: { topics: [moved.toJSON()] },
    write: async (routeVersion) => {
      await plane.store.appendLoglet(moved)
      await plane.store.migrations.setSwitched(id, { cuts, sealMs, routeVersion, at: plane.now() })
    },
  }
}

/** The record as it is now. */
export async function migrationOf({
  plane,
  id,
}: Pick<MigrationContext, 'plane' | 'id'>): Promise<MigrationRow> {
  const row = await plane.store.migrations.get(id)
  if (row === undefined) throw new Error(`migration ${id} is not in the store`)
  return row
}

/** The route as it is now; undefined when the topic was deleted. */
export async function routeIfThere(
  context: Pick<MigrationContext, 'plane' | 'id'>,
): Promise<TopicRoute | undefined> {
  const { tenant, topic, topicId } = await migrationOf(context)
  const route = context.plane.board.table.topic(tenant, topic)
  return route?.id === topicId ? route : undefined
}

export async function routeOf(context: Pick<MigrationContext, 'plane' | 'id'>): Promise<TopicRoute> {
  const { topic, from } = await migrationOf(context)
  const route = await routeIfThere(context)
  if (route === undefined) throw unknownTopic(topic)
  const active = route.active
  if (route.cluster(active) !== from.cluster || route.physicalTopic(active) !== from.topic) {
    throw new Refusal('ALREADY_THERE', `topic ${topic} has moved on to ${route.cluster(active)} meanwhile`)
  }
  return route
}
