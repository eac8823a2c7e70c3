import { DEPTH_MAX, topicReused } from './chain.ts'
import {
  columnFromJson,
  columnOf,
  columnToJson,
  type OffsetColumn,
  type OffsetColumnJson,
  offsetAt,
  sameColumn,
  ZERO_COLUMN,
} from './offset-column.ts'
import { RoutingError } from './routing-error.ts'

/** Where a physical topic is. */
export interface PhysicalTopic {
  readonly cluster: string
  readonly topic: string
}

/** One loglet of every partition of a topic. */
export interface LogletColumns extends PhysicalTopic {
  readonly starts: OffsetColumn
  readonly bases: OffsetColumn
  /** First logical offset after the loglet, kept and not the cut, because the next bases are mostly equal. */
  readonly logicalEnds: OffsetColumn | undefined
}

export interface LogletColumnsJson extends PhysicalTopic {
  readonly start: OffsetColumnJson
  readonly base: OffsetColumnJson
  /** The cut. Absent for the last, which is open. */
  readonly end?: OffsetColumnJson | undefined
}

/** The physical cut of a partition; -1 while the loglet is open. */
export function endAt(loglet: LogletColumns, partition: number): bigint {
  const { starts, bases, logicalEnds } = loglet
  if (logicalEnds === undefined) return -1n
  return offsetAt(logicalEnds, partition) - offsetAt(bases, partition) + offsetAt(starts, partition)
}

export function sameLogletColumns(a: LogletColumns, b: LogletColumns): boolean {
  if (a.cluster !== b.cluster || a.topic !== b.topic) return false
  if (!sameColumn(a.starts, b.starts) || !sameColumn(a.bases, b.bases)) return false
  if (a.logicalEnds === undefined || b.logicalEnds === undefined) return a.logicalEnds === b.logicalEnds
  return sameColumn(a.logicalEnds, b.logicalEnds)
}

export function logletColumnsToJson(loglet: LogletColumns): LogletColumnsJson {
  const { cluster, topic, starts, bases, logicalEnds } = loglet
  const open = { cluster, topic, start: columnToJson(starts), base: columnToJson(bases) }
  if (logicalEnds === undefined) return open
  const length = Math.max(starts.length, bases.length, logicalEnds.length)
  const ends =
    starts === ZERO_COLUMN && bases === ZERO_COLUMN
      ? logicalEnds
      : columnOf(Array.from({ length }, (_, partition) => endAt(loglet, partition)))
  return { ...open, end: columnToJson(ends) }
}

/** Checks all that checkChain checks, for all partitions at once: this was read from a wire or a disk. */
export function logletColumnsFromJson(
  json: readonly LogletColumnsJson[],
  partitions: number,
  name: string,
): LogletColumns[] {
  if (!Array.isArray(json) || json.length === 0 || json.length > DEPTH_MAX) {
    throw new RoutingError('BAD_CHAIN', `${name}: needs between 1 and ${DEPTH_MAX} loglets`)
  }
  const columns: LogletColumns[] = []
  const physicalTopics = new Set<string>()
  for (const [i, { cluster, topic, start, base, end }] of (json as readonly LogletColumnsJson[]).entries()) {
    checkPhysicalTopic({ cluster, topic }, name)
    const what = `${name} on ${cluster}: ${topic}`
    const physical = JSON.stringify([cluster, topic])
    if (physicalTopics.has(physical)) throw topicReused({ cluster, topic })
    physicalTopics.add(physical)
    if ((end === undefined) !== (i === json.length - 1)) {
      throw new RoutingError('BAD_CHAIN', `${what}: the last loglet is open, every other has a cut`)
    }

    const starts = columnFromJson(start, partitions, what)
    let bases = columnFromJson(base, partitions, what)
    const before = columns.at(-1)?.logicalEnds
    if (before !== undefined) {
      if (sameColumn(before, bases)) bases = before // one column again, as it was before the wire
      checkNotBelow(bases, before, `${what}: overlaps the loglet before it`)
    }
    let logicalEnds: OffsetColumn | undefined
    if (end !== undefined) {
      const ends = columnFromJson(end, partitions, what)
      checkNotBelow(ends, starts, `${what}: ends before it starts`)
      logicalEnds = logicalEndsOf(starts, bases, ends)
    }
    columns.push({ cluster, topic, starts, bases, logicalEnds })
  }
  return columns
}

export function checkPhysicalTopic(physical: PhysicalTopic, what: string): void {
  for (const key of ['cluster', 'topic'] as const) {
    if (typeof physical[key] !== 'string' || physical[key] === '') {
      throw new RoutingError('BAD_ROUTE', `${what}: ${key} of a physical topic is missing`)
    }
  }
}

function logicalEndsOf(starts: OffsetColumn, bases: OffsetColumn, ends: OffsetColumn): OffsetColumn {
  if (starts === ZERO_COLUMN && bases === ZERO_COLUMN) return ends
  const length = Math.max(starts.length, bases.length, ends.length)
  return columnOf(
    Array.from({ length }, (_, p) => offsetAt(ends, p) - offsetAt(starts, p) + offsetAt(bases, p)),
  )
}

function checkNotBelow(column: OffsetColumn, floor: OffsetColumn, what: string): void {
  if (column === floor) return
  for (let p = 0; p < Math.max(column.length, floor.length); p++) {
    if (offsetAt(column, p) < offsetAt(floor, p)) {
      throw new RoutingError(
        'BAD_CHAIN',
        `${what} (partition ${p}: ${offsetAt(column, p)} < ${offsetAt(floor, p)})`,
      )
    }
  }
}
