import { DEPTH_MAX, topicReused } from './chain.ts'
import { type CutSlab, cutsOf, EMPTY_LOGLET } from './cut-rows.ts'
import type { Loglet } from './loglet.ts'
import {
  checkPhysicalTopic,
  endAt,
  type LogletColumns,
  type LogletColumnsJson,
  logletColumnsFromJson,
  logletColumnsToJson,
  type PhysicalTopic,
  sameLogletColumns,
} from './loglet-columns.ts'
import { columnOf, type OffsetColumn, offsetAt, ZERO_COLUMN } from './offset-column.ts'
import { RoutingError } from './routing-error.ts'

/** Kafka itself gives out long before; the bound is there so that no message can claim more memory. */
export const PARTITIONS_MAX = 1_000_000

export interface TopicRouteJson {
  readonly tenant: string
  readonly name: string
  readonly id: string
  readonly partitions: number
  readonly maxMessageBytes: number
  readonly homeTopic: string
  readonly prepared?: PhysicalTopic | undefined
  readonly loglets: readonly LogletColumnsJson[]
}

interface TopicFields {
  readonly tenant: string
  readonly name: string
  /** A uuid. A topic that is deleted and made again is another topic. */
  readonly id: string
  readonly partitions: number
  /** The topic's real limit. The seal sets max.message.bytes=1 on the physical topic, so it cannot tell. */
  readonly maxMessageBytes: number
  /** The physical topic on the tenant's home under whose name groups commit. */
  readonly homeTopic: string
  /** A hint: where the topic will go next, so that access points can warm up. */
  readonly prepared: PhysicalTopic | undefined
}

/**
 * Where a topic is: the chains of all its partitions. Immutable. All partitions move together, so cluster and
 * physical topic are per loglet and only offsets are per partition, in columns. Lookups make no objects.
 */
export class TopicRoute implements TopicFields {
  // First, and no getters, because every request reads them: they share a line of memory.
  readonly partitions: number
  /** Loglets per partition. */
  readonly depth: number
  // Cuts, made from the columns, and no part of what a route says.
  readonly #bounds: OffsetColumn
  readonly #boundsAt: number
  readonly #rows: OffsetColumn
  readonly #rowsAt: number
  readonly #perPartition: number
  readonly tenant: string
  readonly name: string
  readonly id: string
  readonly maxMessageBytes: number
  readonly homeTopic: string
  readonly prepared: PhysicalTopic | undefined
  private readonly columns: readonly LogletColumns[]

  private constructor(fields: TopicFields, columns: readonly LogletColumns[], slab?: CutSlab) {
    const cuts = cutsOf(columns, fields.partitions, slab)
    this.partitions = fields.partitions
    this.depth = columns.length
    this.#bounds = cuts.bounds
    this.#boundsAt = cuts.boundsAt
    this.#rows = cuts.rows
    this.#rowsAt = cuts.rowsAt
    this.#perPartition = cuts.perPartition
    this.tenant = fields.tenant
    this.name = fields.name
    this.id = fields.id
    this.maxMessageBytes = fields.maxMessageBytes
    this.homeTopic = fields.homeTopic
    this.prepared = fields.prepared
    this.columns = columns
  }

  /** A topic of one loglet that starts at offset 0: a new topic, or one adopted as it is. */
  static create(topic: Omit<TopicFields, 'prepared'> & PhysicalTopic): TopicRoute {
    const loglet = { starts: ZERO_COLUMN, bases: ZERO_COLUMN, logicalEnds: undefined }
    const fields = { ...topic, prepared: undefined }
    checkFields(fields)
    return new TopicRoute(fields, [{ cluster: topic.cluster, topic: topic.topic, ...loglet }])
  }

  /** Index of the loglet that takes appends. */
  get active(): number {
    return this.depth - 1
  }

  cluster(index: number): string {
    return this.at(index).cluster
  }

  physicalTopic(index: number): string {
    return this.at(index).topic
  }

