// Records beyond the cut of a sealed loglet: an append that was validated just before the seal and landed just
// after the cut was read, or somebody who took the seal off by hand. They are an alarm, and copied to the active
// loglet, so that what the broker acknowledged is not lost.
import { isControl, nextOffset, walkBatches } from '@braid/kafka-protocol'
import type { PhysicalTopic, TopicRoute } from '@braid/routing-model'
import type { Plane } from '../plane.ts'
import type { MigrationRow, StrayRow } from '../store/rows.ts'
import type { RetirementContext } from './drain.ts'
import { routeIfThere } from './group.ts'
import { isKnownTo, strayBatch } from './stray-batch.ts'

const readMaxBytes = 4 * 1024 * 1024
/** Minted as access points do: a cluster's own counter never gets there. */
const producerIdFloor = 2n ** 61n

export function hasUnrecovered(strays: readonly StrayRow[]): boolean {
  return strays.some((stray) => stray.recovered < stray.to)
}

/** Records what is new beyond the cuts; copies on what has been there for long enough. True when some is left. */
export async function watchStrays(
  context: Pick<RetirementContext, 'plane' | 'id'>,
  migration: MigrationRow,
): Promise<boolean> {
  const { plane, id } = context
  const { migrations } = plane.store
  const { from, cuts } = migration
  const route = routeIfThere(plane, migration)
  if (route === undefined) return false
  const source = await plane.clusters.open(from.cluster)
  const ends = await source.logEnds(from.topic, route.partitions, 'highWatermark')
  const known = new Map((await migrations.strays(id)).map((stray) => [stray.partition, stray]))
  for (const [partition, to] of ends.entries()) {
    // Partitions that were added since are empty there.
    const cut = cuts![partition] ?? 0n
    const stray = known.get(partition)
    if (to <= (stray?.to ?? cut)) continue
    const seen: StrayRow = {
      ...(stray ?? {
        partition,
        from: cut,
        recovered: cut,
        producerId: mintedProducerId(plane),
        nextSequence: 0,
      }),
      to,
      seenAt: plane.now(),
    }
    await migrations.putStray(id, seen)
    known.set(partition, seen)
    const producers = await source.producerStates(from.topic, partition)
    plane.log('warn', 'strays.seen', {
      topic: route.name,
      migration: id,
      cluster: from.cluster,
      physicalTopic: from.topic,
      partition,
      from: seen.from,
      to,
      producerIds: [...producers.keys()],
      meaning: 'somebody wrote to a sealed topic; the records are copied to the active loglet',
    })
  }
  for (const stray of known.values()) {
    const due = plane.now() >= stray.seenAt + plane.timings.strayGraceMs
    if (due && stray.recovered < stray.to)
      known.set(stray.partition, await recover(context, migration, stray))
  }
  return hasUnrecovered([...known.values()])
}

/**
 * Appended under a producer id of our own with running sequences; what was appended is recorded after each batch.
 * A crash in between repeats one batch, and the broker recognises it. (Not if the topic moves on between the two:
 * then a stray may be there twice.)
 */
async function recover(
  context: Pick<RetirementContext, 'plane' | 'id'>,
  migration: MigrationRow,
  first: StrayRow,
): Promise<StrayRow> {
  const { plane, id } = context
  const { from, topic } = migration
  const source = await plane.clusters.open(from.cluster)
  let stray = first
  let copied = 0
  let known = 0
  while (stray.recovered < stray.to) {
    const bytes = await source.readBatches(from.topic, stray.partition, stray.recovered, readMaxBytes)
    const batches: number[] = []
    walkBatches(bytes, (at) => {
      if (nextOffset(bytes, at) > stray.recovered) batches.push(at)
    })
    if (batches.length === 0) {
      // Nothing readable up to the end: retention or DeleteRecords took it.
      stray = { ...stray, recovered: stray.to }
      await plane.store.migrations.putStray(id, stray)
      break
    }
    for (const at of batches) {
      const route = routeIfThere(plane, migration)
      if (route === undefined) return stray
      const isKnown = () => isInLaterLoglet(plane, from, route, bytes, at, stray.partition)
      if (isControl(bytes, at) || (await isKnown())) {
        known++
        stray = { ...stray, recovered: nextOffset(bytes, at) }
      } else {
        const { cluster, topic: physical } = route.loglet(route.active, stray.partition)
        const copy = strayBatch(bytes, at, {
          producerId: stray.producerId,
          sequence: stray.nextSequence,
          from: `${from.cluster}/${from.topic}/${stray.partition}`,
          maxBytes: route.maxMessageBytes,
        })
        const target = await plane.clusters.open(cluster)
        await target.append(physical, stray.partition, copy.bytes)
        copied++
        stray = { ...stray, recovered: nextOffset(bytes, at), nextSequence: copy.nextSequence }
      }
      await plane.store.migrations.putStray(id, stray)
    }
  }
  plane.log('warn', 'strays.recovered', {
    topic,
    migration: id,
    partition: stray.partition,
    from: first.recovered,
    to: stray.recovered,
    batchesCopied: copied,
    batchesKnown: known,
  })
  return stray
}

/** Whether its producer has meanwhile sent it again, to a loglet after the one that it strayed into. */
async function isInLaterLoglet(
  plane: Plane,
  from: PhysicalTopic,
  route: TopicRoute,
  bytes: Buffer,
  at: number,
  partition: number,
): Promise<boolean> {
  for (let i = route.active; i >= 0; i--) {
    const [cluster, physical] = [route.cluster(i), route.physicalTopic(i)]
    if (cluster === from.cluster && physical === from.topic) break
    const later = await plane.clusters.open(cluster)
    if (isKnownTo(await later.producerStates(physical, partition), bytes, at)) return true
  }
  return false
}

function mintedProducerId(plane: Plane): bigint {
  const low = BigInt(Math.floor(plane.random() * 2 ** 30))
  const high = BigInt(Math.floor(plane.random() * 2 ** 31))
  return producerIdFloor + ((high << 30n) | low)
}
