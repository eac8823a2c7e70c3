import { FetchPart } from './fetch-call.ts'
import type { LiveTopic } from './live-topic.ts'

/**
 * Where a fetch reads: the first loglet that has, or may yet have, something at or behind the offset, and the physical
 * offset to ask for. A loglet that is away is waited for or passed over, as the topic's policy says.
 */
export function place(part: FetchPart, topic: LiveTopic): void {
  const { route } = topic
  const { partition } = part
  for (let index = route.locate(partition, part.offset); index <= route.active; index++) {
    const start = route.start(index, partition)
    const base = route.base(index, partition)
    part.cluster = route.cluster(index)
    part.physicalTopic = route.physicalTopic(index)
    part.waits = false
    // Below the loglet: a gap before it, which holds nothing, or offsets that the first loglet never had.
    part.physicalOffset = part.offset < base && index > 0 ? start : part.offset - base + start
    if (index === route.active) {
      part.physicalOffset = topic.passed.past(part.physicalTopic, partition, part.physicalOffset)
      return
    }
    const away = route.away(index)
    if (away?.readers === 'skip') continue
    const end = route.end(index, partition)
    if (away !== undefined && (end < 0n || part.physicalOffset < end)) {
      part.waits = true
      return
    }
    part.physicalOffset = pastHoles(topic, index, partition, part.physicalOffset)
    if (part.physicalOffset < end) return
  }
}

/** What is passed over may end where a hole begins, and the other way round. */
function pastHoles({ route, passed }: LiveTopic, index: number, partition: number, physical: bigint): bigint {
  const physicalTopic = route.physicalTopic(index)
  for (let offset = physical; ; ) {
    const next = route.pastHole(index, partition, passed.past(physicalTopic, partition, offset))
    if (next === offset) return offset
    offset = next
  }
}

/** Whether the routes of now would have it read, or wait, elsewhere. */
export function isElsewhere(part: FetchPart, topic: LiveTopic): boolean {
  const now = new FetchPart(part.topicName, part.partition, part.offset, part.maxBytes)
  place(now, topic)
  return now.physicalTopic !== part.physicalTopic || now.waits !== part.waits
}
