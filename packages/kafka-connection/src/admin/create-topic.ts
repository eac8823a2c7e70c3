import type { ClusterConnections } from '../cluster-connections.ts'

export interface NewTopic {
  readonly topic: string
  readonly partitions: number
  /** the cluster's default when absent */
  readonly replicationFactor?: number
  readonly configs?: Readonly<Record<string, string>>
}

/** Rejects with BROKER_ERROR (`kafkaError` 36 when the topic exists). Follow with `waitForLeaders`. */
export function createTopic(_cluster: ClusterConnections, _topic: NewTopic): Promise<void> {
  throw new Error('not written yet')
}
/** Resolves when every partition has a leader that answers for it, and the metadata cache knows it. */
export function waitForLeaders(
  _cluster: ClusterConnections,
  _topic: string,
  _partitions: number,
  _timeoutMs: number,
): Promise<void> {
  throw new Error('not written yet')
}
/** true when it was deleted, false when there was none. */
export function deleteTopic(_cluster: ClusterConnections, _topic: string): Promise<boolean> {
  throw new Error('not written yet')
}
