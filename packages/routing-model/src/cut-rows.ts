// What a lookup reads: the cuts of a partition side by side, where columns have them far apart.
//
// A table of a million partitions does not fit a processor's caches, so a lookup costs what it touches. Columns are
// right for what a route says; here the same ends lie again as they are asked for: first the lowest and highest of
// each loglet, which decide for most offsets and are few, then each partition's own.
import type { LogletColumns } from './loglet-columns.ts'
import { type OffsetColumn, offsetAt, ZERO_COLUMN } from './offset-column.ts'

/** In a row, stands where a loglet has no records: its end says nothing about any offset. */
export const EMPTY_LOGLET = -1n

/** The logical ends of all sealed loglets of a topic. */
export interface Cuts {
  /** From `boundsAt`, for each loglet: its lowest end, EMPTY_LOGLET when a partition's is empty; its highest end. */
  readonly bounds: OffsetColumn
  readonly boundsAt: number
  /** From `rowsAt`, partition after partition: the end of each loglet. One row when all partitions are alike. */
  readonly rows: OffsetColumn
  readonly rowsAt: number
  /** 0 when all partitions are alike. */
  readonly perPartition: number
}

const none: Cuts = { bounds: ZERO_COLUMN, boundsAt: 0, rows: ZERO_COLUMN, rowsAt: 0, perPartition: 0 }

export function cutsOf(columns: readonly LogletColumns[], partitions: number, slab?: CutSlab): Cuts {
  const sealed = columns.length - 1
  if (sealed === 0) return none
  let rowCount = 1
  for (let i = 0; i < sealed; i++) {
    if (columns[i]!.bases.length > 1 || columns[i]!.logicalEnds!.length > 1) rowCount = partitions
  }
  const rowsAt = 2 * sealed
  const all = new BigInt64Array(rowsAt + rowCount * sealed)
  for (let i = 0; i < sealed; i++) {
    const { bases, logicalEnds } = columns[i]!
    let lowest: bigint | undefined
    let highest = 0n
    for (let partition = 0; partition < rowCount; partition++) {
      const logicalEnd = offsetAt(logicalEnds!, partition)
      const end = logicalEnd > offsetAt(bases, partition) ? logicalEnd : EMPTY_LOGLET
      all[rowsAt + partition * sealed + i] = end
      if (lowest === undefined || end < lowest) lowest = end
      if (logicalEnd > highest) highest = logicalEnd
    }
    all[2 * i] = lowest!
    all[2 * i + 1] = highest
  }
  const perPartition = rowCount === 1 ? 0 : sealed
  return (
    slab?.keep(all, rowsAt, perPartition) ?? { bounds: all, boundsAt: 0, rows: all, rowsAt, perPartition }
  )
}

const slabOffsets = 65_536

/**
 * The cuts of many topics in few arrays: each array of its own is two more lines of memory to touch. For a whole table;
 * a topic that changes later gets an array of its own, so at most one table's are kept longer than needed.
 */
export class CutSlab {
  private readonly bounds = new Slab()
  private readonly rows = new Slab()

  keep(all: OffsetColumn, rowsAt: number, perPartition: number): Cuts | undefined {
    if (all.length > slabOffsets / 8) return undefined
    const bounds = this.bounds.keep(all.subarray(0, rowsAt))
    const rows = this.rows.keep(all.subarray(rowsAt))
    return { bounds: bounds.slab, boundsAt: bounds.at, rows: rows.slab, rowsAt: rows.at, perPartition }
  }
}

class Slab {
  private slab = new BigInt64Array(0)
  private used = 0

  keep(offsets: OffsetColumn): { readonly slab: OffsetColumn; readonly at: number } {
    if (this.used + offsets.length > this.slab.length) {
      this.slab = new BigInt64Array(slabOffsets)
      this.used = 0
    }
    const at = this.used
    this.slab.set(offsets, at)
    this.used += offsets.length
    return { slab: this.slab, at }
  }
}
