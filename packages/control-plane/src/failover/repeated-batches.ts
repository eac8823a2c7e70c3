// Which batches of a loglet that returns stand in a later loglet too. While its cluster was lost nobody could ask it
// what it had, so a producer whose answer was lost wrote the batch again, to the loglet that followed. The later one
// keeps the record, because its acknowledgement came last; of the returning one the batch is left out, as a hole.
//
//     returning   ... 98 99 │100 101 102│            of one producer id and epoch: sequences
//     later                  100 101 102  103 104 ...
//
// Each broker demands running sequences, so of each producer and epoch the sequences that a later loglet has are one
// range, and a batch is repeated when all of it is in one of these ranges. What lies above them was never written again:
// it is the only copy, and stays. A loglet that follows a lost one may begin with any sequence, because nobody could be
// asked which is next: earlier ones may have come to a loglet after it.
//
// Sequences wrap at 2^31. Within half of that, ahead is ahead. One that has come round is taken for another only when it
// lies within the last thousand batches of its producer: where it is further back, that is seen, and nothing is left out.

import type { ProducerState } from '@braid/kafka-connection'
import { HOLES_MAX_PER_PARTITION } from '@braid/routing-model'

/** The header of one batch. */
export interface BatchSeen {
  /** Physical: its first offset, and the one after its last. */
  readonly base: bigint
  readonly next: bigint
  /** Negative: a producer without sequences, whose batches cannot be told apart and are never repeated. */
  readonly producerId: bigint
  readonly epoch: number
  readonly baseSequence: number
  readonly lastSequence: number
}

export type Producers = ReadonlyMap<bigint, ProducerState>

/** One partition of a loglet, as far as it can be read: physical offsets [from, to). */
export interface LogletLog {
  readonly from: bigint
  readonly to: bigint
  /** What its broker remembers of producers. */
  producers(): Promise<Producers>
  /** Whole batches, in order, from the one that holds `offset` on, or the first after it. Empty at the end. */
  batches(offset: bigint): Promise<readonly BatchSeen[]>
  /** Its brokers may have forgotten producers that wrote to it: it is read as a whole to know them. */
  readonly forgets: boolean
  /** The loglet before it is lost, or was: what began here may not have been next. */
  readonly followsLoss: boolean
}

export interface Repeated {
  /** Physical: from, to, from, to ... ascending; empty when there are none. */
  readonly holes: readonly bigint[]
  /** Offsets in them. */
  readonly offsets: bigint
  /** Producers that were in the middle of writing batches again when it was looked at: they may repeat more. */
  readonly unsettled: number
  /** Producers for which so much would have been repeated that it cannot be; of them nothing is left out. */
  readonly implausible: number
  /** Batches that are repeated and stay, because a route has no more room for holes: they stand twice. */
  readonly unfit: number
}

export interface RepeatedOptions {
  readonly stop: AbortSignal
  /** Called now and then, with how many batches were read. */
  readonly onProgress?: (batches: number) => void
}

/** Producers have five batches on their way at most; more than this of one, and a sequence was taken for another. */
const repeatedMaxPerProducer = 1_000
/** Of a partition, in memory. */
const producersMax = 200_000
/** The first look back from the end, in offsets; the next ones are larger. */
const windowMin = 4_096n
const windowMax = 1n << 22n
const sequences = 2 ** 31

/** What a producer has written to later loglets: sequences [first, last] of the epoch that it had in the returning one. */
interface Range {
  readonly epoch: number
  readonly first: number
  readonly last: number
}

/** @param later the loglets after it that can be read, in their order */
export async function findRepeated(
  returning: LogletLog,
  later: readonly LogletLog[],
  options: RepeatedOptions,
): Promise<Repeated> {
  const counted = countReads(options)
  if (returning.to <= returning.from) return none
  const known = await producersOf(returning, counted)
  const { ranges, unsettled } = await rangesIn(later, known, counted)
  const found = await findIn(returning, ranges, counted)
  return { ...found, unsettled }
}

const none: Repeated = { holes: [], offsets: 0n, unsettled: 0, implausible: 0, unfit: 0 }

