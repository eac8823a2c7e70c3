import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type CheckOptions, checkHistory } from './checker.ts'
import type { FinalCommit, StoredRecord } from './contents.ts'
import type { AcknowledgedEvent, HistoryEvent, ReceivedEvent } from './event.ts'
import type { Verdict } from './verdict.ts'

interface Run {
  events: HistoryEvent[]
  contents: StoredRecord[]
  finalCommits: FinalCommit[]
}

interface Shape {
  producers: number
  keysPerProducer: number
  partitions: number
  /** For each call: which producer, and the keys of its records. */
  calls: readonly { producer: number; keys: readonly number[]; gap: number }[]
}

const topic = 'orders'
const group = 'billing'

/**
 * A history in which nothing goes wrong: calls are written one after the other, a group of two reads all of it, with
 * one rebalance in the middle that repeats what was not committed.
 */
function cleanRun(shape: Shape): Run {
  const events: HistoryEvent[] = []
  const contents: StoredRecord[] = []
  const ends = Array.from({ length: shape.partitions }, () => 0n)
  let at = 0
  shape.calls.forEach(({ producer, keys, gap }, call) => {
    const name = `p${producer % shape.producers}`
    const records = keys.map((key, index) => ({
      key: `${name}-k${key % shape.keysPerProducer}`,
      partition: (producer + key) % shape.partitions,
      id: `${name}:${call}:${index}`,
    }))
    events.push({
      type: 'sent',
      at: at++,
      producer: name,
      call,
      topic,
      keys: records.map((record) => record.key),
      ids: records.map((record) => record.id),
    })
    // A failover leaves a gap in the offsets; gaps are legal.
    const offsets = records.map((record, index) => {
      const offset = ends[record.partition]! + (index === 0 ? BigInt(gap) : 0n)
      ends[record.partition] = offset + 1n
      contents.push({ partition: record.partition, offset, key: record.key, id: record.id })
      return offset
    })
    events.push({
      type: 'acknowledged',
      at: at++,
      producer: name,
      call,
      partitions: records.map((record) => record.partition),
      offsets,
    })
  })
  contents.sort((left, right) => left.partition - right.partition || Number(left.offset - right.offset))

  const finalCommits: FinalCommit[] = []
  const ofPartition = (partition: number) => contents.filter((record) => record.partition === partition)
  const received = (member: string, partition: number, records: readonly StoredRecord[]): ReceivedEvent => ({
    type: 'received',
    at: at++,
    group,
    member,
    topic,
    partition,
    offsets: records.map((record) => record.offset),
    keys: records.map((record) => record.key),
    ids: records.map((record) => record.id),
  })
  const partitions = Array.from({ length: shape.partitions }, (_, partition) => partition)
  events.push({ type: 'assigned', at: at++, group, member: 'm1', topic, partitions })
  const committed = new Map<number, bigint>()
  for (const partition of partitions) {
    const records = ofPartition(partition)
    const read = records.slice(0, Math.ceil(records.length / 2))
    if (read.length === 0) continue
    events.push(received('m1', partition, read))
    // The last one read is not committed, so the next generation gets it once more.
    const position = read.at(-1)!.offset
    committed.set(partition, position)
    events.push({
      type: 'committed',
      at: at++,
      group,
      member: 'm1',
      generation: 1,
      topic,
      partitions: [partition],
      offsets: [position],
    })
  }
  for (const member of ['m1', 'm2']) {
    const half = partitions.filter((partition) => partition % 2 === (member === 'm1' ? 0 : 1))
    events.push({ type: 'assigned', at: at++, group, member, topic, partitions: half })
    for (const partition of half) {
      const rest = ofPartition(partition).filter(
        (record) => record.offset >= (committed.get(partition) ?? 0n),
      )
      if (rest.length === 0) continue
      events.push(received(member, partition, rest))
      const end = rest.at(-1)!.offset + 1n
      events.push({
        type: 'committed',
        at: at++,
        group,
        member,
        generation: 2,
        topic,
        partitions: [partition],
        offsets: [end],
      })
      finalCommits.push({ group, partition, offset: end })
    }
  }
  return { events, contents, finalCommits }
}

