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
  plane: Pick<Plane, 'store' | 'now' | 'sleep' | 'closing' | 'timings'>,
  route: TopicRoute,
  why: string,
  work: () => Promise<T>,
): Promise<{ readonly value: T } | undefined> {
  const { store, now } = plane
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
    await letGo(plane, route.id)
  }
}

/** Nobody else would: a store that fails for a moment must not leave a topic held until the term ends. */
async function letGo(
  { store, sleep, closing, timings }: Pick<Plane, 'store' | 'sleep' | 'closing' | 'timings'>,
  topicId: string,
): Promise<void> {
  for (let failures = 0; ; failures++) {
    try {
      return await store.reconcile.removeHold(topicId)
    } catch (error) {
      if (closing.aborted) throw error
      const { retryBaseMs, retryMaxMs } = timings
      await sleep(Math.min(retryMaxMs, retryBaseMs * 2 ** Math.min(failures, 20)), closing)
    }
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
