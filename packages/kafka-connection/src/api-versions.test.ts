import { apiVersions, fetch, produce } from '@braid/kafka-protocol'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  answerBodyAt,
  BrokerVersions,
  hasFlexibleAnswer,
  hasFlexibleRequest,
  isKnownApi,
} from './api-versions.ts'

describe('versions', () => {
  const broker = new BrokerVersions([
    { apiKey: 0, minVersion: 3, maxVersion: 7 },
    { apiKey: 1, minVersion: 13, maxVersion: 18 },
    { apiKey: 900, minVersion: 0, maxVersion: 1 },
  ])
  test('the highest that both speak', () => expect(broker.highestCommon(produce, 100)).toBe(7))
  test('a cap holds', () => expect(broker.highestCommon(produce, 5)).toBe(5))
  test('below the lowest there is none', () => expect(broker.highestCommon(produce, 2)).toBe(-1))
  test('no common version', () => {
    expect(broker.highestCommon(fetch, 100)).toBe(-1)
    expect(broker.describe(fetch.key)).toBe('speaks 13 to 18')
  })
  test('not offered', () => {
    expect(broker.highestCommon(apiVersions, 100)).toBe(-1)
    expect(broker.describe(apiVersions.key)).toBe('does not offer it')
  })
})

describe('headers', () => {
  test('ApiVersions is answered without tags in every version', () => {
    expect(hasFlexibleRequest(18, 3)).toBe(true)
    expect(hasFlexibleAnswer(18, 3)).toBe(false)
  })
  test('Produce has tags from version 9', () => {
    expect([8, 9].map((v) => [hasFlexibleRequest(0, v), hasFlexibleAnswer(0, v)])).toEqual([
      [false, false],
      [true, true],
    ])
  })
  test('an API that is not defined is not known', () => {
    expect([0, 18, 99, 127, 128, -1].map(isKnownApi)).toEqual([true, true, false, false, false, false])
  })
  test('the body starts behind the tags', () => {
    const frame = Buffer.from([0, 0, 0, 1, /* two tags */ 2, 0, 2, 9, 9, 5, 1, 9, /* body */ 42])
    expect(answerBodyAt(frame, true)).toBe(12)
    expect(answerBodyAt(frame, false)).toBe(4)
    expect(answerBodyAt(Buffer.from([0, 0, 0, 1, 0, 42]), true)).toBe(5)
  })
  test.each([
    ['missing', [0, 0, 0, 1]],
    ['cut', [0, 0, 0, 1, 1, 0]],
    ['longer than the frame', [0, 0, 0, 1, 1, 0, 100, 1]],
    ['a count that does not end', [0, 0, 0, 1, 255, 255, 255, 255, 255, 255]],
    ['a huge count', [0, 0, 0, 1, 255, 255, 255, 255, 15, 0, 0]],
  ])('tags that are %s do not parse', (_, bytes) => {
    expect(answerBodyAt(Buffer.from(bytes), true)).toBe(-1)
  })
  test('no bytes lead outside the frame', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 4, maxLength: 40 }), (bytes) => {
        const at = answerBodyAt(Buffer.from(bytes), true)
        expect(at === -1 || (at >= 5 && at <= bytes.length)).toBe(true)
      }),
    )
  })
})
