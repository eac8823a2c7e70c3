import type { PhysicalTopic, TopicRoute } from '@braid/routing-model'
import type { DesiredTopic, Looks } from './desired.ts'
import type { Difference } from './difference.ts'
import { clusterAway, seen } from './drift.ts'

/** Partitions only grow, all physical topics of the chain together, and never while the topic moves. */
export function partitionDrift(topic: DesiredTopic, looks: Looks): Difference[] {
  const { route } = topic
  const replaced = replacedTopics(route, looks)
  if (replaced.length > 0) return replaced
  if (topic.partitions > route.partitions) return [growth(topic, looks)]
  return addedBehind(topic, looks)
}

/** A physical topic with fewer partitions than the route cannot be the one that was there. */
function replacedTopics(route: TopicRoute, looks: Looks): Difference[] {
  return chainOf(route).flatMap((physical, i): Difference[] => {
    const found = seen(looks, physical)?.found
    if (route.away(i) !== undefined || found === undefined || found.partitions >= route.partitions) return []
    const { cluster, topic } = physical
    return [
      {
        code: 'TOPIC_REPLACED',
        text: `${topic} on ${cluster} has ${found.partitions} partitions, the topic has ${route.partitions}: somebody deleted it and made another of the same name; its records are lost`,
      },
    ]
  })
}

function growth({ route, home, partitions, migration }: DesiredTopic, looks: Looks): Difference {
  const code = 'PARTITIONS_MISSING'
  const text = `it has ${route.partitions} partitions, should have ${partitions}`
  if (migration !== null) return { code, text: `${text}: waits for migration ${migration} to end` }
  const lost = clusterAway(route)
  if (lost !== undefined) {
    const until = `waits until what it has on ${lost}, which was given up, has returned or is abandoned`
    return { code, text: `${text}: ${until}` }
  }
  const physicals = [...chainOf(route), { cluster: home, topic: route.homeTopic }]
  for (const physical of physicals) {
    const { cluster, topic } = physical
    const look = seen(looks, physical)
    if (look === undefined)
      return { code, text: `${text}: waits for ${cluster}, which has a part of its chain` }
    if (look.found === undefined)
      return { code, text: `${text}: waits for ${topic}, which is not on ${cluster}` }
    const isActive = physical === physicals[route.active]
    if (isActive && look.found.partitions > partitions) {
      return {
        code: 'PARTITIONS_ADDED',
        text: `${text}, and ${topic} on ${cluster} has ${look.found.partitions}: somebody added them behind Braid's back; ask for ${look.found.partitions}, because none can be taken away`,
      }
    }
  }
  return { code, text, mend: { kind: 'grow', partitions, physicals } }
}

function addedBehind({ route, partitions, migration }: DesiredTopic, looks: Looks): Difference[] {
  if (partitions < route.partitions) {
    return [
      {
        code: 'PARTITIONS_ADDED',
        text: `it has ${route.partitions} partitions, ${partitions} are asked for: none can be taken away, because keys would change places; ask for ${route.partitions}`,
      },
    ]
  }
  const [active] = chainOf(route).slice(-1) as [PhysicalTopic]
  const found = seen(looks, active)?.found
  if (found === undefined || found.partitions <= route.partitions || migration !== null) return []
  return [
    {
      code: 'PARTITIONS_ADDED',
      text: `${active.topic} on ${active.cluster} has ${found.partitions} partitions, the topic has ${route.partitions}: somebody added them behind Braid's back, no client of Braid sees them, and the topic cannot be moved; ask for ${found.partitions} partitions`,
    },
  ]
}

function chainOf(route: TopicRoute): PhysicalTopic[] {
  return Array.from({ length: route.depth }, (_, i) => ({
    cluster: route.cluster(i),
    topic: route.physicalTopic(i),
  }))
}
