import { errorCodes } from '@braid/kafka-protocol'
import type { LiveTopic, SendOutcome } from './live-topic.ts'
import type { ProducePart } from './produce-part.ts'

/** How often a batch that waits for earlier sequences looks whether they have come. */
export const GAP_LOOK_MS = 20

/** What a refusal means: the loglet is sealed, the broker is busy with itself, or it is the client's to know. */
export type Refusal = 'sealed' | 'retry' | 'gap' | 'give-up'

export function meaningOf({ engine, route }: LiveTopic, part: ProducePart, outcome: SendOutcome): Refusal {
  const connections = engine.cluster(route.cluster(route.active))
  if (outcome.kind === 'lost') {
    connections?.invalidate(part.sentTo)
    // A batch that may have landed is repeated only where the broker can tell that it is a repetition.
    return !outcome.sent || part.idempotent ? 'retry' : 'give-up'
  }
  switch (outcome.error) {
    case errorCodes.MESSAGE_TOO_LARGE:
      return part.records.length > route.maxMessageBytes ? 'give-up' : 'sealed'
    case errorCodes.NOT_LEADER_OR_FOLLOWER:
    case errorCodes.LEADER_NOT_AVAILABLE:
    case errorCodes.UNKNOWN_TOPIC_OR_PARTITION:
    case errorCodes.KAFKA_STORAGE_ERROR:
      connections?.invalidate(part.sentTo)
      return 'retry'
    case errorCodes.NOT_ENOUGH_REPLICAS:
      return 'retry'
    case errorCodes.REQUEST_TIMED_OUT:
    case errorCodes.NOT_ENOUGH_REPLICAS_AFTER_APPEND:
      return part.idempotent ? 'retry' : 'give-up'
    case errorCodes.OUT_OF_ORDER_SEQUENCE_NUMBER: {
      // An earlier batch of the same producer is still on its way, by another connection or held here.
      const now = engine.now()
      if (part.gapSinceMs === 0) part.gapSinceMs = now
      part.lookAgainMs = now + GAP_LOOK_MS
      return now < part.gapSinceMs + engine.limits.sequenceGapMaxMs ? 'gap' : 'give-up'
    }
    default:
      return 'give-up'
  }
}
