import { Refusal } from '../refusal.ts'
import { copiedConfigs } from '../topics/copied-configs.ts'
import { eachMember } from './each-member.ts'
import { type GroupContext, groupOf, memberOf, routeIfThere } from './group.ts'
import type { Nap, Stop } from './saga.ts'

/**
 * PREPARE: the fresh physical topics, under the names that were recorded when the migration began; like the old ones
 * in partitions, replication factor and behaviour. Then access points hear where the topics will go, and warm up.
 */
export async function prepare(context: GroupContext, stop: Stop, nap: Nap): Promise<void> {
  const { plane } = context
  const { clusters, store, board, timings } = plane
  const { rows, from, to } = await groupOf(context)
  const source = await clusters.open(from)
  const target = await clusters.open(to)
  await eachMember(
    rows.map((row) => memberOf(plane, row)),
    stop,
    ({ row }) => `topic ${row.topic} could not be made on ${to}`,
    async ({ row, route }) => {
      const found = await source.describe(row.from.topic)
      if (found === undefined)
        throw new Refusal('TOPIC_NOT_ON_CLUSTER', `${row.from.topic} is not on ${from} any more`)
      stop.throwIfAborted()
      const { partitions, maxMessageBytes } = route
      const configs = copiedConfigs(found.configs, maxMessageBytes)
      const { replicationFactor } = found
      // That it exists means that a crash came between making it and recording that: the name is nobody else's.
      await target.createTopic({ topic: row.to.topic, partitions, replicationFactor, configs })
      await target.waitForLeaders(row.to.topic, partitions, timings.leadersMaxMs)
    },
  )
  stop.throwIfAborted()
  await store.transaction(async () => {
    const prepared = rows
      .map((row) => memberOf(plane, row))
      .filter(({ route }) => route.prepared === undefined)
      .map(({ row, route }) => route.withPrepared(row.to))
    if (prepared.length === 0) return
    await board.change({ topics: prepared.map((route) => route.toJSON()) }, async () => {
      for (const route of prepared) await store.setPrepared(route)
    })
  })
  // Making a topic keeps its brokers busy for a moment; nobody waits for them yet.
  await nap(timings.warmUpMs)
}

/** Never waits for a cluster that is away: what cannot be deleted now is left over, and deleted later. */
export async function unprepare(context: GroupContext): Promise<void> {
  const { plane } = context
  const { store, board, leftovers, now } = plane
  const { rows } = await groupOf(context)
  await store.transaction(async () => {
    for (const { to } of rows) await store.addLeftover(to.cluster, to.topic, now())
    const cleared = rows
      .map((row) => routeIfThere(plane, row))
      .filter((route) => route?.prepared !== undefined)
      .map((route) => route!.withPrepared(undefined))
    if (cleared.length === 0) return
    await board.change({ topics: cleared.map((route) => route.toJSON()) }, async () => {
      for (const route of cleared) await store.setPrepared(route)
    })
  })
  await leftovers.discard(rows.map(({ to }) => to))
}
