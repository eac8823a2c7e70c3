import { TopicRoute } from '@braid/routing-model'

export interface MovedTopicOptions {
  readonly index: number
  readonly partitions: number
  /** Between a and b, and back. */
  readonly moves: number
  /** Of the nth move, on top of n million. */
  readonly cut: (partition: number) => number
}

/** A topic as it is after so many moves; its name says its index. */
export function movedTopic({ index, partitions, moves, cut }: MovedTopicOptions): TopicRoute {
  const name = `topic-${index}`
  let route = TopicRoute.create({
    tenant: 'default',
    name,
    id: `00000000-0000-4000-8000-${String(index).padStart(12, '0')}`,
    partitions,
    maxMessageBytes: 1_048_588,
    homeTopic: `${name}.h`,
    cluster: 'a',
    topic: `${name}.h`,
  })
  for (let move = 1; move <= moves; move++) {
    const cuts = Array.from({ length: partitions }, (_, partition) => BigInt(move * 1e6 + cut(partition)))
    route = route.sealedAndAppended(cuts, { cluster: move % 2 === 0 ? 'a' : 'b', topic: `${name}.${move}` })
  }
  return route
}
