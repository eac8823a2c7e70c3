// What a lookup reads: the cuts of a partition side by side, where columns have them far apart.
//
// A table of a million partitions does not fit a processor's caches, so a lookup costs what it touches. Columns are
// right for what a route says; here the same ends lie again as they are asked for.
import type { LogletColumns } from './loglet-columns.ts'
import { type OffsetColumn, offsetAt, ZERO_COLUMN } from './offset-column.ts'

/** Stands where a loglet has no records: its end says nothing about any offset. */
export const EMPTY_LOGLET = -1n

/** The logical ends of all sealed loglets, partition after partition; one row when all partitions are alike. */
export function cutRows(columns: readonly LogletColumns[], partitions: number): OffsetColumn {
  const sealed = columns.length - 1
  if (sealed === 0) return ZERO_COLUMN
  let rows = 1
  for (let i = 0; i < sealed; i++) {
    if (columns[i]!.bases.length > 1 || columns[i]!.logicalEnds!.length > 1) rows = partitions
  }
  const cuts = new BigInt64Array(rows * sealed)
  for (let i = 0; i < sealed; i++) {
    const { bases, logicalEnds } = columns[i]!
    for (let partition = 0; partition < rows; partition++) {
      const end = offsetAt(logicalEnds!, partition)
      cuts[partition * sealed + i] = end > offsetAt(bases, partition) ? end : EMPTY_LOGLET
    }
  }
  return cuts
}

const slabOffsets = 65_536

/**
 * Rows of many topics in few arrays: each array of its own is two more lines of memory to touch. For a whole table;
 * a topic that changes later gets rows of its own, so at most one table's rows are kept longer than needed.
 */
export class OffsetSlab {
  private slab: OffsetColumn = ZERO_COLUMN
  private used = 1

  keep(rows: OffsetColumn): { readonly slab: OffsetColumn; readonly at: number } {
    if (rows.length > slabOffsets / 8) return { slab: rows, at: 0 }
    if (this.used + rows.length > this.slab.length) {
      this.slab = new BigInt64Array(slabOffsets)
      this.used = 0
    }
    const at = this.used
    this.slab.set(rows, at)
    this.used += rows.length
    return { slab: this.slab, at }
  }
}
