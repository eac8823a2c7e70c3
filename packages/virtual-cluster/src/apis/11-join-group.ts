import { joinGroup } from '@braid/kafka-protocol'
import { forwarded } from './group-forward.ts'

/** The coordinator answers when every member has joined: up to the rebalance timeout. */
const LONGEST_REBALANCE_MS = 30 * 60_000

export const joinGroupHandler = forwarded(joinGroup, [2, 9], {
  waitMs: (r) => {
    r.int32() // session timeout
    return Math.min(Math.max(r.int32(), 0), LONGEST_REBALANCE_MS)
  },
  failure: (errorCode) => ({
    errorCode,
    protocolType: null,
    protocolName: '',
    leader: '',
    memberId: '',
    generationId: -1,
    members: [],
  }),
})
