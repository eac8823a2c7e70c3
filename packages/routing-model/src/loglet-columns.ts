import { DEPTH_MAX, topicReused } from './chain.ts'
import { type Holes, type HolesJson, holesFromJson, holesToJson, sameHoles } from './holes.ts'
import type { LogletAway } from './loglet.ts'
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
  /**
   * First logical offset after the loglet, kept and not the cut, because the next bases are mostly equal. Of one that
   * was lost before its end was known: where the next one begins, which is beyond anything that it can hold.
   */
  readonly logicalEnds: OffsetColumn | undefined
  /** What `logicalEnds` says is a bound, and not where it ends. Only of one that is lost. */
  readonly endUnknown?: boolean | undefined
  readonly away?: LogletAway | undefined
  readonly holes?: Holes | undefined
}

export interface LogletColumnsJson extends PhysicalTopic {
  readonly start: OffsetColumnJson
  readonly base: OffsetColumnJson
  /** The cut. Absent for the last, which is open, and for one that was lost before its end was known. */
  readonly end?: OffsetColumnJson | undefined
  readonly away?: LogletAway | undefined
  readonly holes?: HolesJson | undefined
}

/** The physical cut of a partition; -1 while the loglet is open, or nobody knows where it ends. */
export function endAt(loglet: LogletColumns, partition: number): bigint {
  const { starts, bases, logicalEnds, endUnknown } = loglet
  if (logicalEnds === undefined || endUnknown) return -1n
  return offsetAt(logicalEnds, partition) - offsetAt(bases, partition) + offsetAt(starts, partition)
}

export function sameLogletColumns(a: LogletColumns, b: LogletColumns): boolean {
  if (a.cluster !== b.cluster || a.topic !== b.topic) return false
  if (!sameColumn(a.starts, b.starts) || !sameColumn(a.bases, b.bases)) return false
  if (a.away?.state !== b.away?.state || a.away?.readers !== b.away?.readers) return false
  if ((a.endUnknown === true) !== (b.endUnknown === true) || !sameHoles(a.holes, b.holes)) return false
  if (a.logicalEnds === undefined || b.logicalEnds === undefined) return a.logicalEnds === b.logicalEnds
  return sameColumn(a.logicalEnds, b.logicalEnds)
}

export function logletColumnsToJson(loglet: LogletColumns): LogletColumnsJson {
  const { cluster, topic, starts, bases, logicalEnds, endUnknown, away, holes } = loglet
  const open = {
    cluster,
    topic,
    start: columnToJson(starts),
    base: columnToJson(bases),
    ...(away && { away }),
    ...(holes && { holes: holesToJson(holes) }),
  }
  if (logicalEnds === undefined || endUnknown) return open
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
  for (const [i, loglet] of (json as readonly LogletColumnsJson[]).entries()) {
    const { cluster, topic, start, base, end } = loglet
    checkPhysicalTopic({ cluster, topic }, name)
    const what = `${name} on ${cluster}: ${topic}`
    const physical = JSON.stringify([cluster, topic])
    if (physicalTopics.has(physical)) throw topicReused({ cluster, topic })
    physicalTopics.add(physical)
    const away = awayFromJson(loglet.away, what)
    const next = json[i + 1]
    const endUnknown = end === undefined && next !== undefined
    if (
      (next === undefined && (end !== undefined || away !== undefined)) ||
      (endUnknown && away?.state !== 'lost')
    ) {
      throw new RoutingError(
        'BAD_CHAIN',
        `${what}: the last loglet is open, every other has a cut, unless it is lost`,
      )
    }

    const starts = columnFromJson(start, partitions, what)
    let bases = columnFromJson(base, partitions, what)
    const before = columns.at(-1)?.logicalEnds
    if (before !== undefined) {
      if (sameColumn(before, bases)) bases = before // one column again, as it was before the wire
      checkNotBelow(bases, before, `${what}: overlaps the loglet before it`)
    }
    let logicalEnds: OffsetColumn | undefined
    if (endUnknown) logicalEnds = columnFromJson(next.base, partitions, what)
    if (end !== undefined) {
      const ends = columnFromJson(end, partitions, what)
      checkNotBelow(ends, starts, `${what}: ends before it starts`)
      logicalEnds = logicalEndsOf(starts, bases, ends)
    }
    const holes = holesFromJson(loglet.holes, partitions, what)
    columns.push({
      cluster,
      topic,
      starts,
      bases,
      logicalEnds,
      ...(endUnknown && { endUnknown }),
      ...(away && { away }),
      ...(holes && { holes }),
    })
  }
  return columns
}

function awayFromJson(away: LogletAway | undefined, what: string): LogletAway | undefined {
  if (away === undefined) return undefined
  const { state, readers } = away
  if ((state === 'lost' || state === 'returning') && (readers === 'wait' || readers === 'skip'))
    return { state, readers }
  throw new RoutingError('BAD_ROUTE', `${what}: ${JSON.stringify(away)} does not say how it is away`)
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