/** Six records of two producers: k0 and k1 of p0 in partition 0 and 1, k0 of p1 in partition 1. */
function smallRun(): Run {
  return cleanRun({
    producers: 2,
    keysPerProducer: 2,
    partitions: 2,
    calls: [
      { producer: 0, keys: [0, 1], gap: 0 },
      { producer: 1, keys: [0], gap: 0 },
      { producer: 0, keys: [0, 0], gap: 0 },
      { producer: 1, keys: [0], gap: 0 },
      { producer: 0, keys: [0], gap: 0 },
    ],
  })
}

function judge(run: Run, options: Partial<CheckOptions> = {}): Verdict {
  return checkHistory(run.events, run.contents, {
    topic,
    groups: [group],
    finalCommits: run.finalCommits,
    ...options,
  })
}

const noDefects = {
  lost: 0,
  duplicated: 0,
  reordered: 0,
  offsetsBack: 0,
  offsetsReused: 0,
  commitsLost: 0,
  unseen: 0,
  foreign: 0,
  errors: 0,
  readTwice: 0,
}

function expectOnly(verdict: Verdict, defects: Partial<typeof noDefects>): void {
  const { verdict: word, acknowledged: _, evidence, ...counts } = verdict
  expect(counts).toEqual({ ...noDefects, ...defects })
  expect(word).toBe('broken')
  for (const kind of Object.keys(defects)) {
    expect(evidence.filter((line) => line.startsWith(`${kind}: `))).not.toEqual([])
  }
}

function acknowledgement(run: Run, call: number): AcknowledgedEvent {
  return run.events.find((event) => event.type === 'acknowledged' && event.call === call) as AcknowledgedEvent
}

/** What was read of one record, everywhere: the offsets and ids of `received` are kept in step with the contents. */
function editReceived(
  run: Run,
  edit: (id: string, offset: bigint) => { id: string; offset: bigint } | undefined,
) {
  run.events = run.events.map((event) => {
    if (event.type !== 'received') return event
    const kept = event.ids.flatMap((id, index) => {
      const edited = edit(id, event.offsets[index]!)
      return edited === undefined ? [] : [{ ...edited, key: event.keys[index]! }]
    })
    return {
      ...event,
      ids: kept.map(({ id }) => id),
      keys: kept.map(({ key }) => key),
      offsets: kept.map(({ offset }) => offset),
    }
  })
}

describe('a clean history', () => {
  test('is found clean', () => {
    const verdict = judge(smallRun())
    expect(verdict).toEqual({ verdict: 'clean', acknowledged: 7, ...noDefects, evidence: [] })
  })

  test('is found clean, whatever its calls, keys, partitions and gaps', () => {
    const shapes = fc.record({
      producers: fc.integer({ min: 1, max: 4 }),
      keysPerProducer: fc.integer({ min: 1, max: 4 }),
      partitions: fc.integer({ min: 1, max: 6 }),
      calls: fc.array(
        fc.record({
          producer: fc.nat(3),
          keys: fc.array(fc.nat(3), { minLength: 1, maxLength: 5 }),
          gap: fc.constantFrom(0, 0, 0, 1_000_000),
        }),
        { minLength: 1, maxLength: 60 },
      ),
    })
    fc.assert(
      fc.property(shapes, (shape) => {
        const verdict = judge(cleanRun(shape))
        expect(verdict.evidence).toEqual([])
        expect(verdict.verdict).toBe('clean')
      }),
    )
  })

  test('needs something acknowledged: an idle run proves nothing', () => {
    const verdict = checkHistory([], [], { topic })
    expect(verdict.verdict).toBe('broken')
    expect(verdict.evidence).toEqual(['nothing was acknowledged, so nothing was tested'])
  })

  test('is judged by time, however the events of several processes were put together', () => {
    const run = smallRun()
    run.events.reverse()
    expect(judge(run).evidence).toEqual([])
  })

  test('may hold a record whose producer never got an answer, or not', () => {
    const run = smallRun()
    run.events = run.events.filter((event) => !(event.type === 'acknowledged' && event.call === 4))
    expect(judge(run).verdict).toBe('clean')
    run.contents = run.contents.filter(({ id }) => id !== 'p0:4:0')
    editReceived(run, (id, offset) => (id === 'p0:4:0' ? undefined : { id, offset }))
    expect(judge(run).verdict).toBe('clean')
  })
})

