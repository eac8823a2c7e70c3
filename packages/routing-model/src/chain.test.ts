import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  appendLoglet,
  checkChain,
  DEPTH_MAX,
  locateLoglet,
  reachOf,
  retireFirst,
  startChain,
} from './chain.ts'
import { type Loglet, logicalEnd, toLogical, toPhysical } from './loglet.ts'
import { edges, history, live } from './testing/random-routes.ts'

const orders = { cluster: 'kafka-a', topic: 'orders', partition: 3 }
const refused = (code: string) => expect.objectContaining({ name: 'RoutingError', code })

describe('a chain', () => {
  it('goes on where it was cut, on a fresh physical topic', () => {
    const chain = appendLoglet(startChain(orders), 1200n, { cluster: 'kafka-b', topic: 'orders.x7' })
    expect(chain).toEqual([
      { ...orders, start: 0n, end: 1200n, base: 0n },
      { cluster: 'kafka-b', topic: 'orders.x7', partition: 3, start: 0n, base: 1200n },
    ])
  })

  it('is legal after any series of moves, gaps and retirements', () => {
    fc.assert(
      fc.property(history, (story) => {
        for (const chain of live(story).chains) {
          checkChain(chain)
          expect(
            chain.slice(0, -1).every(({ end, away }) => end !== undefined || away?.state === 'lost'),
          ).toBe(true)
        }
      }),
    )
  })

  it('keeps the offset of every record through every later move', () => {
    fc.assert(
      fc.property(history, fc.nat(), (story, pick) => {
        const before = live({ ...story, steps: story.steps.slice(0, pick % (story.steps.length + 1)) })
        const after = live(story)
        for (const [p, chain] of before.chains.entries()) {
          for (const loglet of chain) {
            const later = after.chains[p]!.find(
              ({ cluster, topic }) => cluster === loglet.cluster && topic === loglet.topic,
            )
            if (later === undefined) continue // retired
            expect([later.start, later.base]).toEqual([loglet.start, loglet.base])
            if (loglet.end !== undefined) expect(later.end).toBe(loglet.end)
          }
        }
      }),
    )
  })
})

describe('translation', () => {
  it('round-trips inside a loglet and refuses what is outside', () => {
    fc.assert(
      fc.property(history, (story) => {
        const { chains } = live(story)
        for (const chain of chains) {
          for (const offset of edges([chain])) {
            for (const loglet of chain) {
              const end = logicalEnd(loglet)
              if (offset >= loglet.base && (end === undefined || offset < end)) {
                expect(toLogical(loglet, toPhysical(loglet, offset))).toBe(offset)
              } else {
                expect(() => toPhysical(loglet, offset)).toThrow(refused('OUT_OF_RANGE'))
              }
            }
          }
        }
      }),
    )
  })

  it('is monotonic: a later record never has a lower offset, also across cuts', () => {
    fc.assert(
      fc.property(history, (story) => {
        for (const chain of live(story).chains) {
          let last = -1n
          for (const [index, loglet] of chain.entries()) {
            // What a lost one may hold is bounded by the next.
            const reach = reachOf(chain, index)
            const end = reach === undefined ? loglet.start + 3n : reach - loglet.base + loglet.start
            const physical = [loglet.start, loglet.start + 1n, end - 1n].filter(
              (at, i, all) => at >= loglet.start && at < end && all.indexOf(at) === i,
            )
            for (const at of physical) {
              const logical = toLogical(loglet, at)
              expect(logical > last).toBe(true)
              last = logical
            }
          }
        }
      }),
    )
  })

  it('gives a stray beyond the cut no offset', () => {
    const [sealed] = appendLoglet(startChain(orders), 10n, { cluster: 'kafka-b', topic: 'orders.1' })
    expect(toLogical(sealed!, 9n)).toBe(9n)
    expect(() => toLogical(sealed!, 10n)).toThrow(refused('OUT_OF_RANGE'))
  })
})

describe('locateLoglet', () => {
  // orders-3: [0, 10) sealed, a gap to 100, [100, 100) sealed and empty, open from 100
  const gapped = [
    { ...orders, start: 5n, end: 15n, base: 0n },
    { ...orders, topic: 'orders.1', start: 0n, end: 0n, base: 100n },
    { ...orders, topic: 'orders.2', start: 0n, base: 100n },
  ]

  it.each([
    [-1n, 0],
    [0n, 0],
    [9n, 0],
    [10n, 2],
    [99n, 2],
    [100n, 2],
    [2n ** 62n, 2],
  ])('finds offset %s in loglet %i', (offset, index) => {
    expect(locateLoglet(gapped, offset)).toBe(index)
  })

  it('never sends a reader back, and never past a record', () => {
    fc.assert(
      fc.property(history, (story) => {
        for (const chain of live(story).chains) {
          let last = 0
          for (const offset of edges([chain]).toSorted((a, b) => (a < b ? -1 : 1))) {
            const found = locateLoglet(chain, offset)
            expect(found).toBeGreaterThanOrEqual(last)
            for (const [index, skipped] of chain.slice(0, found).entries()) {
              const reach = reachOf(chain, index)!
              expect(reach === skipped.base || reach <= offset).toBe(true)
            }
            last = found
          }
        }
      }),
    )
  })
})

describe('a bad chain', () => {
  const sealed: Loglet = { ...orders, start: 0n, end: 10n, base: 0n }
  const open: Loglet = { ...orders, cluster: 'kafka-b', topic: 'orders.1', start: 0n, base: 10n }

  it.each<[string, Loglet[], string]>([
    ['empty', [], 'BAD_CHAIN'],
    ['sealed at the end', [sealed], 'BAD_CHAIN'],
    ['open in the middle', [{ ...orders, start: 0n, base: 0n }, open], 'BAD_CHAIN'],
    ['overlapping', [sealed, { ...open, base: 9n }], 'BAD_CHAIN'],
    ['ending before it starts', [{ ...sealed, start: 11n }, open], 'BAD_CHAIN'],
    ['of two partitions', [sealed, { ...open, partition: 4 }], 'BAD_CHAIN'],
    ['using a physical topic twice', [sealed, { ...orders, start: 10n, base: 10n }], 'TOPIC_REUSED'],
    ['below zero', [{ ...open, base: -1n }], 'BAD_OFFSET'],
    ['beyond 64 bits', [{ ...open, base: 2n ** 63n }], 'BAD_OFFSET'],
  ])('%s is refused', (_, chain, code) => {
    expect(() => checkChain(chain)).toThrow(refused(code))
  })

  it('is refused before it is made', () => {
    const next = { cluster: 'kafka-b', topic: 'orders.1' }
    const chain = appendLoglet(startChain(orders), 10n, next)
    expect(() => appendLoglet(chain, -1n, { ...next, topic: 'orders.2' })).toThrow(refused('BAD_CUT'))
    expect(() => appendLoglet(chain, 1n, { ...next, topic: 'orders.2' }, -1n)).toThrow(refused('BAD_CUT'))
    expect(() => appendLoglet(chain, 1n, next)).toThrow(refused('TOPIC_REUSED'))
    expect(() => retireFirst(startChain(orders))).toThrow(refused('BAD_CHAIN'))
  })

  it('longer than any sane one is refused', () => {
    const chain = Array.from({ length: DEPTH_MAX + 1 }, (_, i): Loglet => {
      const loglet = { ...orders, topic: `orders.${i}`, start: 0n, base: 0n }
      return i === DEPTH_MAX ? loglet : { ...loglet, end: 0n }
    })
    checkChain(chain.slice(1))
    expect(() => checkChain(chain)).toThrow(refused('BAD_CHAIN'))
  })
})
