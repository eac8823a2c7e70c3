import { baseOffset } from '@braid/kafka-protocol'
import { type HolesJson, holesWithin, logicalEnd, type TopicRoute } from '@braid/routing-model'
import type { KafkaCluster } from '../clusters/kafka-cluster.ts'
import { reasonOf } from '../log.ts'
import type { Plane } from '../plane.ts'
import type { Nap, Stop } from '../sagas/saga.ts'
import type { FailoverTopicRow, FoundLoglet, Recovery } from '../store/failover-queries.ts'
import { eachOf } from './each.ts'
import { logletLog } from './loglet-log.ts'
import { cutsOf, holesOf, type LogletPosition, physicalOf } from './lost-loglets.ts'
import { findRepeated, type LogletLog } from './repeated-batches.ts'
import { goneReason, logletOf, type ReturnContext, returnOf } from './returning.ts'

/** Loglets that are compared at a time; their partitions one after the other. */
const logletsAtOnceMax = 4
/** Brokers forget producers that have been silent for a day: an hour before that nobody is forgotten yet. */
const brokersRememberMs = 23 * 3_600_000
const lookAgainMs = 1_000
/** A broker answers one whole batch, however little is asked for. */
const oneBatchBytes = 1
/** Between two lines of the log about one partition. */
const progressEveryMs = 10_000

/** RECOVER: nothing is changed yet; what is found is written down, for END. */
export async function recoverReturning(context: ReturnContext, stop: Stop, nap: Nap): Promise<void> {
  const { plane, id } = context
  const { cluster } = await returnOf(context)
  const lostAt = (await plane.store.failovers.lastSwitched(cluster))?.switchedAt ?? null
  const left = (await plane.store.failovers.topics(id)).filter(
    ({ ends, found }) => ends !== null && found === null,
  )
  await eachOf(left, logletsAtOnceMax, stop, (row) => recoverOne(context, row, lostAt, stop, nap))
}

async function recoverOne(
  { plane, id }: ReturnContext,
  row: FailoverTopicRow,
  lostAt: number | null,
  stop: Stop,
  nap: Nap,
): Promise<void> {
  const { store, timings, log, now } = plane
  for (;;) {
    const loglet = logletOf(plane, row)
    if (loglet === undefined) return
    const source = await plane.clusters.open(row.from.cluster)
    if ((await source.describe(row.from.topic)) === undefined) {
      await store.failovers.setReason(id, row.number, goneReason(row.from))
      log('error', 'return.topic-gone', {
        failover: id,
        topic: row.topic,
        physicalTopic: row.from.topic,
        cluster: row.from.cluster,
      })
      return
    }
    const forgets = lostAt === null || now() - lostAt > brokersRememberMs
    const settles = () => now() < (lostAt ?? 0) + timings.repeatsSettleMs
    const compared = await compare(plane, loglet, row, { forgets, settles, stop })
    if (compared === 'unsettled') {
      await nap(Math.min(lookAgainMs, timings.retryMaxMs))
      continue
    }
    const { found, recovery, unsettled } = compared
    const gone = missingIn(loglet, row)
    await store.transaction(async () => {
      await store.failovers.setFound(id, row.number, found, recovery)
      if (gone > 0n) {
        const what = `${gone} records that were known to be there are gone: the cluster has lost data`
        await store.failovers.setReason(id, row.number, `${row.reason}; ${what}`)
      }
    })
    const { tenant, topic, from } = row
    const about = { tenant, topic, cluster: from.cluster, physicalTopic: from.topic }
    if (gone > 0n) log('error', 'return.records-gone', { failover: id, ...about, records: Number(gone) })
    log('info', 'return.compared', { failover: id, ...about, ...recovery, unsettled })
    return
  }
}

interface Compared {
  readonly found: FoundLoglet
  readonly recovery: Recovery
  readonly unsettled: number
}

