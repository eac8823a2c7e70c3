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
import {
  type BatchIn,
  hasReached,
  isKnownTo,
  sequenceBefore,
  sequencesFrom,
  strayBatch,
} from './stray-batch.ts'

const readMaxBytes = 4 * 1024 * 1024
/** That one copy is made of. */
const batchesMax = 1_000
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
  return {
    partition,
    from,
    to,
    recovered: from,
    producerId,
    nextSequence: 0,
    inDoubt: null,
    seenAt: plane.now(),
  }
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
        inDoubt: null,
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

/** A whole batch of the loglet, physical. */
interface SourceBatch extends BatchIn {
  readonly base: bigint
  readonly next: bigint
}

/**
 * Appended under a producer id of our own with running sequences, as few batches as they fit in. What is about to be
 * appended is written down first, and that it was, after: a crash in between leaves one batch in doubt. Before anything
 * else is appended the loglets after this one are asked for the producer's last sequence, so it is there once, also when
 * the topic has moved on meanwhile, or its source was deleted from.
 */
async function recover(context: StrayContext, how: Recovering, first: StrayRow): Promise<StrayRow> {
  const { plane, id } = context
  const { migrations } = plane.store
  const { migration, returned, upTo, stop } = how
  const { from, topic } = migration
  const { partition } = first
  const end = returned?.ends[partition] ?? first.from
  let stray = await withoutDoubt(context, how, first)
  let [copied, known] = [0, 0]
  let read: readonly SourceBatch[] = []
  while (stray.recovered < upTo) {
    stop.throwIfAborted()
    const route = routeIfThere(plane, migration)
    if (route === undefined) return stray
    if (read.length === 0) {
      read = await readOn(plane, from, partition, stray.recovered, upTo)
      if (read.length === 0) {
        stray = { ...stray, recovered: upTo, inDoubt: null }
        await migrations.putStray(id, stray)
        break
      }
    }
    if (stray.inDoubt !== null && read[0]!.base >= stray.inDoubt.to) {
      // Its source is gone. Should it arrive all the same, nothing else may look like it.
      stray = { ...stray, producerId: mintedProducerId(plane), nextSequence: 0, inDoubt: null }
      await migrations.putStray(id, stray)
    }
    const index = indexOfLoglet(route, from)
    const isLeftOut = ({ bytes, at, base, next }: SourceBatch) => {
      if (isControl(bytes, at)) return true
      if (base < end) return index >= 0 && route.pastHole(index, partition, base) >= next
      return isInLaterLoglet(plane, from, route, bytes, at, partition)
    }
    let passed = 0
    while (passed < read.length && (await isLeftOut(read[passed]!))) passed++
    if (passed > 0) {
      known += passed
      const recovered = read[passed - 1]!.next
      const isBeyond = stray.inDoubt !== null && recovered >= stray.inDoubt.to
      stray = { ...stray, recovered, ...(isBeyond && { inDoubt: null }) }
      await migrations.putStray(id, stray)
      read = read.slice(passed)
      continue
    }
    const wasInTopic = read[0]!.base < end
    // What is not there yet may still arrive. The broker takes the two for one if they are the same.
    const before = stray.inDoubt?.to ?? upTo
    const wanted: SourceBatch[] = []
    for (const batch of read) {
      if (wanted.length >= batchesMax || batch.base >= before || batch.base < end !== wasInTopic) break
      if (wanted.length > 0 && (await isLeftOut(batch))) break
      wanted.push(batch)
    }
    const copy = strayBatch(wanted, {
      producerId: stray.producerId,
      sequence: stray.nextSequence,
      from: `${from.cluster}/${from.topic}/${partition}`,
      maxBytes: route.maxMessageBytes,
      firstOffset: first.from,
      logicalOf: wasInTopic && index >= 0 ? logicalOf(route, index, partition) : undefined,
    })
    const { next } = wanted[copy.batches - 1]!
    stray = { ...stray, inDoubt: { to: next, nextSequence: copy.nextSequence } }
    if (copy.records > 0) {
      await migrations.putStray(id, stray)
      const { cluster, topic: physical } = route.loglet(route.active, partition)
      const target = await plane.clusters.open(cluster)
      await target.append(physical, partition, copy.bytes)
    }
    stray = await putCopied(context, how, stray)
    copied += copy.batches
    read = read.slice(copy.batches)
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

/** What is below the log's start was taken by retention or DeleteRecords. Empty: nothing is left up to there. */
async function readOn(
  plane: Plane,
  { cluster, topic }: PhysicalTopic,
  partition: number,
  recovered: bigint,
  upTo: bigint,
): Promise<SourceBatch[]> {
  const source = await plane.clusters.open(cluster)
  const start = (await source.logEnds(topic, partition + 1, 'earliest'))[partition] ?? 0n
  const readFrom = recovered > start ? recovered : start
  if (readFrom >= upTo) return []
  const bytes = await source.readBatches(topic, partition, readFrom, readMaxBytes)
  const batches: SourceBatch[] = []
  walkBatches(bytes, (at) => {
    const [base, next] = [baseOffset(bytes, at), nextOffset(bytes, at)]
    if (next > readFrom && base < upTo) batches.push({ bytes, at, base, next })
  })
  return batches
}

/**
 * A copy that somebody was about to append is there, or is not: the loglets after this one know. One that is not stays in
 * doubt until it is appended again.
 */
async function withoutDoubt(context: StrayContext, how: Recovering, stray: StrayRow): Promise<StrayRow> {
  const { plane } = context
  const { inDoubt } = stray
  const route = routeIfThere(plane, how.migration)
  if (inDoubt === null || route === undefined) return stray
  const last = await lastCopied(plane, route, indexOfLoglet(route, how.migration.from), stray)
  const isThere = last !== undefined && hasReached(last, sequenceBefore(inDoubt.nextSequence))
  return isThere ? putCopied(context, how, stray) : stray
}

/** What was in doubt is there. */
async function putCopied(
  { plane, id }: StrayContext,
  { returned }: Recovering,
  stray: StrayRow,
): Promise<StrayRow> {
  const { store } = plane
  const { to, nextSequence } = stray.inDoubt!
  const next: StrayRow = { ...stray, recovered: to, nextSequence, inDoubt: null }
  const records = sequencesFrom(stray.nextSequence, nextSequence)
  const wasInTopic = returned !== undefined && stray.recovered < (returned.ends[stray.partition] ?? 0n)
  await store.transaction(async () => {
    await store.migrations.putStray(id, next)
    if (wasInTopic && records > 0)
      await store.failovers.addCopied(returned.failover, returned.number, records)
  })
  return next
}

function logicalOf(route: TopicRoute, index: number, partition: number): (physical: bigint) => bigint {
  const delta = route.base(index, partition) - route.start(index, partition)
  return (physical) => physical + delta
}

/** The last sequence that was appended for it to a later loglet; undefined when nothing was. */
async function lastCopied(
  plane: Plane,
  route: TopicRoute,
  index: number,
  { partition, producerId }: StrayRow,
): Promise<number | undefined> {
  for (let i = route.active; i > index; i--) {
    // When it returns, what stands in a later loglet too is left out of it.
    if (route.away(i)?.state === 'lost') continue
    const later = await plane.clusters.open(route.cluster(i))
    const state = (await later.producerStates(route.physicalTopic(i), partition)).get(producerId)
    if (state !== undefined) return state.lastSequence
  }
  return undefined
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
