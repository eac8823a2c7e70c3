import { DEPTH_MAX, topicReused } from './chain.ts'
import { type CutSlab, cutsOf, EMPTY_LOGLET } from './cut-rows.ts'
import { type Holes, holesWithin, pastHole } from './holes.ts'
import type { Loglet, LogletAway } from './loglet.ts'
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
import { columnOf, grownColumn, type OffsetColumn, offsetAt, ZERO_COLUMN } from './offset-column.ts'
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
  readonly standbyHomeTopic?: string | undefined
  readonly failover?: FailoverPolicy | undefined
  readonly prepared?: PhysicalTopic | undefined
  readonly loglets: readonly LogletColumnsJson[]
}

/**
 * What becomes of a topic whose cluster is lost. `none`: its clients wait for it. `strict`: producers go on elsewhere,
 * consumers wait, and read on in order when it is back. `available`: consumers go on elsewhere too, and are given what
 * they skipped when it is back. Unless it is `none`, an access point writes to the topic only while it holds its lease.
 */
export type FailoverPolicy = 'none' | 'strict' | 'available'

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
  /** The physical topic on the tenant's standby home that commits are mirrored to; undefined: they are not. */
  readonly standbyHomeTopic: string | undefined
  readonly failover: FailoverPolicy
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
  readonly standbyHomeTopic: string | undefined
  readonly failover: FailoverPolicy
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
    this.standbyHomeTopic = fields.standbyHomeTopic
    this.failover = fields.failover
    this.prepared = fields.prepared
    this.columns = columns
  }

  /** A topic of one loglet that starts at offset 0: a new topic, or one adopted as it is. */
  static create(
    topic: Omit<TopicFields, 'prepared' | 'standbyHomeTopic' | 'failover'> &
      Partial<Pick<TopicFields, 'standbyHomeTopic' | 'failover'>> &
      PhysicalTopic,
  ): TopicRoute {
    const loglet = { starts: ZERO_COLUMN, bases: ZERO_COLUMN, logicalEnds: undefined }
    const { standbyHomeTopic, failover = 'none' } = topic
    const fields = { ...topic, standbyHomeTopic, failover, prepared: undefined }
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

  /** The cut, a physical offset, exclusive. -1 while the loglet is open, or nobody knows where it ends. */
  end(index: number, partition: number): bigint {
    this.checkPartition(partition)
    return endAt(this.at(index), partition)
  }

  /** Undefined unless the loglet's cluster was given up and has not returned. */
  away(index: number): LogletAway | undefined {
    return this.at(index).away
  }

  /** Whether some loglet is on a cluster that was given up. */
  get isPartlyAway(): boolean {
    return this.columns.some(({ away }) => away !== undefined)
  }

  /** Whether some partition of the loglet has batches that are no part of the topic. */
  hasHoles(index: number): boolean {
    return this.at(index).holes !== undefined
  }

  /** The physical offset itself, or where the hole ends that it is in. */
  pastHole(index: number, partition: number, physical: bigint): bigint {
    return pastHole(this.at(index).holes, partition, physical)
  }

  /** How many physical offsets of [from, to) are in holes of the loglet. */
  holesWithin(index: number, partition: number, from: bigint, to: bigint): bigint {
    return holesWithin(this.at(index).holes, partition, from, to)
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
    const { cluster, topic, away } = this.at(index)
    const end = this.end(index, partition)
    return { cluster, topic, partition, start, base, ...(end >= 0n && { end }), ...(away && { away }) }
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
    this.checkDepth()
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

  /**
   * The route after the active loglets were given up, ends unknown, and `next`, a fresh and empty physical topic,
   * follows at the logical offset `base` on every partition. The base has to be beyond anything that the lost loglet
   * can hold, whatever was written to it last: nobody can check that here.
   */
  lostAndAppended(base: bigint, next: PhysicalTopic, readers: LogletAway['readers']): TopicRoute {
    this.checkDepth()
    this.checkFresh(next)
    const active = this.columns[this.active]!
    for (let partition = 0; partition < this.partitions; partition++) {
      if (offsetAt(active.bases, partition) > base) {
        throw new RoutingError(
          'BAD_CUT',
          `${this.name}-${partition}: a loglet at ${base} would use offsets twice, the one before begins at ${offsetAt(active.bases, partition)}`,
        )
      }
    }
    const bases = columnOf([base])
    const lost = {
      ...active,
      logicalEnds: bases,
      endUnknown: true,
      away: { state: 'lost', readers },
    } as const
    return new TopicRoute({ ...this.fields(), prepared: undefined }, [
      ...this.columns.slice(0, -1),
      lost,
      { cluster: next.cluster, topic: next.topic, starts: ZERO_COLUMN, bases, logicalEnds: undefined },
    ])
  }

  /** The route with its sealed loglets on a cluster lost: their ends stay known. The active one is not touched. */
  sealedLost(cluster: string, readers: LogletAway['readers']): TopicRoute {
    const away: LogletAway = { state: 'lost', readers }
    return this.withColumns((loglet, index) =>
      index < this.active && loglet.cluster === cluster ? { ...loglet, away } : loglet,
    )
  }

  /**
   * The route with a lost loglet returning: it is sealed, and `ends` are its final cuts, by partition (ignored where
   * its ends were known).
   */
  returning(index: number, ends: readonly bigint[]): TopicRoute {
    const { away, endUnknown } = this.at(index)
    if (away === undefined) throw this.notAway(index)
    const returning: LogletAway = { ...away, state: 'returning' }
    return this.withColumns((loglet, i) => {
      if (i !== index) return loglet
      const { endUnknown: _, ...known } = loglet
      return { ...known, away: returning, ...(endUnknown && { logicalEnds: this.#cutAt(index, ends) }) }
    })
  }

  /**
   * The route with a returning loglet as any other sealed one. `ends`: its cuts; below those that it returned with
   * where what lies behind them is copied on. `holes`: batches that stand in a later loglet too.
   */
  returned(index: number, ends: readonly bigint[], holes: Holes | undefined): TopicRoute {
    if (this.at(index).away?.state !== 'returning') throw this.notAway(index)
    return this.withColumns((loglet, i) => {
      if (i !== index) return loglet
      const { away: _, holes: __, ...sealed } = loglet
      return { ...sealed, logicalEnds: this.#cutAt(index, ends), ...(holes && { holes }) }
    })
  }

  /** The route without a loglet that is away: its records are given up. */
  abandoned(index: number): TopicRoute {
    if (this.at(index).away === undefined) throw this.notAway(index)
    return new TopicRoute(this.fields(), this.columns.toSpliced(index, 1))
  }

  withFailover(failover: FailoverPolicy): TopicRoute {
    return new TopicRoute({ ...this.fields(), failover }, this.columns)
  }

  /** The route with other physical topics for commits: at home, and on the standby home. */
  withHomeTopics(homeTopic: string, standbyHomeTopic: string | undefined): TopicRoute {
    const fields = { ...this.fields(), homeTopic, standbyHomeTopic }
    checkFields(fields)
    return new TopicRoute(fields, this.columns)
  }

  #cutAt(index: number, ends: readonly bigint[]): OffsetColumn {
    if (ends.length !== this.partitions) {
      throw new RoutingError(
        'BAD_CUT',
        `${this.name}: ${ends.length} cuts for ${this.partitions} partitions; cut every partition`,
      )
    }
    const { starts, bases } = this.at(index)
    const next = this.at(index + 1).bases
    return columnOf(
      ends.map((end, partition) => {
        const logicalEnd = end - offsetAt(starts, partition) + offsetAt(bases, partition)
        if (end < offsetAt(starts, partition) || logicalEnd > offsetAt(next, partition)) {
          throw new RoutingError(
            'BAD_CUT',
            `${this.name}-${partition}: a cut at ${end} is not between the loglet's start ${offsetAt(starts, partition)} and the next one's base ${offsetAt(next, partition)}`,
          )
        }
        return logicalEnd
      }),
    )
  }

  private withColumns(change: (loglet: LogletColumns, index: number) => LogletColumns): TopicRoute {
    return new TopicRoute(this.fields(), this.columns.map(change))
  }

  private notAway(index: number): RoutingError {
    return new RoutingError(
      'BAD_CHAIN',
      `${this.name}: loglet ${index} (${this.physicalTopic(index)} on ${this.cluster(index)}) is ${this.away(index)?.state ?? 'not away'}`,
    )
  }

  private checkDepth(): void {
    if (this.depth < DEPTH_MAX) return
    throw new RoutingError(
      'BAD_CHAIN',
      `${this.name}: has ${this.depth} loglets, the most there may be: retire the first`,
    )
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

  /**
   * The route with more partitions. All loglets of a fresh partition but the active one are empty, so what it holds
   * begins at logical offset 0; every physical topic of the chain has to have it before. Never fewer.
   */
  withPartitions(partitions: number): TopicRoute {
    if (partitions < this.partitions) {
      throw new RoutingError(
        'BAD_ROUTE',
        `${this.name}: has ${this.partitions} partitions and cannot have ${partitions}: keys would change places`,
      )
    }
    if (this.isPartlyAway && partitions > this.partitions) {
      throw new RoutingError(
        'BAD_ROUTE',
        `${this.name}: gets no partitions while a loglet of it is on a cluster that was given up: return that, or abandon it`,
      )
    }
    const fields = { ...this.fields(), partitions }
    checkFields(fields)
    // Columns that were one stay one.
    const known = new Map<OffsetColumn, OffsetColumn>()
    const grown = (column: OffsetColumn) => {
      const before = known.get(column) ?? grownColumn(column, this.partitions, partitions)
      known.set(column, before)
      return before
    }
    return new TopicRoute(
      fields,
      this.columns.map((loglet) => ({
        ...loglet,
        starts: grown(loglet.starts),
        bases: grown(loglet.bases),
        logicalEnds: loglet.logicalEnds && grown(loglet.logicalEnds),
      })),
    )
  }

  /** The route with another limit of its records. */
  withMaxMessageBytes(maxMessageBytes: number): TopicRoute {
    const fields = { ...this.fields(), maxMessageBytes }
    checkFields(fields)
    return new TopicRoute(fields, this.columns)
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
        this.standbyHomeTopic === other.standbyHomeTopic &&
        this.failover === other.failover &&
        this.prepared?.cluster === other.prepared?.cluster &&
        this.prepared?.topic === other.prepared?.topic &&
        this.depth === other.depth &&
        this.columns.every((loglet, i) => sameLogletColumns(loglet, other.columns[i]!)))
    )
  }

  toJSON(): TopicRouteJson {
    const { prepared, standbyHomeTopic, failover, ...fields } = this.fields()
    return {
      ...fields,
      ...(standbyHomeTopic !== undefined && { standbyHomeTopic }),
      ...(failover !== 'none' && { failover }),
      ...(prepared && { prepared }),
      loglets: this.columns.map(logletColumnsToJson),
    }
  }

  /** Checks everything: what it is given was read from a wire or a disk. `slab` for one of many. */
  static fromJSON(json: TopicRouteJson, slab?: CutSlab): TopicRoute {
    const prepared = json.prepared && { cluster: json.prepared.cluster, topic: json.prepared.topic }
    const { standbyHomeTopic, failover = 'none' } = json
    const fields = { ...json, standbyHomeTopic, failover, prepared }
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
    const { tenant, name, id, partitions, maxMessageBytes, homeTopic, standbyHomeTopic, failover, prepared } =
      this
    return { tenant, name, id, partitions, maxMessageBytes, homeTopic, standbyHomeTopic, failover, prepared }
  }
}

const failoverPolicies: ReadonlySet<unknown> = new Set<FailoverPolicy>(['none', 'strict', 'available'])

function checkFields(fields: TopicFields): void {
  for (const key of ['tenant', 'name', 'id', 'homeTopic'] as const) {
    if (typeof fields[key] !== 'string' || fields[key] === '') {
      throw new RoutingError('BAD_ROUTE', `topic ${fields.name}: ${key} is missing`)
    }
  }
  if (fields.standbyHomeTopic !== undefined && typeof fields.standbyHomeTopic !== 'string') {
    throw new RoutingError('BAD_ROUTE', `topic ${fields.name}: standbyHomeTopic is no name`)
  }
  if (!failoverPolicies.has(fields.failover)) {
    throw new RoutingError(
      'BAD_ROUTE',
      `topic ${fields.name}: failover ${fields.failover} is none of ${[...failoverPolicies].join(', ')}`,
    )
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
