import type { Loglet } from '@braid/routing-model'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type HolesOf, lagOf } from './lag-of.ts'

/** A partition as the sum of its records: logical offsets, written down one by one. */
interface World {
  readonly chain: Loglet[]
  readonly ends: (bigint | undefined)[]
  readonly starts: bigint[]
  readonly holes: HolesOf
  /** Of every record that is there and part of the topic. */
  readonly offsets: bigint[]
  readonly places: { loglet: number; physical: bigint }[]
}

interface Piece {
  start: number
  length: number
  gapBefore: number
  deleted: number
  holes: [number, number][]
  away: boolean
}

const piece = fc.record({
  start: fc.nat(5),
  length: fc.nat(12),
  gapBefore: fc.nat(6),
  deleted: fc.nat(14),
  holes: fc.array(fc.tuple(fc.nat(12), fc.nat(4)), { maxLength: 2 }),
  away: fc.boolean(),
})

function worldOf(pieces: readonly Piece[]): World {
  const chain: Loglet[] = []
  const ends: (bigint | undefined)[] = []
  const starts: bigint[] = []
  const offsets: bigint[] = []
  const places: World['places'] = []
  const inHole: ((physical: bigint) => boolean)[] = []
  let base = 0n
  for (const [index, { start, length, gapBefore, deleted, holes, away }] of pieces.entries()) {
    if (index > 0) base += BigInt(gapBefore)
    const first = BigInt(start)
    const end = first + BigInt(length)
    const isActive = index === pieces.length - 1
    const logStart = first + BigInt(Math.min(deleted, length + 2))
    const isIn = (physical: bigint) =>
      holes.some(([from, n]) => physical >= first + BigInt(from) && physical < first + BigInt(from + n))
    chain.push({
      cluster: `c${index}`,
      topic: `t${index}`,
      partition: 0,
      start: first,
      base,
      ...(!isActive && !away && { end }),
      ...(!isActive && away && { away: { state: 'lost', readers: 'wait' } as const }),
    })
    ends.push(isActive || away ? end : undefined)
    starts.push(logStart)
    inHole.push(isIn)
    for (let physical = first; physical < end; physical++) {
      if (physical < logStart || isIn(physical)) continue
      offsets.push(base + physical - first)
      places.push({ loglet: index, physical })
    }
    base += BigInt(length)
  }
  const holes: HolesOf = {
    within: (loglet, from, to) => {
      let count = 0n
      for (let physical = from; physical < to; physical++) if (inHole[loglet]!(physical)) count++
      return count
    },
    past: (loglet, physical) => {
      let at = physical
      while (inHole[loglet]!(at)) at++
      return at
    },
  }
  return { chain, ends, starts, holes, offsets, places }
}

describe('lag over a chain', () => {
  test('is what one counts when every record is written down', () => {
    fc.assert(
      fc.property(
        fc.array(piece, { minLength: 1, maxLength: 5 }),
        fc.integer({ min: 0, max: 70 }),
        (pieces, at) => {
          const { chain, ends, starts, holes, offsets, places } = worldOf(pieces)
          const committed = BigInt(at)
          const unread = offsets.flatMap((offset, i) => (offset >= committed ? [places[i]!] : []))
          const lag = lagOf(chain, ends, starts, committed, holes)
          expect(lag.records).toBe(BigInt(unread.length))
          expect(lag.firstUnread).toEqual(unread[0])
        },
      ),
      { numRuns: 2_000 },
    )
  })

  const sealed: Loglet = { cluster: 'a', topic: 'x', partition: 0, start: 0n, end: 100n, base: 0n }
  const active: Loglet = { cluster: 'b', topic: 'y', partition: 0, start: 0n, base: 1_000_000n }

  test('does not count the gap that a failover leaves', () => {
    expect(lagOf([sealed, active], [undefined, 7n], [0n, 0n], 90n).records).toBe(17n)
    expect(lagOf([sealed, active], [undefined, 7n], [0n, 0n], 100n).records).toBe(7n)
  })

  test('a commit in a gap counts what follows', () => {
    expect(lagOf([sealed, active], [undefined, 7n], [0n, 0n], 500_000n)).toEqual({
      records: 7n,
      firstUnread: { loglet: 1, physical: 0n },
      partial: false,
    })
  })

  test('a commit that retention has overtaken begins at the log start', () => {
    expect(lagOf([sealed, active], [undefined, 7n], [60n, 0n], 10n).records).toBe(47n)
  })

  test('nothing is left at the end, and beyond it', () => {
    expect(lagOf([sealed, active], [undefined, 7n], [0n, 0n], 1_000_007n).records).toBe(0n)
    expect(lagOf([sealed, active], [undefined, 7n], [0n, 0n], 1_000_900n).records).toBe(0n)
  })

  test('a lost loglet counts up to what was last known of it, and says so', () => {
    const { end: _, ...open } = sealed
    const lost: Loglet = { ...open, away: { state: 'lost', readers: 'wait' } }
    expect(lagOf([lost, active], [40n, 7n], [0n, 0n], 10n)).toMatchObject({ records: 37n, partial: true })
    expect(lagOf([lost, active], [undefined, 7n], [undefined, 0n], 10n)).toMatchObject({
      records: 7n,
      partial: true,
    })
    expect(lagOf([lost, active], [40n, 7n], [0n, 0n], 1_000_000n).partial).toBe(false)
  })

  test('an active loglet that was never asked is no lag of zero that one may trust', () => {
    expect(lagOf([active], [undefined], [undefined], 1_000_000n)).toMatchObject({
      records: 0n,
      partial: true,
    })
  })
})
