import type { ProducerState } from '@braid/kafka-connection'
import { HOLES_MAX_PER_PARTITION } from '@braid/routing-model'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type BatchSeen, findRepeated, type LogletLog } from './repeated-batches.ts'

const wrap = 2 ** 31
const options = { stop: new AbortController().signal }

/** What a producer sends: the same object when it sends it again. */
interface Sent {
  readonly producerId: bigint
  readonly epoch: number
  readonly sequence: number
  readonly records: number
}

/** A log in memory, with gaps between its batches as real ones have them. */
class ModelLog implements LogletLog {
  readonly from = 0n
  to = 0n
  readonly sent = new Map<bigint, Sent>()
  private readonly seen: BatchSeen[] = []
  private readonly states = new Map<bigint, ProducerState>()
  forgets: boolean
  followsLoss = true
  private readonly atOnce: number
  reads = 0

  constructor(forgets = false, atOnce = 3) {
    this.forgets = forgets
    this.atOnce = atOnce
  }

  append(sent: Sent, gap = 0): void {
    const { producerId, epoch, sequence, records } = sent
    const base = this.to + BigInt(gap)
    const lastSequence = (sequence + records - 1) % wrap
    this.to = base + BigInt(records)
    this.sent.set(base, sent)
    this.seen.push({ base, next: this.to, producerId, epoch, baseSequence: sequence, lastSequence })
    if (producerId >= 0n) this.states.set(producerId, { epoch, lastSequence })
  }

  async producers() {
    if (!this.forgets) return new Map(this.states)
    return new Map([...this.states].filter(([producerId]) => producerId % 2n === 0n))
  }

  async batches(offset: bigint) {
    this.reads++
    let [first, end] = [0, this.seen.length]
    while (first < end) {
      const middle = (first + end) >> 1
      if (this.seen[middle]!.next > offset) end = middle
      else first = middle + 1
    }
    return this.seen.slice(first, first + this.atOnce)
  }
}

function left(log: ModelLog, holes: readonly bigint[]): Sent[] {
  const isLeftOut = (offset: bigint) => {
    for (let i = 0; i < holes.length; i += 2) if (offset >= holes[i]! && offset < holes[i + 1]!) return true
    return false
  }
  return [...log.sent].filter(([base]) => !isLeftOut(base)).map(([, sent]) => sent)
}

const batch = (producerId: bigint, sequence: number, records = 1, epoch = 0): Sent => ({
  producerId,
  epoch,
  sequence,
  records,
})

