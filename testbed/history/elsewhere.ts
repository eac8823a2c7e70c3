import type { StoredRecord } from './contents.ts'

/** A loglet that follows a lost one begins at a round million beyond anything that the lost one can hold. */
const failoverRound = 1_000_000n

/**
 * Records that rightly stand elsewhere than where a client met them, because the cluster of that place was given up.
 * Nothing stands at the old place then; if anything does, it is a defect whoever put it there.
 *
 *     recovered   `available`: its cluster came back, and the record was copied to the end, its header naming the place
 *     repeated    `strict` and `available`: its producer had no answer and wrote it again behind the failover, so where
 *                 it stood first is left out
 */
export class Elsewhere {
  readonly #failover: 'strict' | 'available' | undefined
  readonly #standingAt: (partition: number, offset: bigint) => StoredRecord | undefined
  readonly #byId = new Map<string, StoredRecord[]>()

  constructor(
    contents: readonly StoredRecord[],
    standingAt: (partition: number, offset: bigint) => StoredRecord | undefined,
    failover: 'strict' | 'available' | undefined,
  ) {
    this.#failover = failover
    this.#standingAt = standingAt
    if (failover === undefined) return
    for (const record of contents) {
      const places = this.#byId.get(record.id)
      if (places === undefined) this.#byId.set(record.id, [record])
      else places.push(record)
    }
  }

  /** The record was acknowledged here, or read, and stands where recovery has put it. */
  isRecovered(id: string, partition: number, offset: bigint): boolean {
    return (
      this.#failover === 'available' &&
      this.#standingAt(partition, offset) === undefined &&
      this.#places(id, partition).some(({ recoveredOffsets = [] }) => recoveredOffsets.includes(offset))
    )
  }

  /** The record was read here, and its producer wrote it again behind a failover. An acknowledged one it would not. */
  isRepeated(id: string, partition: number, offset: bigint): boolean {
    return (
      this.#failover !== undefined &&
      this.#standingAt(partition, offset) === undefined &&
      this.#places(id, partition).some(
        (place) =>
          place.recoveredOffsets === undefined && place.offset / failoverRound > offset / failoverRound,
      )
    )
  }

  /** What was recovered stands behind what its producer wrote later: that is `available`, and nothing else is. */
  hasNoOrder({ recoveredOffsets }: StoredRecord): boolean {
    return this.#failover === 'available' && recoveredOffsets !== undefined
  }

  #places(id: string, partition: number): readonly StoredRecord[] {
    return (this.#byId.get(id) ?? []).filter((place) => place.partition === partition)
  }
}
