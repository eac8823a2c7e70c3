import type { ClusterConnections } from '../cluster-connections.ts'

/** One request for all topics; resolves when the controller answered. Brokers refuse some 30 ms later: see `readCuts`. */
export function sealTopics(_cluster: ClusterConnections, _topics: readonly string[]): Promise<void> {
  throw new Error('not written yet')
}
/** `maxMessageBytes` null deletes the override, a number in decimal sets it. */
export function unsealTopics(
  _cluster: ClusterConnections,
  _topics: readonly { readonly topic: string; readonly maxMessageBytes: string | null }[],
): Promise<void> {
  throw new Error('not written yet')
}
