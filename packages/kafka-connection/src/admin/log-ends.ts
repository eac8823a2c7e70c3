import type { ClusterConnections } from '../cluster-connections.ts'

export type LogEnd = 'earliest' | 'highWatermark' | 'logEnd'
export function logEnds(
  _cluster: ClusterConnections,
  _topic: string,
  _partitions: number,
  _which: LogEnd,
): Promise<bigint[]> {
  throw new Error('not written yet')
}