  /** First physical offset of a loglet. */
  start(index: number, partition: number): bigint {
    this.checkPartition(partition)
    return offsetAt(this.at(index).starts, partition)
  }

  /** Logical offset of a loglet's `start`. */
  base(index: number, partition: number): bigint {
    this.checkPartition(partition)
    return offsetAt(this.at(index).bases, partition)
  }

  /** The cut, a physical offset, exclusive. -1 while the loglet is open. */
  end(index: number, partition: number): bigint {
    this.checkPartition(partition)
    return endAt(this.at(index), partition)
  }

  /**
   * Index of the first loglet that holds, or may yet hold, an offset at or after `offset`; what locateLoglet
   * answers for chain(partition). Searched from the active loglet back, because nearly all clients are there.
   */
  locate(partition: number, offset: bigint): number {
    this.checkPartition(partition)
    const bounds = this.#bounds
    let found = this.depth - 1
    for (let i = found - 1; i >= 0; i--) {
      const at = this.#boundsAt + 2 * i
      if (bounds[at + 1]! <= offset) break
      // It is among this loglet's ends, and only the partition's own can tell.
      if (bounds[at]! <= offset) return this.#locateInRow(partition, offset, i, found)
      found = i
    }
    return found
  }

  #locateInRow(partition: number, offset: bigint, from: number, after: number): number {
    const rows = this.#rows
    const row = this.#rowsAt + partition * this.#perPartition
    let found = after
    for (let i = from; i >= 0; i--) {
      const end = rows[row + i]!
      if (end === EMPTY_LOGLET) continue
      if (end <= offset) break
      found = i
    }
    return found
  }

  loglet(index: number, partition: number): Loglet {
    const start = this.start(index, partition)
    const base = this.base(index, partition)
    const { cluster, topic } = this.at(index)
    if (index === this.active) return { cluster, topic, partition, start, base }
    return { cluster, topic, partition, start, end: this.end(index, partition), base }
  }

  chain(partition: number): Loglet[] {
    return this.columns.map((_, index) => this.loglet(index, partition))
  }

  withPrepared(prepared: PhysicalTopic | undefined): TopicRoute {
    if (prepared !== undefined) this.checkFresh(prepared)
    return new TopicRoute({ ...this.fields(), prepared }, this.columns)
  }

  /**
   * The route after the active loglets were sealed at `ends` (the physical cut of each partition) and `next`,
   * a fresh and empty physical topic, follows. `gap` leaves that many logical offsets unused.
   */
  sealedAndAppended(ends: readonly bigint[], next: PhysicalTopic, gap = 0n): TopicRoute {
    if (ends.length !== this.partitions) {
      throw new RoutingError(
        'BAD_CUT',
        `${this.name}: ${ends.length} cuts for ${this.partitions} partitions; cut every partition`,
      )
    }
    if (gap < 0n) throw new RoutingError('BAD_CUT', `${this.name}: a gap of ${gap} would use offsets twice`)
    if (this.depth >= DEPTH_MAX) {
      throw new RoutingError(
        'BAD_CHAIN',
        `${this.name}: has ${this.depth} loglets, the most there may be: retire the first`,
      )
    }
    this.checkFresh(next)
    const active = this.columns[this.active]!
    const logicalEnds = columnOf(
      ends.map((end, partition) => {
        const start = offsetAt(active.starts, partition)
        if (end < start) {
          throw new RoutingError(
            'BAD_CUT',
            `${this.name}-${partition}: cut at ${end}, before the loglet's start ${start}`,
          )
        }
        return end - start + offsetAt(active.bases, partition)
      }),
    )
    const bases = gap === 0n ? logicalEnds : columnOf(Array.from(logicalEnds, (end) => end + gap))
    return new TopicRoute({ ...this.fields(), prepared: undefined }, [
      ...this.columns.slice(0, -1),
      { ...active, logicalEnds },
      { cluster: next.cluster, topic: next.topic, starts: ZERO_COLUMN, bases, logicalEnds: undefined },
    ])
  }

  /** The route without its first loglet, once retention has emptied it on every partition. */
  retiredFirst(): TopicRoute {
    if (this.depth < 2) {
      throw new RoutingError(
        'BAD_CHAIN',
        `${this.name}: the active loglet cannot be retired: move the topic first`,
      )
    }
    return new TopicRoute(this.fields(), this.columns.slice(1))
  }

  equals(other: TopicRoute): boolean {
    return (
      this === other ||
      (this.tenant === other.tenant &&
        this.name === other.name &&
        this.id === other.id &&
        this.partitions === other.partitions &&
        this.maxMessageBytes === other.maxMessageBytes &&
        this.homeTopic === other.homeTopic &&
        this.prepared?.cluster === other.prepared?.cluster &&
        this.prepared?.topic === other.prepared?.topic &&
        this.depth === other.depth &&
        this.columns.every((loglet, i) => sameLogletColumns(loglet, other.columns[i]!)))
    )
  }

  toJSON(): TopicRouteJson {
    const { prepared, ...fields } = this.fields()
    return { ...fields, ...(prepared && { prepared }), loglets: this.columns.map(logletColumnsToJson) }
  }

  /** Checks everything: what it is given was read from a wire or a disk. `slab` for one of many. */
  static fromJSON(json: TopicRouteJson, slab?: CutSlab): TopicRoute {
    const prepared = json.prepared && { cluster: json.prepared.cluster, topic: json.prepared.topic }
    const fields = { ...json, prepared }
    checkFields(fields)
    const columns = logletColumnsFromJson(json.loglets, json.partitions, json.name)
    const route = new TopicRoute(fields, columns, slab)
    if (prepared !== undefined) route.checkFresh(prepared)
    return route
  }

  private at(index: number): LogletColumns {
    const loglet = this.columns[index]
    if (loglet === undefined) {
      throw new RoutingError('OUT_OF_RANGE', `${this.name}: no loglet ${index}, there are ${this.depth}`)
    }
    return loglet
  }

  // A column of length 1 would answer for any partition.
  private checkPartition(partition: number): void {
    if (!(partition >= 0 && partition < this.partitions)) {
      throw new RoutingError(
        'OUT_OF_RANGE',
        `${this.name}: no partition ${partition}, there are ${this.partitions}`,
      )
    }
  }

  private checkFresh(physical: PhysicalTopic): void {
    checkPhysicalTopic(physical, this.name)
    const known = ({ cluster, topic }: PhysicalTopic) =>
      cluster === physical.cluster && topic === physical.topic
    if (this.columns.some(known)) throw topicReused(physical)
  }

  private fields(): TopicFields {
    const { tenant, name, id, partitions, maxMessageBytes, homeTopic, prepared } = this
    return { tenant, name, id, partitions, maxMessageBytes, homeTopic, prepared }
  }
}

function checkFields(fields: TopicFields): void {
  for (const key of ['tenant', 'name', 'id', 'homeTopic'] as const) {
    if (typeof fields[key] !== 'string' || fields[key] === '') {
      throw new RoutingError('BAD_ROUTE', `topic ${fields.name}: ${key} is missing`)
    }
  }
  if (!isWithin(fields.partitions, 1, PARTITIONS_MAX)) {
    throw new RoutingError(
      'BAD_ROUTE',
      `topic ${fields.name}: ${fields.partitions} partitions, must be 1 to ${PARTITIONS_MAX}`,
    )
  }
  if (!isWithin(fields.maxMessageBytes, 1, 2 ** 31 - 1)) {
    throw new RoutingError(
      'BAD_ROUTE',
      `topic ${fields.name}: maxMessageBytes ${fields.maxMessageBytes}, must be 1 to 2^31 - 1`,
    )
  }
}

function isWithin(value: unknown, min: number, max: number): boolean {
  return Number.isInteger(value) && (value as number) >= min && (value as number) <= max
}
