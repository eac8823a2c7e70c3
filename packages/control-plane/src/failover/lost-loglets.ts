// Pure: what of the routes is away with a cluster, and what a loglet that returns becomes.
import {
  type Holes,
  type HolesJson,
  holesFromJson,
  logicalEnd,
  type RouteTable,
  TopicRoute,
} from '@braid/routing-model'
import type { FailoverTopicRow } from '../store/failover-queries.ts'

export interface LogletPosition {
  readonly route: TopicRoute
  readonly index: number
}

/** Of all topics, also of those that are active elsewhere. */
export function logletsAway(table: RouteTable, cluster: string): LogletPosition[] {
  const found: LogletPosition[] = []
  for (const route of table.allTopics()) {
    if (!route.isPartlyAway) continue
    for (let index = 0; index < route.depth; index++)
      if (route.cluster(index) === cluster && route.away(index) !== undefined) found.push({ route, index })
  }
  return found
}

/** By partition; undefined where nobody knows where it ends. */
export function logicalEndsOf({ route, index }: LogletPosition): bigint[] | undefined {
  const ends: bigint[] = []
  for (let partition = 0; partition < route.partitions; partition++) {
    const end = logicalEnd(route.loglet(index, partition))
    if (end === undefined) return undefined
    ends.push(end)
  }
  return ends
}

/** Where a logical offset would stand, also one that lies before the loglet or behind it. */
export function physicalOf({ route, index }: LogletPosition, partition: number, logical: bigint): bigint {
  return logical - route.base(index, partition) + route.start(index, partition)
}

const smaller = (a: bigint, b: bigint): bigint => (a < b ? a : b)
const larger = (a: bigint, b: bigint): bigint => (a > b ? a : b)

/** Where its offsets would meet those of the next loglet, physical. The gap between the two is there for it not to. */
function limit(loglet: LogletPosition, partition: number): bigint {
  return physicalOf(loglet, partition, loglet.route.base(loglet.index + 1, partition))
}

/** Physical ends within what the chain has room for: what lies behind is copied on. */
export function endsWithin(loglet: LogletPosition, ends: readonly bigint[]): bigint[] {
  return ends.map((end, partition) => smaller(end, limit(loglet, partition)))
}

/**
 * Physical, by partition: up to there it stays in the chain. Where readers waited for it, all of it does. Where they
 * went on elsewhere, what some group had not read is copied on: from the lowest offset that any had committed, and in
 * any case what nobody knew of when the cluster was given up. What is not known is taken to be the worst.
 */
export function cutsOf(
  loglet: LogletPosition,
  { ends, knownEnds, positions }: Pick<FailoverTopicRow, 'ends' | 'knownEnds' | 'positions'>,
): bigint[] {
  const { route, index } = loglet
  const within = endsWithin(loglet, ends!)
  if (route.away(index)?.readers !== 'skip') return within
  return within.map((end, partition) => {
    const start = route.start(index, partition)
    const physical = (logical: bigint) => physicalOf(loglet, partition, logical)
    const known = knownEnds?.[partition]
    const position = positions === null ? route.base(index, partition) : positions[partition]
    const cut = known === undefined ? start : physical(known)
    const read = typeof position === 'bigint' ? smaller(cut, physical(position)) : cut
    return smaller(larger(read, start), end)
  })
}

export function holesOf(json: HolesJson, route: TopicRoute): Holes | undefined {
  return holesFromJson(json, route.partitions, route.name)
}

/** Both, as one. */
export function mergedHoles(a: HolesJson | undefined, b: HolesJson): HolesJson {
  if (a === undefined) return b
  const merged: Record<string, readonly string[]> = { ...a }
  for (const [partition, ranges] of Object.entries(b)) {
    const all = [...pairs(a[partition] ?? []), ...pairs(ranges)].sort(([from], [other]) =>
      from < other ? -1 : 1,
    )
    const flat: bigint[] = []
    for (const [from, to] of all) {
      const last = flat.at(-1)
      if (last !== undefined && from <= last) flat[flat.length - 1] = larger(last, to)
      else flat.push(from, to)
    }
    merged[partition] = flat.map(String)
  }
  return merged
}

function pairs(ranges: readonly string[]): [bigint, bigint][] {
  return Array.from({ length: ranges.length / 2 }, (_, i) => [
    BigInt(ranges[2 * i]!),
    BigInt(ranges[2 * i + 1]!),
  ])
}

/** The route with more left out of a sealed loglet. */
export function withHoles(route: TopicRoute, index: number, holes: HolesJson): TopicRoute {
  const json = route.toJSON()
  return TopicRoute.fromJSON({
    ...json,
    loglets: json.loglets.map((loglet, i) =>
      i === index ? { ...loglet, holes: mergedHoles(loglet.holes, holes) } : loglet,
    ),
  })
}

/** The route with a loglet that was about to return lost again. */
export function lostAgain(route: TopicRoute, index: number): TopicRoute {
  const json = route.toJSON()
  return TopicRoute.fromJSON({
    ...json,
    loglets: json.loglets.map((loglet, i) =>
      i === index && loglet.away !== undefined
        ? { ...loglet, away: { ...loglet.away, state: 'lost' as const } }
        : loglet,
    ),
  })
}
