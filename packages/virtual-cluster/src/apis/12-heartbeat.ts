import { heartbeat } from '@braid/kafka-protocol'
import { forwarded } from './group-forward.ts'

export const heartbeatHandler = forwarded(heartbeat, [1, 4], { failure: (errorCode) => ({ errorCode }) })