interface Counted {
  read(log: LogletLog, offset: bigint): Promise<readonly BatchSeen[]>
}

function countReads({ stop, onProgress }: RepeatedOptions): Counted {
  let batches = 0
  return {
    async read(log, offset) {
      stop.throwIfAborted()
      const read = await log.batches(offset)
      batches += read.length
      onProgress?.(batches)
      return read
    },
  }
}

/** Calls `visit` with the batches that begin in [from, to), in order, until it says that it has seen enough. */
async function walk(
  log: LogletLog,
  from: bigint,
  to: bigint,
  { read }: Counted,
  visit: (batch: BatchSeen) => 'enough' | undefined,
): Promise<void> {
  let offset = from
  while (offset < to) {
    const batches = await read(log, offset)
    const last = batches.at(-1)
    if (last === undefined || last.next <= offset) return
    for (const batch of batches) {
      if (batch.base >= to) return
      if (batch.base >= from && visit(batch) === 'enough') return
    }
    offset = last.next
  }
}

/** Its last epoch and sequence, of each producer. */
async function producersOf(log: LogletLog, counted: Counted): Promise<Producers> {
  const remembered = await log.producers()
  if (!log.forgets) return remembered
  const producers = new Map<bigint, ProducerState>()
  await walk(log, log.from, log.to, counted, ({ producerId, epoch, lastSequence }) => {
    if (producerId < 0n) return undefined
    if (producers.size < producersMax || producers.has(producerId))
      producers.set(producerId, { epoch, lastSequence })
    return undefined
  })
  for (const [producerId, state] of remembered) producers.set(producerId, state)
  return producers
}

/** What one producer of the returning loglet has written to later ones. */
interface Followed {
  readonly epoch: number
  /** Of the returning loglet. */
  readonly lastSequence: number
  readonly ranges: Range[]
  /** It has come as far as the returning loglet has it, or went on behind that. */
  isThrough: boolean
  /** It was seen to write again, and may go on with it. */
  isUnsettled: boolean
}

/** Each producer is followed from loglet to loglet, as long as one of them may have what the returning one has. */
async function rangesIn(
  later: readonly LogletLog[],
  known: Producers,
  counted: Counted,
): Promise<{ readonly ranges: ReadonlyMap<bigint, readonly Range[]>; readonly unsettled: number }> {
  const ranges = new Map<bigint, readonly Range[]>()
  let unsettled = 0
  const open = new Map<bigint, Followed>()
  for (const [producerId, { epoch, lastSequence }] of known) {
    open.set(producerId, { epoch, lastSequence, ranges: [], isThrough: false, isUnsettled: false })
  }
  const close = (producerId: bigint, followed: Followed) => {
    if (followed.ranges.length > 0) ranges.set(producerId, followed.ranges)
    if (followed.isUnsettled) unsettled++
    open.delete(producerId)
  }
  for (const log of later) {
    const sought = [...open].filter(([, { isThrough }]) => !isThrough || log.followsLoss)
    if (sought.length === 0) continue
    const states = await producersOf(log, counted)
    const found = await firstAndLast(log, states, new Map(sought), counted)
    for (const [producerId, followed] of sought) {
      const { epoch, lastSequence } = followed
      const state = states.get(producerId)
      if (state === undefined || state.epoch < epoch) continue
      const range = found.get(producerId)
      const hasBegunAnew = state.epoch > epoch
      if (range !== undefined) {
        const isAgain = isAtOrAfter(lastSequence, range.first)
        if (isAgain) followed.ranges.push(range)
        followed.isThrough = !isAgain || isAtOrAfter(range.last, lastSequence)
        followed.isUnsettled = !followed.isThrough
      } else if (!hasBegunAnew) continue // what was first there is gone: retention took it
      if (!hasBegunAnew) continue
      followed.isUnsettled = false
      close(producerId, followed)
    }
  }
  for (const [producerId, followed] of open) close(producerId, followed)
  return { ranges, unsettled }
}

