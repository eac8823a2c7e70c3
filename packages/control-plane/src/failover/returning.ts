// What the steps of a return work on.
import type { PhysicalTopic } from '@braid/routing-model'
import type { Plane } from '../plane.ts'
import { indexOfLoglet } from '../sagas/loglet-index.ts'
import type { Migrations } from '../sagas/migrations.ts'
import type { SagaRunner } from '../sagas/saga-runner.ts'
import type { FailoverRow, FailoverTopicRow } from '../store/failover-queries.ts'
import type { LogletPosition } from './lost-loglets.ts'

export interface ReturnContext {
  readonly plane: Plane
  readonly sagas: SagaRunner
  readonly migrations: Migrations
  /** Of the return and of its saga. */
  readonly id: string
}

/** What its options say. */
export interface ReturnOptions {
  readonly moveBack: boolean
}

/** The record as it is now. */
export async function returnOf({ plane, id }: Pick<ReturnContext, 'plane' | 'id'>): Promise<FailoverRow> {
  const row = await plane.store.failovers.get(id)
  if (row === undefined) throw new Error(`return ${id} is not in the store`)
  return row
}

/** Undefined when the topic was deleted, and when it has been abandoned. */
export function logletOf(
  plane: Plane,
  { tenant, topic, topicId, from }: Pick<FailoverTopicRow, 'tenant' | 'topic' | 'topicId' | 'from'>,
): LogletPosition | undefined {
  const route = plane.board.table.topic(tenant, topic)
  if (route?.id !== topicId) return undefined
  const index = indexOfLoglet(route, from)
  return index < 0 || route.away(index) === undefined ? undefined : { route, index }
}

/** What is said of a loglet whose physical topic is gone. */
export function goneReason({ cluster, topic }: PhysicalTopic): string {
  return `${topic} is not on ${cluster} any more, and its records with it: somebody deleted it, or made another of its name. The loglet stays lost, and readers wait there or skip it as before: abandon it to go on without`
}