/** A loglet that can be read, of all partitions. */
interface Readable {
  readonly index: number
  readonly cluster: KafkaCluster
  readonly topic: string
  readonly starts: readonly bigint[]
  readonly ends: readonly bigint[]
}

async function compare(
  plane: Plane,
  loglet: LogletPosition,
  row: FailoverTopicRow,
  { forgets, settles, stop }: { forgets: boolean; settles: () => boolean; stop: Stop },
): Promise<Compared | 'unsettled'> {
  const { route, index } = loglet
  const readable: Readable[] = []
  const earlier: Readable[] = []
  for (let i = 0; i < route.depth; i++) {
    // A later one that is lost is compared with when it returns itself.
    if (route.away(i)?.state === 'lost') continue
    if (i < index && !(await hasReturned(plane, loglet, i))) continue
    const one = await readableOf(plane, loglet, i, i === index ? row.ends! : undefined)
    readable.push(one)
    if (i < index) earlier.push(one)
  }
  const of = async (one: Readable) => {
    const later = readable.filter((other) => other.index > one.index)
    return repeatedIn(plane, loglet, one, later, { forgets, stop })
  }
  const returning = readable.find((one) => one.index === index)!
  const own = await of(returning)
  // Of a producer that is in the middle of writing batches again the rest is on its way, or was given up by now.
  if (own.unsettled > 0 && settles()) return 'unsettled'
  const found: FoundLoglet = {
    cuts: await atBatches(returning, cutsOf(loglet, row)),
    holes: own.holes,
    earlier: [],
  }
  const again: (typeof found.earlier)[number][] = []
  for (const one of earlier) {
    const { holes } = await of(one)
    const place = { cluster: route.cluster(one.index), topic: one.topic }
    if (Object.keys(holes).length > 0) again.push({ ...place, holes })
  }
  return {
    found: { ...found, earlier: again },
    recovery: recoveryOf(loglet, row, found, returning.starts),
    unsettled: own.unsettled,
  }
}

/**
 * A batch is in the chain as a whole or not at all: one that a group has read a part of is copied on, or its records
 * would stand in both places.
 */
async function atBatches(
  { cluster, topic, starts, ends }: Readable,
  cuts: readonly bigint[],
): Promise<bigint[]> {
  const aligned: bigint[] = []
  for (const [partition, cut] of cuts.entries()) {
    let at = cut
    if (cut > (starts[partition] ?? 0n) && cut < ends[partition]!) {
      const bytes = await cluster.readBatches(topic, partition, cut, oneBatchBytes)
      if (bytes.length > 0 && baseOffset(bytes, 0) < cut) at = baseOffset(bytes, 0)
    }
    aligned.push(at)
  }
  return aligned
}

/** An earlier loglet that was lost once: producers may have written batches of it to this one, which nobody could ask. */
async function hasReturned({ store }: Plane, { route }: LogletPosition, index: number): Promise<boolean> {
  if (route.away(index) !== undefined) return false // returns with this one, by itself
  const place = { cluster: route.cluster(index), topic: route.physicalTopic(index) }
  return (await store.failovers.returnOf(route.id, place)) !== undefined
}

async function readableOf(
  plane: Plane,
  { route }: LogletPosition,
  index: number,
  trueEnds: readonly bigint[] | undefined,
): Promise<Readable> {
  const cluster = await plane.clusters.open(route.cluster(index))
  const topic = route.physicalTopic(index)
  const { partitions } = route
  const starts = await cluster.logEnds(topic, partitions, 'earliest')
  const place = { cluster: cluster.name, topic }
  // What lies behind the cut of one that has returned is copied on, so it stands there.
  const ends =
    trueEnds ??
    (await plane.store.failovers.returnOf(route.id, place))?.ends ??
    (index === route.active
      ? await cluster.logEnds(topic, partitions, 'highWatermark')
      : Array.from({ length: partitions }, (_, partition) => route.end(index, partition)))
  return { index, cluster, topic, starts, ends }
}

