import { type RouteDelta, RouteTable, type TopicRoute } from '@braid/routing-model'
import { movedTopic } from './moved-topic.ts'

export const topicCount = 20_000
export const partitionsPerTopic = 50
const moves = 2

/** Every topic has moved twice, and no two partitions were cut alike. */
export function millionPartitions(): RouteTable {
  const topics = Array.from({ length: topicCount }, (_, index) => topicAt(index).toJSON())
  const table = RouteTable.fromJSON({
    version: 1,
    clusters: ['a', 'b', 'c'].map((name, index) => ({
      name,
      number: index + 1,
      bootstrap: ['127.0.0.1:9092'],
    })),
    tenants: [{ name: 'default', home: 'a' }],
    accessPoints: [],
    topics,
  })
  return table
}

/** The move of one more topic. */
export function moveOf(table: RouteTable, index: number): RouteDelta {
  const route = table.topic('default', nameOf(index))!
  const cuts = Array.from({ length: partitionsPerTopic }, (_, partition) => BigInt(5e6 + partition * 11))
  const moved = route.sealedAndAppended(cuts, { cluster: 'c', topic: `${route.name}.${table.version}` })
  return { from: table.version, to: table.version + 1, topics: [moved.toJSON()] }
}

export function nameOf(index: number): string {
  return `topic-${index}`
}

function topicAt(index: number): TopicRoute {
  const cut = (partition: number) => (index * 7_919 + partition * 104_729) % 500_000
  return movedTopic({ index, partitions: partitionsPerTopic, moves, cut })
}
