import type { ClusterConnections } from '../cluster-connections.ts'

export interface ProducerState {
  readonly epoch: number
  readonly lastSequence: number
}
/** By producer id. */
export function producerStates(
  _cluster: ClusterConnections,
  _topic: string,
  _partition: number,
): Promise<Map<bigint, ProducerState>> {
  throw new Error('not written yet')
}
