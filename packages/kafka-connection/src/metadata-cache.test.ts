import { errorCodes } from '@braid/kafka-protocol'
import { beforeEach, describe, expect, test } from 'vitest'
import { MetadataCache } from './metadata-cache.ts'

/** leader, or [leader, epoch], by partition */
type Leader = number | readonly [number, number]
const described = (name: string, leaders: readonly Leader[], topicId = 'id-1', errorCode = 0) => ({
  errorCode,
  name,
  topicId,
  isInternal: false,
  topicAuthorizedOperations: 0,
  partitions: leaders.map((leader, partitionIndex) => ({
    errorCode: 0,
    partitionIndex,
    leaderId: typeof leader === 'number' ? leader : leader[0],
    leaderEpoch: typeof leader === 'number' ? -1 : leader[1],
    replicaNodes: [],
    isrNodes: [],
    offlineReplicas: [],
  })),
})

let cache: MetadataCache
const leaders = (topic: string) =>
  Array.from({ length: cache.partitionCount(topic) }, (_, partition) => cache.leader(topic, partition))
beforeEach(() => {
  cache = new MetadataCache(3)
})

describe('the metadata cache', () => {
  test('what was never heard of is not known', () => {
    expect([cache.leader('t', 0), cache.partitionCount('t')]).toEqual([-1, -1])
  })

  test('partitions in any order, and none beyond them', () => {
    const answer = described('t', [1, 2, 3])
    answer.partitions.reverse()
    expect(cache.apply(answer)).toEqual({ kind: 'complete' })
    expect([0, 1, 2, 3, -1].map((partition) => cache.leader('t', partition))).toEqual([1, 2, 3, -1, -1])
  })

  test('a partition without a leader is not complete', () => {
    expect(cache.apply(described('t', [1, -1]))).toEqual({ kind: 'leaderless' })
    expect(cache.isComplete('t')).toBe(false)
    expect(cache.leader('t', 0)).toBe(1)
  })

  test('an older epoch does not bring its leader back', () => {
    cache.apply(described('t', [[2, 5]]))
    cache.apply(described('t', [[1, 4]]))
    expect(leaders('t')).toEqual([2])
  })

  test('nor does it after the newer leader proved wrong; the same epoch may', () => {
    cache.apply(described('t', [[2, 5]]))
    cache.invalidate('t')
    expect(cache.apply(described('t', [[1, 4]]))).toEqual({ kind: 'leaderless' })
    expect(leaders('t')).toEqual([-1])
    cache.apply(described('t', [[2, 5]]))
    expect(leaders('t')).toEqual([2])
  })

  test('a topic that was made anew starts anew', () => {
    cache.apply(described('t', [[2, 5], 2], 'id-1'))
    cache.apply(described('t', [[1, 0]], 'id-2'))
    expect(leaders('t')).toEqual([1])
  })

  test('partitions may be added; a lagging broker does not take them away', () => {
    cache.apply(described('t', [1]))
    cache.apply(described('t', [1, 2]))
    cache.apply(described('t', [1]))
    expect(leaders('t')).toEqual([1, 2])
  })

  test('one partition or all can be invalidated', () => {
    cache.apply(described('t', [1, 2, 3]))
    cache.invalidate('t', 1)
    expect(leaders('t')).toEqual([1, -1, 3])
    cache.invalidate('t')
    expect(leaders('t')).toEqual([-1, -1, -1])
    expect(() => [cache.invalidate('t', 99), cache.invalidate('other')]).not.toThrow()
  })

  test('errors say whether to ask again, and keep what is known', () => {
    cache.apply(described('t', [1]))
    expect(cache.apply(described('t', [], 'id-1', errorCodes.UNKNOWN_TOPIC_OR_PARTITION))).toEqual({
      kind: 'unknown',
    })
    expect(cache.apply(described('t', [], 'id-1', errorCodes.LEADER_NOT_AVAILABLE))).toEqual({
      kind: 'leaderless',
    })
    const refused = described('t', [], 'id-1', errorCodes.TOPIC_AUTHORIZATION_FAILED)
    expect(cache.apply(refused)).toEqual({
      kind: 'refused',
      kafkaError: errorCodes.TOPIC_AUTHORIZATION_FAILED,
    })
    expect(leaders('t')).toEqual([1])
  })

  test('is bounded: the oldest leaves', () => {
    for (const name of ['a', 'b', 'c', 'd']) cache.apply(described(name, [1]))
    expect([...cache.topics]).toEqual(['b', 'c', 'd'])
  })
})