describe('a planted defect is found, and only that', () => {
  test('lost: acknowledged and not in the topic, though a consumer saw it', () => {
    const run = smallRun()
    run.contents = run.contents.filter(({ id }) => id !== 'p0:2:1')
    expectOnly(judge(run), { lost: 1 })
  })

  test('lost: every one of them', () => {
    const run = smallRun()
    run.contents = []
    expectOnly(judge(run), { lost: 7 })
  })

  test('duplicated: the record of an idempotent producer twice', () => {
    const run = smallRun()
    const last = run.contents.findLast(({ partition }) => partition === 0)!
    run.contents.push({ ...last, offset: last.offset + 1n, id: 'p0:2:0' })
    expectOnly(judge(run), { duplicated: 1 })
    expect(judge(run, { idempotent: false }).reordered).toBe(1)
  })

  test('duplicated is allowed without idempotence, if the producer had not gone on', () => {
    const run = smallRun()
    const last = run.contents.findLast(({ partition }) => partition === 0)!
    run.contents.push({ ...last, offset: last.offset + 1n })
    expectOnly(judge(run), { duplicated: 1 })
    expect(judge(run, { idempotent: (producer) => producer !== 'p0' }).verdict).toBe('clean')
  })

  test('reordered: two records of one key change places in the broker', () => {
    const run = smallRun()
    const [one, two] = ['p0:0:0', 'p0:2:0'].map((id) => run.contents.find((record) => record.id === id)!)
    const offsets = { [one!.id]: two!.offset, [two!.id]: one!.offset }
    const other = { [one!.id]: two!.id, [two!.id]: one!.id }
    run.contents = run.contents.map((record) => ({ ...record, id: other[record.id] ?? record.id }))
    editReceived(run, (id, offset) => ({ id: other[id] ?? id, offset }))
    acknowledgement(run, 0).offsets = [offsets[one!.id]!, acknowledgement(run, 0).offsets[1]!]
    acknowledgement(run, 2).offsets = [offsets[two!.id]!, acknowledgement(run, 2).offsets[1]!]
    expectOnly(judge(run), { reordered: 1 })
    expect(judge(run, { idempotent: false }).reordered).toBe(1)
  })

  test('offsetsBack: a member reads again what it has read, with no rebalance between', () => {
    const run = smallRun()
    const received = run.events.findLast((event) => event.type === 'received')!
    run.events.push({ ...received, at: 1_000 })
    // One step back, however much is read again from there.
    expectOnly(judge(run), { offsetsBack: 1 })
  })

  test('offsetsBack: the topic itself reads backwards', () => {
    const run = smallRun()
    run.contents.push(run.contents.shift()!)
    const verdict = judge(run)
    expect(verdict.offsetsBack).toBe(1)
  })

  test('offsetsReused: another record stands where one was acknowledged', () => {
    const run = smallRun()
    const acknowledged = acknowledgement(run, 1)
    acknowledged.offsets = [acknowledged.offsets[0]! + 1n]
    expectOnly(judge(run), { offsetsReused: 1 })
  })

  test('offsetsReused: a consumer read something else at that offset', () => {
    const run = smallRun()
    let done = false
    editReceived(run, (id, offset) => {
      if (done || id !== 'p0:0:0') return { id, offset }
      done = true
      return { id: 'p0:2:0', offset }
    })
    // The group meets p0:0:0 nowhere now, which is a second, true finding.
    expectOnly(judge(run), { offsetsReused: 1, unseen: 1 })
  })

  test('offsetsReused: two records at one offset', () => {
    const run = smallRun()
    const first = run.contents[0]!
    run.contents.splice(1, 0, { ...first, id: 'stranger' })
    expectOnly(judge(run, { foreign: 'expected' }), { offsetsReused: 1 })
  })

  test('offsetsReused: a consumer read what is no longer there, and was never acknowledged', () => {
    const run = smallRun()
    run.events = run.events.filter((event) => !(event.type === 'acknowledged' && event.call === 4))
    run.contents = run.contents.filter(({ id }) => id !== 'p0:4:0')
    expectOnly(judge(run), { offsetsReused: 1 })
  })

  test('commitsLost: a member starts before what the group had committed', () => {
    const run = smallRun()
    let assignments = 0
    run.events = run.events.map((event) => {
      if (event.type === 'assigned') assignments++
      if (event.type !== 'received' || assignments !== 2 || event.partition !== 0) return event
      const all = run.contents.filter(({ partition }) => partition === 0)
      return {
        ...event,
        offsets: all.map(({ offset }) => offset),
        keys: all.map(({ key }) => key),
        ids: all.map(({ id }) => id),
      }
    })
    expectOnly(judge(run), { commitsLost: 1 })
  })

  test('commitsLost: one generation commits backwards', () => {
    const run = smallRun()
    run.events.push({
      type: 'committed',
      at: 1_000,
      group,
      member: 'm1',
      generation: 2,
      topic,
      partitions: [0],
      offsets: [0n],
    })
    expectOnly(judge(run), { commitsLost: 1 })
  })

  test('commitsLost: the coordinator has forgotten', () => {
    const run = smallRun()
    run.finalCommits[0] = { ...run.finalCommits[0]!, offset: -1n }
    expectOnly(judge(run), { commitsLost: 1 })
  })

  test('unseen: the group never got a record', () => {
    const run = smallRun()
    editReceived(run, (id, offset) => (id === 'p1:3:0' ? undefined : { id, offset }))
    expectOnly(judge(run), { unseen: 1 })
  })

  test('unseen: a group that never joined', () => {
    expectOnly(judge(smallRun(), { groups: ['absent'] }), { unseen: 7 })
  })

  test('foreign: a record that nobody sent', () => {
    const run = smallRun()
    run.contents.push({ partition: 1, offset: 1_000n, key: 'k', id: 'stranger' })
    expectOnly(judge(run), { foreign: 1 })
    expect(judge(run, { foreign: 'expected' }).verdict).toBe('clean')
  })

  test('errors: a call that a client gave up, and what a client reports', () => {
    const run = smallRun()
    run.events.push(
      { type: 'sent', at: 1_000, producer: 'p0', call: 99, topic, keys: ['k'], ids: ['given up'] },
      { type: 'failed', at: 1_001, producer: 'p0', call: 99, error: 'The producer is fenced' },
      { type: 'error', at: 1_002, client: 'm1', error: 'crashed' },
    )
    expectOnly(judge(run), { errors: 2 })
  })

  test('evidence stays short, however much is wrong', () => {
    const verdict = judge({ ...smallRun(), contents: [] }, { evidenceMax: 2 })
    expect(verdict.lost).toBe(7)
    expect(verdict.evidence).toHaveLength(2)
  })
})

test('an id that is sent twice is a mistake of the test itself', () => {
  const run = smallRun()
  run.events.push({ ...run.events[0]!, at: 1_000 })
  expect(() => judge(run)).toThrow(/sent twice/)
})
