import { leaveGroup } from '@braid/kafka-protocol'
import { forwarded } from './group-forward.ts'

export const leaveGroupHandler = forwarded(leaveGroup, [1, 5], {
  failure: (errorCode) => ({ errorCode, members: [] }),
})