/** By partition. */
async function repeatedIn(
  plane: Plane,
  { route }: LogletPosition,
  one: Readable,
  later: readonly Readable[],
  { forgets, stop }: { forgets: boolean; stop: Stop },
): Promise<{ readonly holes: HolesJson; readonly unsettled: number }> {
  const holes: Record<string, readonly string[]> = {}
  let unsettled = 0
  for (let partition = 0; partition < route.partitions; partition++) {
    stop.throwIfAborted()
    const logOf = ({ index, cluster, topic, starts, ends }: Readable): LogletLog =>
      logletLog(
        cluster,
        {
          topic,
          partition,
          start: route.start(index, partition),
          forgets,
          followsLoss: followsLoss(route, index, partition),
        },
        { from: starts[partition] ?? 0n, to: ends[partition] ?? 0n },
      )
    const about = { topic: route.name, partition, cluster: one.cluster.name, physicalTopic: one.topic }
    let saidAt = plane.now()
    const repeated = await findRepeated(logOf(one), later.map(logOf), {
      stop,
      onProgress: (batches) => {
        if (plane.now() < saidAt + progressEveryMs) return
        saidAt = plane.now()
        plane.log('info', 'return.comparing', { ...about, batches })
      },
    }).catch((error: unknown) => {
      throw new Error(
        `partition ${partition} of topic ${route.name} could not be compared: ${reasonOf(error)}`,
        { cause: error },
      )
    })
    if (repeated.implausible > 0) {
      plane.log('warn', 'return.implausible', {
        ...about,
        producers: repeated.implausible,
        meaning:
          'more batches of a producer would stand twice than it can have had on their way; all are kept',
      })
    }
    if (repeated.unfit > 0) {
      plane.log('error', 'return.stands-twice', {
        ...about,
        batches: repeated.unfit,
        meaning:
          'producers wrote more batches again than a route can leave out; these stand twice, and readers see them twice',
      })
    }
    if (repeated.holes.length > 0) holes[partition] = repeated.holes.map(String)
    unsettled += repeated.unsettled
  }
  return { holes, unsettled }
}

/** Of what was known to be there. */
function missingIn(loglet: LogletPosition, { ends, knownEnds }: FailoverTopicRow): bigint {
  let missing = 0n
  for (const [partition, end] of ends!.entries()) {
    const known = knownEnds?.[partition]
    if (known === undefined) continue
    const knownEnd = physicalOf(loglet, partition, known)
    if (knownEnd > end) missing += knownEnd - end
  }
  return missing
}

/** Only one that is lost, or was, is away or followed by a gap. */
function followsLoss(route: TopicRoute, index: number, partition: number): boolean {
  const before = index - 1
  if (before < 0) return false
  if (route.away(before) !== undefined) return true
  return logicalEnd(route.loglet(before, partition))! < route.base(index, partition)
}

function recoveryOf(
  loglet: LogletPosition,
  { ends, knownEnds }: FailoverTopicRow,
  { cuts, holes }: FoundLoglet,
  logStarts: readonly bigint[],
): Recovery {
  const { route, index } = loglet
  const left = holesOf(holes, route)
  let [tail, leftOut, toCopy] = [0n, 0n, 0n]
  for (const [partition, end] of ends!.entries()) {
    const start = route.start(index, partition)
    const known = knownEnds?.[partition]
    const knownEnd = known === undefined ? start : physicalOf(loglet, partition, known)
    if (end > knownEnd) tail += end - knownEnd
    leftOut += holesWithin(left, partition, start, end)
    const cut = cuts[partition]!
    const from = cut > (logStarts[partition] ?? 0n) ? cut : logStarts[partition]!
    if (end > from) toCopy += end - from - holesWithin(left, partition, from, end)
  }
  return { tail: Number(tail), leftOut: Number(leftOut), toCopy: Number(toCopy), copied: 0 }
}
