import { describe, expect, test } from 'vitest'
import { type CheckOptions, checkHistory } from './checker.ts'
import type { StoredRecord } from './contents.ts'
import type { HistoryEvent } from './event.ts'
import type { Verdict } from './verdict.ts'

// One partition, one producer, one key. Records r0 r1 r2 r3 were acknowledged by a cluster that is lost then, and r4 r5
// r6 by the standby, whose loglet begins at two million.

const topic = 'orders'
const group = 'billing'
const base = 2_000_000n

interface Run {
  events: HistoryEvent[]
  contents: StoredRecord[]
}

let at = 0
const sent = (id: string): HistoryEvent => ({
  type: 'sent',
  at: at++,
  producer: 'p',
  call: Number(id.slice(1)),
  topic,
  keys: ['k'],
  ids: [id],
})
const acknowledged = (id: string, offset: bigint): HistoryEvent => ({
  type: 'acknowledged',
  at: at++,
  producer: 'p',
  call: Number(id.slice(1)),
  partitions: [0],
  offsets: [offset],
})
const assigned = (): HistoryEvent => ({
  type: 'assigned',
  at: at++,
  group,
  member: 'm',
  topic,
  partitions: [0],
})
const received = (...records: readonly (readonly [id: string, offset: bigint])[]): HistoryEvent => ({
  type: 'received',
  at: at++,
  group,
  member: 'm',
  topic,
  partition: 0,
  offsets: records.map(([, offset]) => offset),
  keys: records.map(() => 'k'),
  ids: records.map(([id]) => id),
})
const committed = (offset: bigint, generation = 1): HistoryEvent => ({
  type: 'committed',
  at: at++,
  group,
  member: 'm',
  generation,
  topic,
  partitions: [0],
  offsets: [offset],
})
const stored = (id: string, offset: bigint, ...recoveredOffsets: readonly bigint[]): StoredRecord => ({
  partition: 0,
  offset,
  key: 'k',
  id,
  ...(recoveredOffsets.length > 0 && { recoveredOffsets }),
})

function producing(): HistoryEvent[] {
  return [0n, 1n, 2n, 3n, base, base + 1n, base + 2n].flatMap((offset, index) => [
    sent(`r${index}`),
    acknowledged(`r${index}`, offset),
  ])
}

/** The group waits for the lost loglet, and reads on in order. */
function strictRun(): Run {
  const ids = ['r0', 'r1', 'r2', 'r3', 'r4', 'r5', 'r6']
  const placed = ids.map((id, index) => [id, index < 4 ? BigInt(index) : base + BigInt(index - 4)] as const)
  return {
    events: [...producing(), assigned(), received(...placed)],
    contents: placed.map(([id, offset]) => stored(id, offset)),
  }
}

/** It had committed up to r1 and read r2; then it jumps, and gets r2 and r3 when they are recovered. */
function availableRun(): Run {
  return {
    events: [
      ...producing(),
      assigned(),
      received(['r0', 0n], ['r1', 1n]),
      committed(2n),
      received(['r2', 2n]),
      received(['r4', base], ['r5', base + 1n], ['r6', base + 2n]),
      received(['r2', base + 3n], ['r3', base + 4n]),
    ],
    contents: [
      stored('r0', 0n),
      stored('r1', 1n),
      stored('r4', base),
      stored('r5', base + 1n),
      stored('r6', base + 2n),
      stored('r2', base + 3n, 2n),
      stored('r3', base + 4n, 3n),
    ],
  }
}

/**
 * r4 was written to the lost cluster and read there at offset 4, but its answer was lost: its producer wrote it again.
 * Where it stood first is a hole.
 */
function repeatedRun(): Run {
  const run = strictRun()
  const last = run.events.pop()!
  if (last.type !== 'received') throw new Error('the run does not end with reading')
  const [first, second] = [last.ids.slice(0, 4), last.ids.slice(4)]
  run.events.push(
    { ...last, ids: first, offsets: last.offsets.slice(0, 4), keys: first },
    received(['r4', 4n]),
    { ...last, at: at++, ids: second, offsets: last.offsets.slice(4), keys: second },
  )
  return run
}