describe('what a producer wrote again', () => {
  test('is left out where it was written first; what was answered stays, and what it never wrote again', async () => {
    const [lost, later] = [new ModelLog(), new ModelLog()]
    const [answered, again, neverAgain] = [batch(7n, 0, 3), batch(7n, 3, 2), batch(8n, 0, 4)]
    lost.append(answered)
    lost.append(neverAgain)
    lost.append(again)
    later.append(again)
    later.append(batch(7n, 5))
    later.append(batch(9n, 0))
    expect(await findRepeated(lost, [later], options)).toEqual({
      holes: [7n, 9n],
      offsets: 2n,
      unsettled: 0,
      implausible: 0,
      unfit: 0,
    })
  })

  test('is nothing where it went on behind what was lost, or began anew under a higher epoch', async () => {
    const [lost, later] = [new ModelLog(), new ModelLog()]
    lost.append(batch(7n, 0, 3))
    lost.append(batch(8n, 4, 3))
    later.append(batch(7n, 3, 3))
    later.append(batch(8n, 0, 9, 1))
    expect((await findRepeated(lost, [later], options)).holes).toEqual([])
  })

  test('is found although the later loglet has only its next epoch in memory', async () => {
    const [lost, later] = [new ModelLog(), new ModelLog()]
    const again = batch(7n, 5)
    lost.append(batch(7n, 4))
    lost.append(again)
    later.append(again)
    later.append(batch(7n, 0, 1, 1))
    expect((await findRepeated(lost, [later], options)).holes).toEqual([1n, 2n])
  })

  test('is only what it has written again: an answer that came for a later batch is no reason to leave that out', async () => {
    const [lost, later] = [new ModelLog(), new ModelLog()]
    const [again, answered] = [batch(7n, 5), batch(7n, 6)]
    lost.append(again)
    lost.append(answered)
    later.append(again)
    const found = await findRepeated(lost, [later], options)
    expect(found).toMatchObject({ holes: [0n, 1n], unsettled: 1 })
    later.append(answered)
    expect(await findRepeated(lost, [later], options)).toMatchObject({ holes: [0n, 2n], unsettled: 0 })
  })

  test('is never what a producer without sequences wrote, nor a batch of which only a part stands again', async () => {
    const [lost, later] = [new ModelLog(), new ModelLog()]
    lost.append(batch(-1n, -1, 2))
    lost.append(batch(7n, 0, 4))
    later.append(batch(-1n, -1, 2))
    later.append(batch(7n, 2, 2))
    expect((await findRepeated(lost, [later], options)).holes).toEqual([])
  })

  test('may begin with any sequence behind a loglet that is lost, and what comes before it comes later', async () => {
    const [lost, next, last] = [new ModelLog(), new ModelLog(), new ModelLog()]
    const [early, late] = [batch(7n, 5), batch(7n, 6)]
    lost.append(early)
    lost.append(late)
    next.append(late)
    next.append(batch(7n, 7))
    last.append(early)
    expect((await findRepeated(lost, [next, last], options)).holes).toEqual([0n, 2n])
    // Where nothing was lost in between the order was enforced: it is not looked at again.
    last.followsLoss = false
    const reads = last.reads
    expect((await findRepeated(lost, [next, last], options)).holes).toEqual([1n, 2n])
    expect(last.reads).toBe(reads)
  })

  test('is only what really stands elsewhere: what lies between two ranges stays', async () => {
    const [lost, next, last] = [new ModelLog(), new ModelLog(), new ModelLog()]
    const [a, b, c] = [batch(7n, 5), batch(7n, 6), batch(7n, 7)]
    for (const one of [a, b, c]) lost.append(one)
    next.append(c)
    last.append(a)
    expect((await findRepeated(lost, [next, last], options)).holes).toEqual([0n, 1n, 2n, 3n])
  })

  test('cannot be a whole loglet of one producer: its sequences have come round', async () => {
    const [lost, later] = [new ModelLog(false, 500), new ModelLog()]
    for (let i = 0; i < 1_500; i++) lost.append(batch(7n, i))
    later.append(batch(7n, 0))
    later.append(batch(7n, 1, 1_600))
    expect(await findRepeated(lost, [later], options)).toMatchObject({ holes: [], implausible: 1 })
  })

  test('stays, and is counted, where a route has no more room for holes', async () => {
    const [lost, later] = [new ModelLog(false, 10_000), new ModelLog(false, 10_000)]
    const perProducer = 1_000
    for (let producer = 0n; producer < BigInt(HOLES_MAX_PER_PARTITION / perProducer); producer++) {
      for (let i = 0; i < perProducer; i++) {
        lost.append(batch(producer, i), 1)
        later.append(batch(producer, i))
      }
    }
    for (let i = 0; i < 3; i++) {
      lost.append(batch(-2n, i), 1)
      lost.append(batch(9_999n, i), 1)
      later.append(batch(9_999n, i))
    }
    const { holes, unfit } = await findRepeated(lost, [later], options)
    expect([holes.length, unfit]).toEqual([2 * HOLES_MAX_PER_PARTITION, 3])
  })

  test('is found without reading more than it takes', async () => {
    const [lost, later] = [new ModelLog(), new ModelLog()]
    for (let i = 0; i < 9_000; i++) lost.append(batch(7n, i))
    for (let i = 8_998; i < 20_000; i++) later.append(batch(7n, i))
    expect((await findRepeated(lost, [later], options)).holes).toEqual([8_998n, 9_000n])
    expect(later.reads).toBe(1)
    expect(lost.reads).toBeLessThan(4_096 / 3 + 2)
  })
})

// ---- against a model

interface Life {
  readonly epoch: number
  readonly firstSequence: number
  /** Records of the batches that land on the loglet that is lost. */
  readonly landed: readonly number[]
  /** How many of the last of those were not answered. */
  readonly unanswered: number
  /** Sent as well, and never landed there. */
  readonly missed: readonly number[]
  /** By later loglet: how many of what is due it writes there. -1: it begins anew under a higher epoch. */
  readonly writes: readonly number[]
  /** By later loglet: how many of what is due come later, to one after it. */
  readonly passedOver: readonly number[]
  readonly fresh: readonly number[]
}

const size = fc.integer({ min: 1, max: 4 })
const life: fc.Arbitrary<Life> = fc.record({
  epoch: fc.integer({ min: 0, max: 3 }),
  firstSequence: fc.oneof(
    fc.constant(0),
    fc.integer({ min: wrap - 20, max: wrap - 1 }),
    fc.nat({ max: wrap - 1 }),
  ),
  landed: fc.array(size, { maxLength: 8 }),
  unanswered: fc.integer({ min: 0, max: 5 }),
  missed: fc.array(size, { maxLength: 2 }),
  writes: fc.array(fc.integer({ min: -1, max: 6 }), { minLength: 1, maxLength: 3 }),
  passedOver: fc.array(fc.integer({ min: 0, max: 2 }), { minLength: 1, maxLength: 3 }),
  fresh: fc.array(size, { minLength: 9, maxLength: 9 }),
})

