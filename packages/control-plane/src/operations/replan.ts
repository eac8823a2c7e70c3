// The moves of an operation against a plan that was made anew, because the world is not the one they were planned for.
import { createHash } from 'node:crypto'
import type { PlannedMove } from '@braid/control-api'
import { byText } from '../planner/fleet.ts'
import { type FleetSnapshot, topicKey } from '../planner/index.ts'
import type { MoveRow } from '../store/operation-queries.ts'

type Way = Pick<PlannedMove, 'tenant' | 'topic' | 'from' | 'to'>

const keyOf = ({ tenant, topic }: Pick<PlannedMove, 'tenant' | 'topic'>): string =>
  topicKey({ tenant, name: topic })

/**
 * Of all that a plan depends on and that others change: clusters, classes, tenants, and where topics are. Not of
 * measurements, which are never the same twice; nor of topics that are at either end of their way in this operation.
 */
export function fingerprintOf(snapshot: FleetSnapshot, own: Iterable<Way>): string {
  const ways = new Map<string, Way>()
  for (const way of own) ways.set(keyOf(way), way)
  const topics = snapshot.topics.map((topic) => {
    const way = ways.get(topicKey(topic))
    const underway = way !== undefined && (topic.cluster === way.from || topic.cluster === way.to)
    const { sla, pinnedTo, partitions, expected } = topic
    return [
      topicKey(topic),
      underway ? way.from : topic.cluster,
      sla,
      pinnedTo,
      partitions,
      expected,
    ] as const
  })
  const text = JSON.stringify({
    clusters: snapshot.clusters
      .map(({ name, tier, dedicatedTo, labels, capacity, state }) => ({
        name,
        tier,
        dedicatedTo,
        labels,
        capacity,
        state,
      }))
      .sort((a, b) => byText(a.name, b.name)),
    slas: snapshot.slas.toSorted((a, b) => byText(a.name, b.name)),
    tenants: snapshot.tenants.toSorted((a, b) => byText(a.name, b.name)),
    topics: topics.sort(([a], [b]) => byText(a, b)),
  })
  return createHash('sha256').update(text).digest('hex').slice(0, 16)
}

export interface Replanned {
  /** New ones, for topics that no move of the operation waits or is under way for. */
  readonly add: readonly PlannedMove[]
  /** Those that wait and go elsewhere now. */
  readonly redirect: readonly { readonly move: MoveRow; readonly to: PlannedMove }[]
  /** Those that wait, and that the plan no longer has. */
  readonly drop: readonly (Dropped & { readonly move: MoveRow })[]
}

export interface Dropped {
  readonly now: 'gone' | 'elsewhere' | 'stays'
  readonly reason: string
}

/** Why nothing is left to move of a topic that is on `cluster` now, or nowhere; undefined while it is where it was. */
export function overtaken({ from }: Pick<MoveRow, 'from'>, cluster: string | undefined): Dropped | undefined {
  if (cluster === undefined) return { now: 'gone', reason: 'it was deleted meanwhile' }
  if (cluster === from) return undefined
  return { now: 'elsewhere', reason: `somebody else moved it to ${cluster} meanwhile` }
}

/**
 * `moves`: all of the operation. One that failed is not planned again unless somebody says retry; one under way is
 * let be. `whyNot` says why a topic that is where it was has no place any more.
 */
export function replan(
  moves: readonly MoveRow[],
  planned: readonly PlannedMove[],
  snapshot: FleetSnapshot,
  whyNot: (move: MoveRow) => string,
): Replanned {
  const wanted = new Map(planned.map((move) => [keyOf(move), move]))
  const where = new Map(snapshot.topics.map((topic) => [topicKey(topic), topic.cluster]))
  const settled = new Set<string>()
  const redirect: { move: MoveRow; to: PlannedMove }[] = []
  const drop: Replanned['drop'][number][] = []
  for (const move of moves) {
    const key = keyOf(move)
    if (move.state === 'moving' || move.state === 'failed') settled.add(key)
    if (move.state !== 'waiting') continue
    settled.add(key)
    const next = wanted.get(key)
    if (next !== undefined) {
      if (next.to !== move.to || next.from !== move.from) redirect.push({ move, to: next })
      continue
    }
    const why = overtaken(move, where.get(key) ?? undefined)
    drop.push({ move, ...(why ?? { now: 'stays', reason: whyNot(move) }) })
  }
  return { add: planned.filter((move) => !settled.has(keyOf(move))), redirect, drop }
}
