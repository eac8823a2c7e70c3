import { syncGroup } from '@braid/kafka-protocol'
import { forwarded } from './group-forward.ts'

/** Followers wait for the leader's assignment, at most as long as the group's rebalance takes. */
const LONGEST_SYNC_MS = 10 * 60_000

export const syncGroupHandler = forwarded(syncGroup, [1, 5], {
  waitMs: () => LONGEST_SYNC_MS,
  failure: (errorCode) => ({ errorCode, assignment: Buffer.alloc(0) }),
})
