import type { ClusterConnections } from '../cluster-connections.ts'

/** Moves the log start of each partition up to `before` (-1n: to the high watermark); answers the new log starts. */
export function deleteRecords(
  _cluster: ClusterConnections,
  _topic: string,
  _partitions: readonly { readonly partition: number; readonly before: bigint }[],
): Promise<Map<number, bigint>> {
  throw new Error('not written yet')
}
