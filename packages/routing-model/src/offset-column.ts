import { OFFSET_MAX } from './chain.ts'
import { RoutingError } from './routing-error.ts'

/**
 * One offset for each partition of a topic. Of length 1 when they are all equal, which most columns are: a
 * topic that has never moved, the start of every fresh loglet. Never written after it was made, so routes
 * share columns: the ends of a loglet and the bases of the next are one column unless there is a gap.
 */
export type OffsetColumn = BigInt64Array

/** JSON form: a decimal string when all partitions are equal, else one for each. */
export type OffsetColumnJson = string | readonly string[]

/** Shared by every column of nothing but zero. */
export const ZERO_COLUMN: OffsetColumn = new BigInt64Array(1)

export function offsetAt(column: OffsetColumn, partition: number): bigint {
  return column[column.length === 1 ? 0 : partition]!
}

export function columnOf(offsets: readonly bigint[]): OffsetColumn {
  for (const offset of offsets) {
    // BigInt64Array would wrap silently.
    if (offset < 0n || offset > OFFSET_MAX) {
      throw tooLarge(offset)
    }
  }
  const first = offsets[0]
  if (first !== undefined && offsets.every((offset) => offset === first)) {
    return first === 0n ? ZERO_COLUMN : BigInt64Array.of(first)
  }
  return BigInt64Array.from(offsets)
}

function tooLarge(offset: bigint): RoutingError {
  return new RoutingError('BAD_OFFSET', `${offset} is no 64-bit offset`)
}

/** The column of `partitions` partitions for `grownTo`, zero where it is new. */
export function grownColumn(column: OffsetColumn, partitions: number, grownTo: number): OffsetColumn {
  if (column === ZERO_COLUMN || grownTo === partitions) return column
  const grown = new BigInt64Array(grownTo)
  for (let partition = 0; partition < partitions; partition++) grown[partition] = offsetAt(column, partition)
  return grown
}

export function sameColumn(a: OffsetColumn, b: OffsetColumn): boolean {
  return a === b || (a.length === b.length && a.every((offset, i) => offset === b[i]))
}

export function columnToJson(column: OffsetColumn): OffsetColumnJson {
  return column.length === 1 ? String(column[0]) : Array.from(column, String)
}

export function columnFromJson(json: OffsetColumnJson, partitions: number, what: string): OffsetColumn {
  if (typeof json === 'string') return columnOf([parseOffset(json, what)])
  if (!Array.isArray(json) || json.length !== partitions) {
    throw new RoutingError('BAD_ROUTE', `${what}: needs one offset for all, or one for each of ${partitions}`)
  }
  const column = new BigInt64Array(partitions)
  let alike = true
  for (let partition = 0; partition < partitions; partition++) {
    column[partition] = parseOffset(json[partition], what)
    if (column[partition] !== column[0]) alike = false
  }
  return alike ? columnOf([column[0]!]) : column
}

const exactDigits = 15

function parseOffset(text: unknown, what: string): bigint {
  if (typeof text !== 'string' || !/^\d{1,19}$/.test(text)) {
    throw new RoutingError('BAD_OFFSET', `${what}: ${JSON.stringify(text)} is no offset in decimal digits`)
  }
  // Several times as fast as BigInt(text), and a large table has millions.
  if (text.length <= exactDigits) return BigInt(Number(text))
  const offset = BigInt(text)
  if (offset > OFFSET_MAX) throw tooLarge(offset)
  return offset
}
