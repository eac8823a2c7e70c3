import type { PhysicalTopic, TopicRoute } from '@braid/routing-model'

/** Where in the chain it is; -1 when it is not, or not any more. */
export function indexOfLoglet(route: TopicRoute, { cluster, topic }: PhysicalTopic): number {
  for (let i = 0; i < route.depth; i++)
    if (route.cluster(i) === cluster && route.physicalTopic(i) === topic) return i
  return -1
}
