import { clusterRefusal } from '../clusters/clusters.ts'
import type { Plane } from '../plane.ts'
import { Refusal } from '../refusal.ts'
import { copiedConfigs } from '../topics/copied-configs.ts'
import { type MigrationContext, migrationOf, routeIfThere, routeOf } from './migration.ts'
import type { Stop } from './saga.ts'

/**
 * PREPARE: the fresh physical topic, under the name that was recorded when the migration began; like the old one in
 * partitions, replication factor and behaviour. Then access points hear where the topic will go, and warm up.
 */
export async function prepare(context: MigrationContext, stop: Stop): Promise<void> {
  const { plane } = context
  const { clusters, timings } = plane
  const { topic, from, to } = await migrationOf(context)
  const route = await routeOf(context)
  const target = await clusters.open(to.cluster)
  try {
    const source = await (await clusters.open(from.cluster)).describe(from.topic)
    if (source === undefined)
      throw new Refusal('TOPIC_NOT_ON_CLUSTER', `${from.topic} is not on ${from.cluster} any more`)
    stop.throwIfAborted()
    const { partitions, maxMessageBytes } = route
    const configs = copiedConfigs(source.configs, maxMessageBytes)
    // That it exists means that a crash came between making it and recording that: the name is nobody else's.
    await target.createTopic({
      topic: to.topic,
      partitions,
      replicationFactor: source.replicationFactor,
      configs,
    })
    await target.waitForLeaders(to.topic, partitions, timings.leadersMaxMs)
  } catch (error) {
    throw clusterRefusal(error, `topic ${topic} could not be made on ${to.cluster}`)
  }
  stop.throwIfAborted()
  await plane.store.transaction(async () => {
    const now = await routeOf(context)
    if (now.prepared !== undefined) return
    const prepared = now.withPrepared(to)
    await plane.board.change({ topics: [prepared.toJSON()] }, () => plane.store.setPrepared(prepared))
  })
  // Making a topic keeps its brokers busy for a moment; nobody waits for them yet.
  await plane.sleep(timings.warmUpMs, stop)
}

/** Never waits for a cluster that is away: what cannot be deleted now is left over, and deleted later. */
export async function unprepare(context: MigrationContext): Promise<void> {
  const { store, board, leftovers, now }: Plane = context.plane
  const { to } = await migrationOf(context)
  await store.transaction(async () => {
    const route = await routeIfThere(context)
    await store.addLeftover(to.cluster, to.topic, now())
    if (route?.prepared === undefined) return
    const cleared = route.withPrepared(undefined)
    await board.change({ topics: [cleared.toJSON()] }, () => store.setPrepared(cleared))
  })
  await leftovers.discard([to])
}