function judge(run: Run, options: Partial<CheckOptions>): Verdict {
  return checkHistory(run.events, run.contents, { topic, groups: [group], ...options })
}

function expectOnly(verdict: Verdict, defects: Partial<Verdict>): void {
  const { verdict: word, acknowledged: _, evidence, readTwice: __, ...counts } = verdict
  const found = Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0))
  expect(found, evidence.join('\n')).toEqual(defects)
  expect(word).toBe('broken')
}

describe('a failover that keeps the order', () => {
  test('is clean: gaps are legal', () => {
    expect(judge(strictRun(), { failover: 'strict' })).toMatchObject({
      evidence: [],
      verdict: 'clean',
      readTwice: 0,
    })
    expect(judge(strictRun(), {})).toMatchObject({ evidence: [], verdict: 'clean' })
  })

  test('reordered: what was recovered stands behind what was sent later', () => {
    expectOnly(judge(availableRun(), { failover: 'strict' }), { reordered: 2, offsetsReused: 3 })
  })

  test('lost: the lost cluster came back without its tail', () => {
    const run = strictRun()
    run.contents = run.contents.filter(({ id }) => id !== 'r3')
    expectOnly(judge(run, { failover: 'strict' }), { lost: 1 })
  })

  test('duplicated: a batch that its producer repeated was not left out', () => {
    const run = repeatedRun()
    run.contents.splice(4, 0, stored('r4', 4n))
    expectOnly(judge(run, { failover: 'strict' }), { duplicated: 1 })
  })
})

describe('a record that its producer repeated across a failover', () => {
  test.each(['strict', 'available'] as const)('may be read at both places: %s', (failover) => {
    expect(judge(repeatedRun(), { failover })).toMatchObject({ evidence: [], verdict: 'clean', readTwice: 1 })
  })

  test('offsetsReused: without a failover nothing moves', () => {
    expectOnly(judge(repeatedRun(), {}), { offsetsReused: 1 })
  })

  test('offsetsReused: it stands elsewhere, and no failover lies between', () => {
    const run = strictRun()
    run.contents = run.contents.map((record) => (record.id === 'r3' ? { ...record, offset: 4n } : record))
    expectOnly(judge(run, { failover: 'strict' }), { offsetsReused: 2 })
  })

  test('offsetsReused: it was acknowledged where nothing stands', () => {
    const run = repeatedRun()
    run.events = run.events.map((event) =>
      event.type === 'acknowledged' && event.call === 4 ? { ...event, offsets: [4n] } : event,
    )
    expectOnly(judge(run, { failover: 'strict' }), { offsetsReused: 1 })
  })

  test('offsetsReused: something else stands where it was read', () => {
    const run = repeatedRun()
    run.contents.splice(4, 0, stored('stranger', 4n))
    expectOnly(judge(run, { failover: 'strict', foreign: 'expected' }), { offsetsReused: 1 })
  })
})

