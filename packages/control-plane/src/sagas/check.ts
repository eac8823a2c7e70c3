import { clusterRefusal } from '../clusters/clusters.ts'
import { Refusal } from '../refusal.ts'
import { checkCapacity } from '../topics/capacity.ts'
import { isCompacted, isSealed } from '../topics/copied-configs.ts'
import { type MigrationContext, migrationOf, routeOf } from './migration.ts'

/** CHECK: everything that can be known to be wrong before anything is made. */
export async function checkMigration(context: MigrationContext): Promise<void> {
  const { clusters } = context.plane
  const { topic, from, to } = await migrationOf(context)
  const route = await routeOf(context)
  const [, target] = await Promise.all([clusters.reach(from.cluster), clusters.reach(to.cluster)])
  const source = await clusters.open(from.cluster)
  const found = await source.describe(from.topic).catch((error: unknown) => {
    throw clusterRefusal(error, `topic ${topic} could not be read on ${from.cluster}`)
  })
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
  const { partitions } = route
  const { replicationFactor } = found
  checkCapacity(await clusters.get(to.cluster), target, { name: topic, partitions, replicationFactor })
}
