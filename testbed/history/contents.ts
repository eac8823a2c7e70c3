/** A record as an independent consumer found it when everything was over, in the order it was read. */
export interface StoredRecord {
  partition: number
  offset: bigint
  key: string
  id: string
  /**
   * Where it was acknowledged, when it was copied from there after a failover: what its header says. Copied once more,
   * it also names where it stood in between.
   */
  recoveredOffsets?: readonly bigint[]
}

/** A group's position as its coordinator names it when everything is over; -1 if it has none. */
export interface FinalCommit {
  group: string
  partition: number
  offset: bigint
}
