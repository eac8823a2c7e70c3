import type { ClusterConnections } from '../cluster-connections.ts'

export interface Cuts {
  /** per partition: the probe was refused as sealed, and the high watermark has reached the log end */
  readonly sealed: boolean[]
  /** per partition: the log end offset, read after the probe; -1n where it could not be read */
  readonly cuts: bigint[]
  /** why the partitions that are not sealed are not, for messages */
  readonly pending: { readonly partition: number; readonly reason: string }[]
}
/** One round trip. Never rejects because a partition is not ready or a broker is away: that stands in `pending`. */
export function readCuts(_cluster: ClusterConnections, _topic: string, _partitions: number): Promise<Cuts> {
  throw new Error('not written yet')
}
