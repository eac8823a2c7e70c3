import type { TopicRoute } from '@braid/routing-model'

/** Where a physical topic stands in the chain; -1: it is not in it any more, before all others. */
export function logletIndex(route: TopicRoute, physicalTopic: string): number {
  let index = route.active
  while (index >= 0 && route.physicalTopic(index) !== physicalTopic) index--
  return index
}
