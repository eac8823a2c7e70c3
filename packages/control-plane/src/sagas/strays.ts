// Records beyond the cut of a sealed loglet: an append that was validated just before the seal and landed just
// after the cut was read, or somebody who took the seal off by hand. They are an alarm, and copied to the active
// loglet, so that what the broker acknowledged is not lost.
//
// What a loglet that has returned holds behind its cut is copied in the same way, and is no alarm: consumers went on
// elsewhere while it was lost (see failover/return-saga.ts).
//
//     physical   start ........ cut ............... its end ............
//                in the chain    │ copied at once,   │ strays: copied on once
//                                │ save its holes    │ they were there for a while
import { baseOffset, isControl, nextOffset, walkBatches } from '@braid/kafka-protocol'
import type { PhysicalTopic, TopicRoute } from '@braid/routing-model'
import type { Plane } from '../plane.ts'
import type { ReturnedLoglet } from '../store/failover-queries.ts'
import type { MigrationRow, StrayRow } from '../store/rows.ts'
import type { RetirementContext } from './drain.ts'
import { routeIfThere } from './group.ts'
import { indexOfLoglet } from './loglet-index.ts'
import type { Stop } from './saga.ts'
import { hasReached, isKnownTo, strayBatch } from './stray-batch.ts'

const readMaxBytes = 4 * 1024 * 1024
/** Minted as access points do: a cluster's own counter never gets there. */
const producerIdFloor = 2n ** 61n

type StrayContext = Pick<RetirementContext, 'plane' | 'id'>

export function hasUnrecovered(strays: readonly StrayRow[]): boolean {
  return strays.some((stray) => stray.recovered < stray.to)
}

/** What lies behind the cut of a loglet that returns, about to be copied on. */
export function strayToCopy(
  plane: Plane,
  { partition, from, to }: { partition: number; from: bigint; to: bigint },
): StrayRow {
  const producerId = mintedProducerId(plane)
  return { partition, from, to, recovered: from, producerId, nextSequence: 0, seenAt: plane.now() }
}

/** Records what is new beyond the cuts; copies on what has been there for long enough. True when some is left. */
export async function watchStrays(
  context: StrayContext,
  migration: MigrationRow,
  stop: Stop,
): Promise<boolean> {
  const { plane, id } = context
  const { migrations, failovers } = plane.store
  const { from, cuts, topicId } = migration
  const route = routeIfThere(plane, migration)
  if (route === undefined) return false
  const source = await plane.clusters.open(from.cluster)
  const ends = await source.logEnds(from.topic, route.partitions, 'highWatermark')
  const returned = await failovers.returnOf(topicId, from)
  const known = new Map((await migrations.strays(id)).map((stray) => [stray.partition, stray]))
  for (const [partition, to] of ends.entries()) {
    // Partitions that were added since are empty there.
    const cut = cuts![partition] ?? 0n
    const stray = known.get(partition)
    const before = stray?.to ?? cut
    if (to <= before) continue
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
    const end = returned?.ends[partition] ?? cut
    plane.log('warn', 'strays.seen', {
      topic: route.name,
      migration: id,
      cluster: from.cluster,
      physicalTopic: from.topic,
      partition,
      from: seen.from > end ? seen.from : end,
      to,
      producerIds: [...producers.keys()],
      meaning: 'somebody wrote to a sealed topic; the records are copied to the active loglet',
    })
  }
  for (const stray of known.values()) {
    const due = plane.now() >= stray.seenAt + plane.timings.strayGraceMs
    const end = returned?.ends[stray.partition] ?? stray.from
    const upTo = due || end > stray.to ? stray.to : end
    if (stray.recovered < upTo)
      known.set(stray.partition, await recover(context, { migration, returned, upTo, stop }, stray))
  }
  return hasUnrecovered([...known.values()])
}

interface Recovering {
  readonly migration: MigrationRow
  /** The loglet's return, if it was lost once. */
  readonly returned: ReturnedLoglet | undefined
  readonly upTo: bigint
  readonly stop: Stop
}

/**
 * Appended under a producer id of our own with running sequences; what was appended is recorded after each batch.
 * A crash in between leaves one batch in doubt: the loglets after this one are asked for the producer's last sequence
 * before anything is appended again, so it is there once, also when the topic has moved on meanwhile.
 */
