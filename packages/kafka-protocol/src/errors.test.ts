import { expect, test } from 'vitest'
import { errorCodes, errorName, errors, isRetriable, NO_ERROR } from './errors.ts'

test('a code has one name, and the name that code', () => {
  const codes = Object.values(errors).map(({ code }) => code)
  expect(new Set(codes).size).toBe(codes.length)
  for (const [name, { code }] of Object.entries(errors)) expect(errorName(code)).toBe(name)
})

test('the ones that the data plane turns on', () => {
  expect(NO_ERROR).toBe(0)
  expect(errorCodes.UNKNOWN_SERVER_ERROR).toBe(-1)
  expect(errorCodes.CORRUPT_MESSAGE).toBe(2)
  expect(errorCodes.NOT_LEADER_OR_FOLLOWER).toBe(6)
  expect(errorCodes.MESSAGE_TOO_LARGE).toBe(10)
  expect(errorCodes.OUT_OF_ORDER_SEQUENCE_NUMBER).toBe(45)
  expect(isRetriable(errorCodes.NOT_LEADER_OR_FOLLOWER)).toBe(true)
  expect(isRetriable(errorCodes.MESSAGE_TOO_LARGE)).toBe(false)
})

test('a code of tomorrow has a name for people and is not retried', () => {
  expect(errorName(4242)).toBe('ERROR_4242')
  expect(isRetriable(4242)).toBe(false)
})
