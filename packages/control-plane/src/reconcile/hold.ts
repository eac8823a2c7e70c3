// A topic that is changed in a way that a migration must not meet half way, and the other way round.
import type { TopicRoute } from '@braid/routing-model'
import type { Plane } from '../plane.ts'
import { Refusal } from '../refusal.ts'
import type { HoldRow } from '../store/reconcile-queries.ts'

/**
 * Does `work` while no migration of the topic is under way, and none begins. Undefined, without having begun, when one
 * is under way, or the topic is held already. `work` is bounded: it asks clusters, and each of these has its own bound.
 * When the process dies meanwhile, the next term takes the hold off, and finds what was left undone as drift.
 */
export async function whileHeld<T>(
  { store, now }: Pick<Plane, 'store' | 'now'>,
  route: TopicRoute,
  why: string,
  work: () => Promise<T>,
): Promise<{ readonly value: T } | undefined> {
  const held = await store.transaction(async () => {
    if ((await store.migrations.underway(route.id)) !== undefined) return false
    if ((await store.reconcile.hold(route.id)) !== undefined) return false
    await store.reconcile.putHold(route.id, { why, since: now() })
    return true
  })
  if (!held) return undefined
  try {
    return { value: await work() }
  } finally {
    await store.reconcile.removeHold(route.id)
  }
}

/** `topic orders is being changed (partitions are added, since 2 s)` */
export function topicHeld(topic: string, { why, since }: HoldRow, now: number): Refusal {
  const seconds = Math.max(0, Math.round((now - since) / 1_000))
  return new Refusal(
    'TOPIC_CHANGING',
    `topic ${topic} is being changed (${why}, since ${seconds} s): try again in a moment`,
  )
}
