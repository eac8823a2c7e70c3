import type { LogletAway, TopicRoute } from '@braid/routing-model'

/** Whether a loglet went away from one route to the next, or came back, or came back further. */
export function hasTurned(before: TopicRoute, after: TopicRoute): boolean {
  if (!before.isPartlyAway && !after.isPartlyAway) return false
  const earlier = awayStates(before)
  const later = awayStates(after)
  return earlier.size !== later.size || [...earlier].some(([topic, state]) => later.get(topic) !== state)
}

/** Clusters that loglets are lost with now, and were not before. */
export function lostWith(before: TopicRoute, after: TopicRoute): string[] {
  if (!after.isPartlyAway) return []
  const earlier = awayStates(before)
  const clusters: string[] = []
  for (let index = 0; index < after.active; index++) {
    const isLost = after.away(index)?.state === 'lost'
    if (isLost && earlier.get(after.physicalTopic(index)) !== 'lost') clusters.push(after.cluster(index))
  }
  return clusters
}

/** By physical topic, of the loglets that are away. */
function awayStates(route: TopicRoute): Map<string, LogletAway['state']> {
  const states = new Map<string, LogletAway['state']>()
  for (let index = 0; index < route.active; index++) {
    const state = route.away(index)?.state
    if (state !== undefined) states.set(route.physicalTopic(index), state)
  }
  return states
}