describe('a failover that lets readers go on', () => {
  test('is clean when what they skipped is recovered, and counts what they read twice', () => {
    expect(judge(availableRun(), { failover: 'available' })).toMatchObject({
      evidence: [],
      verdict: 'clean',
      readTwice: 1,
    })
  })

  test('a record that was recovered twice was rightly met at each place that it has left', () => {
    const run = availableRun()
    run.contents.splice(
      5,
      2,
      stored('r2', base + 1_000_000n, 2n, base + 3n),
      stored('r3', base + 1_000_001n, 3n, base + 4n),
    )
    run.events.push(received(['r2', base + 1_000_000n], ['r3', base + 1_000_001n]))
    expect(judge(run, { failover: 'available' })).toMatchObject({
      evidence: [],
      verdict: 'clean',
      readTwice: 2,
    })
  })

  test('a record that was read before and not again has been seen', () => {
    const run = availableRun()
    run.events = run.events.map((event) =>
      event.type === 'received' && event.ids[0] === 'r2' && event.ids.length === 2
        ? { ...event, ids: ['r3'], offsets: [base + 4n], keys: ['k'] }
        : event,
    )
    expect(judge(run, { failover: 'available' })).toMatchObject({ verdict: 'clean', readTwice: 0 })
  })

  test('lost: what was skipped is not recovered', () => {
    const run = availableRun()
    run.contents.pop()
    run.events.pop()
    run.events.push(received(['r2', base + 3n]))
    expectOnly(judge(run, { failover: 'available' }), { lost: 1 })
  })

  test('unseen: it is recovered, and the group was never given it', () => {
    const run = availableRun()
    run.events.pop()
    expectOnly(judge(run, { failover: 'available' }), { unseen: 1 })
  })

  test('duplicated: recovered twice, or standing at its old place too', () => {
    const twice = availableRun()
    twice.contents.push(stored('r3', base + 5n, 3n))
    expectOnly(judge(twice, { failover: 'available' }), { duplicated: 1 })
    const both = availableRun()
    both.contents.splice(2, 0, stored('r2', 2n))
    expectOnly(judge(both, { failover: 'available' }), { duplicated: 1 })
  })

  test('offsetsReused: its header names another place, or none', () => {
    const other = availableRun()
    other.contents[6] = stored('r3', base + 4n, 7n)
    expectOnly(judge(other, { failover: 'available' }), { offsetsReused: 1 })
    const none = availableRun()
    none.contents[6] = stored('r3', base + 4n)
    // Without the header it is also out of order.
    expectOnly(judge(none, { failover: 'available' }), { offsetsReused: 1, reordered: 1 })
  })

  test('offsetsReused: something else stands where it was acknowledged', () => {
    const run = availableRun()
    run.contents.splice(2, 0, stored('stranger', 3n))
    expectOnly(judge(run, { failover: 'available', foreign: 'expected' }), { offsetsReused: 1 })
  })

  test('reordered: all that was not recovered keeps its order', () => {
    const run = availableRun()
    const [, , r4, r5] = run.contents
    run.contents[2] = { ...r4!, id: 'r5' }
    run.contents[3] = { ...r5!, id: 'r4' }
    const verdict = judge(run, { failover: 'available' })
    expect(verdict.reordered).toBe(1)
  })

  test('offsetsBack: a reader that is sent back to what it skipped', () => {
    const run = availableRun()
    run.events.pop()
    run.events.push(received(['r3', 3n]), received(['r2', base + 3n], ['r3', base + 4n]))
    expectOnly(judge(run, { failover: 'available' }), { offsetsBack: 1 })
  })
})

describe('a home that was lost', () => {
  /** Commits at 1 and 2, the second just before the loss; then the group starts again at `start`. */
  function homeRun(start: number) {
    const run = strictRun()
    const [reading] = run.events.splice(-1)
    if (reading?.type !== 'received') throw new Error('the run does not end with reading')
    const part = (from: number, to: number) => ({
      ...reading,
      at: at++,
      ids: reading.ids.slice(from, to),
      offsets: reading.offsets.slice(from, to),
      keys: reading.keys.slice(from, to),
    })
    run.events.push(part(0, 3), committed(1n, 7), committed(2n, 7))
    const lostAt = at++
    run.events.push(assigned(), part(start, 7), committed(base + 3n, 1))
    return { run, homeLosses: [{ from: lostAt, to: lostAt, forgottenMaxMs: 2 }] }
  }

  test('may have forgotten what it acknowledged last, and counts generations anew', () => {
    const { run, homeLosses } = homeRun(1)
    expectOnly(judge(run, { failover: 'strict' }), { commitsLost: 1 })
    expect(judge(run, { failover: 'strict', homeLosses })).toMatchObject({ evidence: [], verdict: 'clean' })
  })

  test('commitsLost: it has forgotten an older one', () => {
    const { run, homeLosses } = homeRun(0)
    expectOnly(judge(run, { failover: 'strict', homeLosses }), { commitsLost: 1 })
  })

  test('commitsLost: what was committed on the standby home has to stay', () => {
    const { run, homeLosses } = homeRun(1)
    const finalCommits = [{ group, partition: 0, offset: 2n }]
    expectOnly(judge(run, { failover: 'strict', homeLosses, finalCommits }), { commitsLost: 1 })
  })

  test('commitsLost: one generation of the standby home commits backwards', () => {
    const { run, homeLosses } = homeRun(1)
    run.events.push(committed(base + 1n, 1))
    expectOnly(judge(run, { failover: 'strict', homeLosses }), { commitsLost: 1 })
  })
})
