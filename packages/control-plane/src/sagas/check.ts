import type { KafkaCluster, PhysicalTopicFacts } from '../clusters/kafka-cluster.ts'
import { Refusal } from '../refusal.ts'
import { checkCapacity } from '../topics/capacity.ts'
import { isCompacted, isSealed } from '../topics/copied-configs.ts'
import { eachMember } from './each-member.ts'
import { type GroupContext, groupOf, type Member, memberOf } from './group.ts'
import type { Stop } from './saga.ts'

/** CHECK: everything that can be known to be wrong before anything is made, of every topic. */
export async function checkGroup({ plane, group }: GroupContext, stop: Stop): Promise<void> {
  const { clusters } = plane
  const { rows, from, to } = await groupOf({ plane, group })
  const [, target, registered] = await Promise.all([
    clusters.reach(from),
    clusters.reach(to),
    clusters.get(to),
  ])
  const source = await clusters.open(from)
  let partitions = 0
  await eachMember(
    rows.map((row) => ({ row })),
    stop,
    ({ row }) => `topic ${row.topic} could not be read on ${from}`,
    async ({ row }) => {
      const member = memberOf(plane, row)
      const { replicationFactor } = await checkTopic(source, member)
      partitions += member.route.partitions
      const { name } = member.route
      checkCapacity(registered, target, { name, partitions: member.route.partitions, replicationFactor })
    },
  )
  // Each has room; have all?
  const name =
    rows.length === 1 ? rows[0]!.topic : `${rows[0]!.topic} and the ${rows.length - 1} that move with it`
  checkCapacity(registered, target, { name, partitions })
}

async function checkTopic(source: KafkaCluster, { row, route }: Member): Promise<PhysicalTopicFacts> {
  const { topic, from } = row
  const found = await source.describe(from.topic)
  if (found === undefined) {
    throw new Refusal(
      'TOPIC_NOT_ON_CLUSTER',
      `the physical topic ${from.topic} is not on ${from.cluster} any more: who deleted it?`,
    )
  }
  if (found.partitions !== route.partitions) {
    throw new Refusal(
      'TOPIC_CONFIG_REFUSED',
      `the physical topic ${from.topic} on ${from.cluster} has ${found.partitions} partitions, topic ${topic} has ${route.partitions}: partitions were added behind Braid's back, and cannot be moved`,
    )
  }
  if (isCompacted(found.configs)) {
    throw new Refusal(
      'TOPIC_COMPACTED',
      `topic ${topic} is compacted (cleanup.policy=${found.configs.get('cleanup.policy')?.value}): it cannot be split over clusters, because an old key may live only in a loglet that retires; it stays on ${from.cluster}`,
    )
  }
  if (isSealed(found.configs)) {
    throw new Refusal(
      'TOPIC_SEALED',
      `the physical topic ${from.topic} on ${from.cluster} refuses every record (max.message.bytes=1), and not by this migration: set it back to ${route.maxMessageBytes} first`,
    )
  }
  return found
}
