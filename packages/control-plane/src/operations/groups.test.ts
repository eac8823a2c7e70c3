import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { MoveRow } from '../store/operation-queries.ts'
import { nextGroups } from './groups.ts'

const move = (number: number, change: Partial<MoveRow> = {}): MoveRow => ({
  number,
  tenant: 'default',
  topic: `t${number}`,
  from: 'a',
  to: 'b',
  reason: 'a is drained',
  state: 'waiting',
  alone: false,
  migration: null,
  error: null,
  ...change,
})

const said = (waiting: MoveRow[], topicsMax: number, partitions = 1) =>
  nextGroups(waiting, () => partitions, { topicsMax, partitionsMax: 4 }).map(
    ({ tenant, from, to, moves }) => `${tenant} ${from}>${to}: ${moves.map(({ topic }) => topic).join(' ')}`,
  )

test('topics with the same way move as one, in the order of the plan, as many as may begin', () => {
  const waiting = [move(1), move(2, { to: 'c' }), move(3), move(4, { tenant: 'shop' }), move(5)]
  expect(said(waiting, 4)).toEqual(['default a>b: t1 t3', 'default a>c: t2', 'shop a>b: t4'])
  expect(said(waiting, 0)).toEqual([])
})

test('a group has so many partitions, and a topic with more is a group of its own', () => {
  expect(said([move(1), move(2), move(3)], 10, 2)).toEqual(['default a>b: t1 t2', 'default a>b: t3'])
  expect(said([move(1), move(2)], 10, 9)).toEqual(['default a>b: t1', 'default a>b: t2'])
})

test('one whose group failed goes alone', () => {
  const waiting = [move(1, { alone: true }), move(2), move(3, { alone: true }), move(4)]
  expect(said(waiting, 10)).toEqual(['default a>b: t1', 'default a>b: t2 t4', 'default a>b: t3'])
})

test('each of the first that wait is in one group, and no other', () => {
  const moves = fc.array(
    fc.record({ to: fc.constantFrom('b', 'c'), tenant: fc.constantFrom('x', 'y'), alone: fc.boolean() }),
  )
  fc.assert(
    fc.property(moves, fc.nat(20), fc.integer({ min: 1, max: 5 }), (changes, topicsMax, partitions) => {
      const waiting = changes.map((change, i) => move(i + 1, change))
      const groups = nextGroups(waiting, () => partitions, { topicsMax, partitionsMax: 6 })
      const numbers = groups.flatMap((group) => group.moves.map(({ number }) => number)).sort((a, b) => a - b)
      expect(numbers).toEqual(waiting.slice(0, topicsMax).map(({ number }) => number))
      for (const { tenant, to, moves } of groups) {
        expect(moves.length === 1 || moves.length * partitions <= 6).toBe(true)
        expect(moves.length === 1 || moves.every(({ alone }) => !alone)).toBe(true)
        expect(moves.every((each) => each.tenant === tenant && each.to === to)).toBe(true)
      }
    }),
  )
})
