import { expect, test } from 'vitest'
import { holesWithCopied } from './copied-before.ts'

const copied = new Map([[0, { from: 50n, to: 80n }]])

test('what was copied on when it returned before is left out, where it is cut before that now', () => {
  expect(holesWithCopied({}, [30n], copied)).toEqual({ 0: ['50', '80'] })
  expect(holesWithCopied({ 0: ['40', '50'] }, [30n], copied)).toEqual({ 0: ['40', '80'] })
})

test('where it is cut as before, or nothing was copied, nothing more is left out', () => {
  expect(holesWithCopied({}, [50n], copied)).toEqual({})
  expect(holesWithCopied({}, [30n], new Map([[0, { from: 50n, to: 50n }]]))).toEqual({})
  expect(holesWithCopied({ 1: ['1', '2'] }, [30n], new Map())).toEqual({ 1: ['1', '2'] })
})