async function recover(context: StrayContext, how: Recovering, first: StrayRow): Promise<StrayRow> {
  const { plane, id } = context
  const { migration, returned, upTo, stop } = how
  const { from, topic } = migration
  const { partition, producerId } = first
  const source = await plane.clusters.open(from.cluster)
  const starts = await source.logEnds(from.topic, partition + 1, 'earliest')
  const start = starts[partition] ?? 0n
  const end = returned?.ends[partition] ?? first.from
  let stray = first
  let inDoubt = true
  let copied = 0
  let known = 0
  while (stray.recovered < upTo) {
    // What is below the log's start was taken by retention or DeleteRecords.
    const readFrom = stray.recovered > start ? stray.recovered : start
    const bytes =
      readFrom < upTo
        ? await source.readBatches(from.topic, partition, readFrom, readMaxBytes)
        : Buffer.alloc(0)
    const batches: number[] = []
    walkBatches(bytes, (at) => {
      if (nextOffset(bytes, at) > readFrom && baseOffset(bytes, at) < upTo) batches.push(at)
    })
    if (batches.length === 0) {
      stray = { ...stray, recovered: upTo }
      await plane.store.migrations.putStray(id, stray)
      break
    }
    for (const at of batches) {
      stop.throwIfAborted()
      const route = routeIfThere(plane, migration)
      if (route === undefined) return stray
      const index = indexOfLoglet(route, from)
      const base = baseOffset(bytes, at)
      const wasInTopic = base < end
      const next = nextOffset(bytes, at)
      const isLeftOut = () =>
        wasInTopic
          ? index >= 0 && route.pastHole(index, partition, base) >= next
          : isInLaterLoglet(plane, from, route, bytes, at, partition)
      let appended = 0
      if (isControl(bytes, at) || (await isLeftOut())) {
        known++
        stray = { ...stray, recovered: next }
      } else {
        const { cluster, topic: physical } = route.loglet(route.active, partition)
        const copy = strayBatch(bytes, at, {
          producerId,
          sequence: stray.nextSequence,
          from: `${from.cluster}/${from.topic}/${partition}`,
          maxBytes: route.maxMessageBytes,
          firstOffset: first.from,
          logicalOf: wasInTopic && index >= 0 ? logicalOf(route, index, partition) : undefined,
        })
        const isThere = inDoubt && (await hasCopied(plane, route, index, stray))
        inDoubt = false
        if (!isThere && copy.records > 0) {
          const target = await plane.clusters.open(cluster)
          await target.append(physical, partition, copy.bytes)
        }
        copied++
        appended = copy.records
        stray = { ...stray, recovered: next, nextSequence: copy.nextSequence }
      }
      const step = stray
      await plane.store.transaction(async () => {
        await plane.store.migrations.putStray(id, step)
        if (returned !== undefined && wasInTopic && appended > 0)
          await plane.store.failovers.addCopied(returned.failover, returned.number, appended)
      })
    }
  }
  const wasReturned = first.recovered < end
  plane.log(wasReturned ? 'info' : 'warn', wasReturned ? 'return.copied' : 'strays.recovered', {
    topic,
    migration: id,
    partition,
    from: first.recovered,
    to: stray.recovered,
    batchesCopied: copied,
    [wasReturned ? 'batchesLeftOut' : 'batchesKnown']: known,
  })
  return stray
}

function logicalOf(route: TopicRoute, index: number, partition: number): (physical: bigint) => bigint {
  const delta = route.base(index, partition) - route.start(index, partition)
  return (physical) => physical + delta
}

/** Whether the copy that comes next is in a later loglet already: whoever appended it died before it was recorded. */
async function hasCopied(
  plane: Plane,
  route: TopicRoute,
  index: number,
  { partition, producerId, nextSequence }: StrayRow,
): Promise<boolean> {
  for (let i = route.active; i > index; i--) {
    // When it returns, what stands in a later loglet too is left out of it.
    if (route.away(i)?.state === 'lost') continue
    const later = await plane.clusters.open(route.cluster(i))
    const state = (await later.producerStates(route.physicalTopic(i), partition)).get(producerId)
    if (state !== undefined) return hasReached(state.lastSequence, nextSequence)
  }
  return false
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
  for (let i = route.active; i > indexOfLoglet(route, from); i--) {
    if (route.away(i)?.state === 'lost') continue
    const later = await plane.clusters.open(route.cluster(i))
    if (isKnownTo(await later.producerStates(route.physicalTopic(i), partition), bytes, at)) return true
  }
  return false
}

function mintedProducerId(plane: Plane): bigint {
  const low = BigInt(Math.floor(plane.random() * 2 ** 30))
  const high = BigInt(Math.floor(plane.random() * 2 ** 31))
  return producerIdFloor + ((high << 30n) | low)
}
