import type { ClusterConnections } from '../cluster-connections.ts'
import { changeTopicConfigs } from './topic-configs.ts'

/** Below the size of any batch: every append is refused with MESSAGE_TOO_LARGE, whoever writes and with whatever acks. */
const NOTHING_FITS = '1'
const MAX_MESSAGE_BYTES = 'max.message.bytes'

/**
 * One request for all topics; resolves when the controller has answered. Brokers refuse some milliseconds later:
 * `readCuts` tells when.
 */
export function sealTopics(cluster: ClusterConnections, topics: readonly string[]): Promise<void> {
  const changes = topics.map((topic) => ({ topic, configs: { [MAX_MESSAGE_BYTES]: NOTHING_FITS } }))
  return changeTopicConfigs(cluster, changes, 'seal')
}

/** Only before the chain has moved on. `maxMessageBytes` null deletes the override, a number in decimal sets it. */
export function unsealTopics(
  cluster: ClusterConnections,
  topics: readonly { readonly topic: string; readonly maxMessageBytes: string | null }[],
): Promise<void> {
  const changes = topics.map(({ topic, maxMessageBytes }) => ({
    topic,
    configs: { [MAX_MESSAGE_BYTES]: maxMessageBytes },
  }))
  return changeTopicConfigs(cluster, changes, 'seal')
}
