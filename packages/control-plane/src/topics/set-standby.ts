import type { TopicRoute } from '@braid/routing-model'
import type { Plane } from '../plane.ts'

/** Where it stands by from now on; null for nowhere. Its topic there is made, or dropped, at once. */
export async function setStandby(
  { store, dueTopics }: Pick<Plane, 'store' | 'dueTopics'>,
  topicId: string,
  standby: string | null,
): Promise<void> {
  await store.topicSpecs.setStandby(topicId, standby)
  store.afterCommit(() => dueTopics.add(topicId))
}

/**
 * A new topic that stands by somewhere, or whose commits are mirrored: both are made at once, when it is committed. One
 * of a class that fails over, for which no standby was chosen because it was there before, gets one.
 */
export function protectSoon(
  { store, board, dueTopics, dueStandbys }: Pick<Plane, 'store' | 'board' | 'dueTopics' | 'dueStandbys'>,
  { id, tenant, failover }: Pick<TopicRoute, 'id' | 'tenant' | 'failover'>,
  standby: string | null,
): void {
  store.afterCommit(() => {
    const isMirrored = board.table.tenants.get(tenant)?.standbyHome !== undefined
    if (standby !== null || isMirrored) dueTopics.add(id)
    if (standby === null && failover !== 'none') dueStandbys.add(id)
  })
}