function follows(before: Sent, sent: Sent): boolean {
  return sent.epoch === before.epoch && sent.sequence === (before.sequence + before.records) % wrap
}

interface History {
  readonly lost: ModelLog
  readonly later: readonly ModelLog[]
}

/** What stands where, once all producers have lived; in any order among them, each in its own. */
function historyOf(lives: readonly Life[], shuffle: readonly number[], logs: History): void {
  const { lost, later } = logs
  let turn = 0
  const next = (max: number) => shuffle[turn++ % shuffle.length]! % max
  const appendAll = (log: ModelLog, queues: Sent[][]) => {
    const open = queues.filter((queue) => queue.length > 0)
    while (open.length > 0) {
      const i = next(open.length)
      if (next(5) === 0) log.append(batch(-1n, -1, 1 + next(3)))
      log.append(open[i]!.shift()!, next(7) === 0 ? next(9_000) : 0)
      if (open[i]!.length === 0) open.splice(i, 1)
    }
  }
  const states = lives.map((one, i) => {
    let sequence = one.firstSequence
    const send = (records: number, epoch = one.epoch): Sent => {
      const sent = batch(BigInt(100 + i), sequence, records, epoch)
      sequence = (sequence + records) % wrap
      return sent
    }
    const landed = one.landed.map((records) => send(records))
    const due = landed.slice(Math.max(0, landed.length - one.unanswered))
    due.push(...one.missed.map((records) => send(records)))
    let epoch = one.epoch
    const writes = later.map((_, at) => {
      const count = one.writes[at % one.writes.length]!
      if (count < 0) {
        due.length = 0
        epoch++
        sequence = 0
        return [send(2, epoch)]
      }
      const from = one.passedOver[at % one.passedOver.length]!
      while (due.length < from + count) due.push(send(one.fresh[due.length]!, epoch))
      // What is not next is refused.
      const run = due.slice(from, from + count)
      const end = run.findIndex((sent, i) => i > 0 && !follows(run[i - 1]!, sent))
      return due.splice(from, end < 0 ? count : end)
    })
    return { landed, writes }
  })
  appendAll(
    lost,
    states.map(({ landed }) => [...landed]),
  )
  for (const [at, log] of later.entries())
    appendAll(
      log,
      states.map(({ writes }) => [...writes[at]!]),
    )
}

const shuffles = fc.array(fc.nat(), { minLength: 1, maxLength: 60 })

test('of many producers: what stands in a later loglet too is left out, all of it and nothing else', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(life, { minLength: 1, maxLength: 5 }),
      fc.integer({ min: 1, max: 3 }),
      fc.boolean(),
      shuffles,
      async (lives, count, forgets, shuffle) => {
        const lost = new ModelLog(forgets)
        const later = Array.from({ length: count }, () => new ModelLog(forgets))
        historyOf(lives, shuffle, { lost, later })
        const { holes, implausible } = await findRepeated(lost, later, options)
        const again = new Set(later.flatMap((log) => [...log.sent.values()]))
        const expected = [...lost.sent.values()].filter((sent) => sent.producerId < 0n || !again.has(sent))
        expect(left(lost, holes)).toEqual(expected)
        expect(implausible).toBe(0)
      },
    ),
    { numRuns: 400 },
  )
})

test('two lost one after the other, returned in either order: each batch of a producer stands once', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(life, { minLength: 1, maxLength: 4 }),
      fc.boolean(),
      shuffles,
      async (lives, firstReturnsFirst, shuffle) => {
        const [a, b, c] = [new ModelLog(), new ModelLog(), new ModelLog()]
        historyOf(lives, shuffle, { lost: a, later: [b, c] })
        const holes = async (log: ModelLog, later: ModelLog[]) =>
          (await findRepeated(log, later, options)).holes
        const ofB = await holes(b, [c])
        // While b is away only c can be looked at; when it returns, a is compared with it too.
        const early = firstReturnsFirst ? await holes(a, [c]) : []
        const ofA = await holes(a, [b, c])
        const kept = [...left(a, [...ofA]), ...left(b, [...ofB]), ...c.sent.values()]
        const idempotent = kept.filter(({ producerId }) => producerId >= 0n)
        expect(new Set(idempotent).size).toBe(idempotent.length)
        const everything = [a, b, c].flatMap((log) => [...log.sent.values()])
        expect(new Set(kept)).toEqual(new Set(everything))
        // What was left out earlier is left out later too.
        for (const sent of left(a, [...ofA])) expect(left(a, [...early])).toContain(sent)
      },
    ),
    { numRuns: 300 },
  )
})
