// Topics that may not stay where they are, and where they go.
import type { PlannedMove } from '@braid/control-api'
import { type BrokenRule, brokenRules, type FleetSnapshot, planTopics, topicKey } from '../planner/index.ts'

// Room is no reason to move what is there: that is a rebalance's work, which is asked for.
const rulesAboutPlace: ReadonlySet<string> = new Set([
  'tier',
  'labels',
  'pin',
  'transactional-at-home',
  'replication-factor',
  'min-in-sync',
])

/** By topicKey: the rules that its place breaks, each with why it may not stay. */
export function brokenPlaces(snapshot: FleetSnapshot): Map<string, Map<string, string>> {
  const places = new Map<string, Map<string, string>>()
  const aboutPlace = ({ role, rule }: BrokenRule) => role === 'active' && rulesAboutPlace.has(rule)
  for (const { topic, rule, cluster, reason } of brokenRules(snapshot).filter(aboutPlace)) {
    const key = topicKey(topic)
    const reasons = places.get(key) ?? new Map<string, string>()
    reasons.set(rule, `it may not stay on ${cluster}: ${reason}`)
    places.set(key, reasons)
  }
  return places
}

/** Those that may not stay once `after` is in force, and might before: what was wrong already is let be. */
export function newlyMisplaced(before: FleetSnapshot, after: FleetSnapshot): Map<string, string> {
  const already = brokenPlaces(before)
  const misplaced = new Map<string, string>()
  for (const [key, reasons] of brokenPlaces(after)) {
    const fresh = [...reasons].find(([rule]) => already.get(key)?.has(rule) !== true)
    if (fresh !== undefined) misplaced.set(key, fresh[1])
  }
  return misplaced
}

/** Moves for those of `keys` that may not stay where they are, in the fleet as it is. */
export function movesOfMisplaced(
  snapshot: FleetSnapshot,
  keys: ReadonlySet<string>,
): { moves: PlannedMove[]; stuck: Map<string, string> } {
  const places = brokenPlaces(snapshot)
  const topics = snapshot.topics.filter((topic) => keys.has(topicKey(topic)) && places.has(topicKey(topic)))
  const stuck = new Map<string, string>()
  for (const topic of topics) if (!topic.movable.ok) stuck.set(topicKey(topic), topic.movable.reason)
  const movable = topics.filter((topic) => topic.movable.ok)
  const from = new Map(movable.map((topic) => [topicKey(topic), topic.cluster]))
  const moves = planTopics(snapshot, movable).flatMap((answer): PlannedMove[] => {
    const key = topicKey(answer.topic)
    if (answer.kind === 'refused') {
      stuck.set(key, `${answer.reason}; ${answer.help}`)
      return []
    }
    const [why] = places.get(key)!.values()
    const { tenant, name: topic } = answer.topic
    return [
      { tenant, topic, from: from.get(key)!, to: answer.cluster, reason: `${why}; ${answer.reasons[0]}` },
    ]
  })
  return { moves, stuck }
}