/** Of the epoch that each producer has in `open`: the first and the last sequence in this loglet. */
async function firstAndLast(
  log: LogletLog,
  states: Producers,
  open: ReadonlyMap<bigint, Pick<Followed, 'epoch'>>,
  counted: Counted,
): Promise<ReadonlyMap<bigint, Range>> {
  const found = new Map<bigint, Range>()
  const sought = new Map<bigint, number>()
  for (const [producerId, { epoch }] of open) {
    const state = states.get(producerId)
    if (state !== undefined && state.epoch >= epoch) sought.set(producerId, epoch)
  }
  if (sought.size === 0) return found
  await walk(log, log.from, log.to, counted, (batch) => {
    const { producerId, baseSequence, lastSequence } = batch
    const epoch = sought.get(producerId)
    if (epoch === undefined || batch.epoch < epoch) return undefined
    const state = states.get(producerId)!
    if (batch.epoch > epoch) sought.delete(producerId)
    else if (state.epoch === epoch) {
      found.set(producerId, { epoch, first: baseSequence, last: state.lastSequence })
      sought.delete(producerId)
    } else {
      const first = found.get(producerId)?.first ?? baseSequence
      found.set(producerId, { epoch, first, last: lastSequence })
    }
    return sought.size === 0 ? 'enough' : undefined
  })
  return found
}

/** Back from the end, until of each producer a batch was met that no range can reach. */
async function findIn(
  returning: LogletLog,
  ranges: ReadonlyMap<bigint, readonly Range[]>,
  counted: Counted,
): Promise<Omit<Repeated, 'unsettled'>> {
  const open = new Map(ranges)
  const repeated = new Map<bigint, BatchSeen[]>()
  const implausible = new Set<bigint>()
  let end = returning.to
  for (let size = windowMin; open.size > 0 && end > returning.from; size = smaller(size * 4n, windowMax)) {
    const start = larger(end - size, returning.from)
    const done = new Set<bigint>()
    await walk(returning, start, end, counted, (batch) => {
      const ofProducer = open.get(batch.producerId)
      if (ofProducer === undefined) return undefined
      const isBelow = ({ epoch, first }: Range) =>
        batch.epoch < epoch || !isAtOrAfter(batch.baseSequence, first) || batch.baseSequence === first
      if (ofProducer.every(isBelow)) done.add(batch.producerId)
      if (!ofProducer.some((range) => batch.epoch === range.epoch && isWithin(batch, range))) return undefined
      const batches = repeated.get(batch.producerId) ?? []
      repeated.set(batch.producerId, batches)
      batches.push(batch)
      if (batches.length > repeatedMaxPerProducer) {
        implausible.add(batch.producerId)
        repeated.delete(batch.producerId)
        open.delete(batch.producerId)
      }
      return undefined
    })
    for (const producerId of done) open.delete(producerId)
    end = start
  }
  return { ...holesOf([...repeated.values()].flat()), implausible: implausible.size }
}

const larger = (a: bigint, b: bigint): bigint => (a > b ? a : b)
const smaller = (a: bigint, b: bigint): bigint => (a < b ? a : b)

function holesOf(batches: readonly BatchSeen[]): Pick<Repeated, 'holes' | 'offsets' | 'unfit'> {
  const ordered = batches.toSorted((a, b) => (a.base < b.base ? -1 : 1))
  const holes: bigint[] = []
  let [offsets, unfit] = [0n, 0]
  for (const { base, next } of ordered) {
    if (holes.at(-1) === base) holes[holes.length - 1] = next
    else if (holes.length < 2 * HOLES_MAX_PER_PARTITION) holes.push(base, next)
    else {
      unfit++
      continue
    }
    offsets += next - base
  }
  return { holes, offsets, unfit }
}

function isWithin({ baseSequence, lastSequence }: BatchSeen, { first, last }: Range): boolean {
  const length = distance(first, last)
  return distance(first, baseSequence) <= length && distance(first, lastSequence) <= length
}

/** How far it is from one sequence up to another. */
function distance(from: number, to: number): number {
  return (to - from + sequences) % sequences
}

function isAtOrAfter(sequence: number, other: number): boolean {
  return distance(other, sequence) < sequences / 2
}
