// What the steps of a group's saga work on.
import type { TopicRoute } from '@braid/routing-model'
import type { Plane } from '../plane.ts'
import { Refusal, unknownTopic } from '../refusal.ts'
import type { MigrationRow } from '../store/rows.ts'
import type { SagaRunner } from './saga-runner.ts'
import type { Sealed } from './seal.ts'

export interface GroupContext {
  readonly plane: Plane
  readonly sagas: SagaRunner
  readonly group: string
  /** What SEAL found, for the SWITCH that follows at once. After a crash in between SEAL runs again. */
  sealed: Sealed | undefined
  /** Of the SWITCH: a write of its own would be in the way. */
  switchMs: number | undefined
}

/** One topic of the group: its record, and its route as it is now. */
export interface Member {
  readonly row: MigrationRow
  readonly route: TopicRoute
}

/** The group's records, and the clusters that it moves between: all of its topics come from one. */
export async function groupOf({ plane, group }: Pick<GroupContext, 'plane' | 'group'>): Promise<{
  readonly rows: readonly MigrationRow[]
  readonly from: string
  readonly to: string
}> {
  const rows = await plane.store.migrations.inGroup(group)
  const [first] = rows
  if (first === undefined) throw new Error(`migration group ${group} is not in the store`)
  return { rows, from: first.from.cluster, to: first.to.cluster }
}

/** Undefined when the topic was deleted. */
export function routeIfThere(plane: Plane, { tenant, topic, topicId }: MigrationRow): TopicRoute | undefined {
  const route = plane.board.table.topic(tenant, topic)
  return route?.id === topicId ? route : undefined
}

/** Throws unless its topic still is where the migration takes it from. */
export function memberOf(plane: Plane, row: MigrationRow): Member {
  const { topic, from } = row
  const route = routeIfThere(plane, row)
  if (route === undefined) throw unknownTopic(topic)
  const { active } = route
  if (route.cluster(active) !== from.cluster || route.physicalTopic(active) !== from.topic) {
    throw new Refusal('ALREADY_THERE', `topic ${topic} has moved on to ${route.cluster(active)} meanwhile`)
  }
  return { row, route }
}
