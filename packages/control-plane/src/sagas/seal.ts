import type { Cuts } from '@braid/kafka-connection'
import { clusterRefusal } from '../clusters/clusters.ts'
import type { KafkaCluster } from '../clusters/kafka-cluster.ts'
import { Refusal } from '../refusal.ts'
import { sealedMaxMessageBytes } from '../topics/copied-configs.ts'
import { type MigrationContext, migrationOf, routeIfThere, routeOf, switchOf } from './migration.ts'
import type { Stop } from './saga.ts'

export interface Sealed {
  /** The physical cut of each partition. */
  readonly cuts: readonly bigint[]
  /** From the seal's request to the last partition proven sealed and cut, ms. */
  readonly sealMs: number
}

/**
 * SEAL: from the first broker's refusal to the SWITCH clients wait, so whatever can be done before is: the config
 * that an undo puts back is on the disk, connections are open, leaders known, the SWITCH has been rehearsed.
 */
export async function seal(context: MigrationContext, stop: Stop): Promise<void> {
  const { plane } = context
  const { timings } = plane
  const { topic, from, to, overrideBeforeSeal } = await migrationOf(context)
  const route = await routeOf(context)
  const source = await plane.clusters.open(from.cluster)
  try {
    // Once only: when SEAL runs again after a crash, what it would read is the seal.
    if (overrideBeforeSeal === undefined) {
      const limit = (await source.describe(from.topic))?.configs.get('max.message.bytes')
      const override = limit?.source === 'topic' ? limit.value : null
      await plane.store.migrations.setOverrideBeforeSeal(
        context.id,
        override === sealedMaxMessageBytes ? null : override,
      )
    }
    const target = await plane.clusters.open(to.cluster)
    const [{ cuts: soFar }, ready] = await Promise.all([
      source.readCuts(from.topic, route.partitions),
      target.readCuts(to.topic, route.partitions),
    ])
    const [silent] = ready.pending.filter(({ partition }) => ready.cuts[partition]! < 0n)
    if (silent !== undefined) {
      throw new Refusal(
        'CLUSTER_UNREACHABLE',
        `${to.cluster} went away after topic ${topic} was prepared there (partition ${silent.partition}: ${silent.reason}), so it was not sealed`,
      )
    }
    if (soFar.every((cut, partition) => cut >= route.start(route.active, partition))) {
      const { changes, write } = await switchOf(context, { cuts: soFar, sealMs: 0 })
      await plane.board.rehearse(changes, write)
    }
    stop.throwIfAborted()

    const startedAt = performance.now()
    await source.seal(from.topic)
    const cuts = await readFinalCuts(source, from.topic, route.partitions, {
      deadline: startedAt + timings.sealMaxMs,
      pause: () => plane.sleep(timings.sealPollMs, stop),
    })
    context.sealed = { cuts, sealMs: performance.now() - startedAt }
  } catch (error) {
    throw clusterRefusal(error, `topic ${topic} could not be sealed on ${from.cluster}`)
  }
}

/**
 * The log ends of all partitions, once every broker refuses appends and nothing moves any more. An append that was
 * validated just before the seal may land just after the first look, so two looks must agree.
 */
async function readFinalCuts(
  source: KafkaCluster,
  topic: string,
  partitions: number,
  { deadline, pause }: { deadline: number; pause: () => Promise<void> },
): Promise<readonly bigint[]> {
  let before: Cuts | undefined
  for (;;) {
    const now = await source.readCuts(topic, partitions)
    if (now.sealed.every(Boolean)) {
      if (before?.cuts.every((cut, partition) => cut === now.cuts[partition])) return now.cuts
      before = now
      continue // the second look at once
    }
    before = undefined
    if (performance.now() > deadline) {
      const [first] = now.pending
      throw new Refusal(
        'SEAL_FAILED',
        `${now.pending.length} of ${partitions} partitions of ${topic} on ${source.name} do not refuse records yet (partition ${first?.partition}: ${first?.reason}); its brokers may be overloaded or away`,
      )
    }
    await pause()
  }
}

/** Only before SWITCH. What was sealed and switched is sealed for ever. */
export async function unseal(context: MigrationContext): Promise<void> {
  const { from, overrideBeforeSeal } = await migrationOf(context)
  // Without it the seal was never asked for; and a topic that was deleted needs none.
  if (overrideBeforeSeal === undefined || (await routeIfThere(context)) === undefined) return
  const source = await context.plane.clusters.open(from.cluster)
  await source.unseal(from.topic, overrideBeforeSeal.value)
}
