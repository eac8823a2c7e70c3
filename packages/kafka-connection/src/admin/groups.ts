import type { ClusterConnections } from '../cluster-connections.ts'

export interface GroupOffset {
  readonly topic: string
  readonly partition: number
  readonly offset: bigint
  readonly metadata: string | null
}
export interface GroupListing {
  readonly groupId: string
  readonly protocolType: string
}
/** From every broker: each knows the groups that it coordinates. */
export function listGroups(_cluster: ClusterConnections): Promise<GroupListing[]> {
  throw new Error('not written yet')
}
/** All committed offsets of the group; partitions without a commit are left out. */
export function fetchGroupOffsets(_cluster: ClusterConnections, _groupId: string): Promise<GroupOffset[]> {
  throw new Error('not written yet')
}
/** A simple commit (no member, no generation): refused while the group has members. */
export function commitGroupOffsets(
  _cluster: ClusterConnections,
  _groupId: string,
  _offsets: readonly GroupOffset[],
): Promise<void> {
  throw new Error('not written yet')
}
