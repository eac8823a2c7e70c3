import { errorCodes, type MetadataResponse } from '@braid/kafka-protocol'
import { beforeEach, describe, expect, test } from 'vitest'
import { ManualClock } from '../test/manual-clock.ts'
import type { BrokerConnection } from './broker-connection.ts'
import { ConnectionError } from './errors.ts'
import { MetadataRefresher } from './metadata.ts'
import { MetadataCache } from './metadata-cache.ts'
import { defaultOptions } from './options.ts'

const topicOf = (name: string, leaders: number[], errorCode = 0): MetadataResponse['topics'][number] => ({
  errorCode,
  name,
  topicId: `id of ${name}`,
  isInternal: false,
  topicAuthorizedOperations: 0,
  partitions: leaders.map((leaderId, partitionIndex) => ({
    errorCode: 0,
    partitionIndex,
    leaderId,
    leaderEpoch: -1,
    replicaNodes: [],
    isrNodes: [],
    offlineReplicas: [],
  })),
})

/** What the cluster says of each topic; a topic that is not here is unknown to it. */
let topics: Map<string, number[]>
let asked: string[][]
let away: Error | undefined
/** answers that wait to be given, when the test holds them */
let held: (() => void)[] | undefined
let clock: ManualClock
let cache: MetadataCache
let refresher: MetadataRefresher

const settled = () => new Promise((resolve) => setImmediate(resolve))
const pass = async (ms: number) => {
  clock.pass(ms)
  await settled()
}
const outcomeOf = (promise: Promise<void>) => {
  const outcome: { state: 'waiting' | 'resolved' | ConnectionError } = { state: 'waiting' }
  promise.then(
    () => {
      outcome.state = 'resolved'
    },
    (error) => {
      outcome.state = error
    },
  )
  return outcome
}

beforeEach(() => {
  topics = new Map()
  asked = []
  away = undefined
  held = undefined
  clock = new ManualClock()
  cache = new MetadataCache(10_000)
  const call = async (_api: unknown, request: { topics: { name: string }[] }) => {
    const names = request.topics.map(({ name }) => name)
    asked.push(names)
    if (held !== undefined) await new Promise<void>((resolve) => held!.push(resolve))
    return {
      topics: names.map((name) => {
        const leaders = topics.get(name)
        return leaders ? topicOf(name, leaders) : topicOf(name, [], errorCodes.UNKNOWN_TOPIC_OR_PARTITION)
      }),
    }
  }
  const any = async () => {
    if (away !== undefined) throw away
    return { call } as unknown as BrokerConnection
  }
  const options = { ...defaultOptions, clock, random: () => 1 }
  refresher = new MetadataRefresher({ cluster: 'kafka-a', any, learn: () => {} }, cache, options)
})

describe('refreshing metadata', () => {
  test('calls of one tick share a request', async () => {
    topics.set('a', [1]).set('b', [2])
    await Promise.all([refresher.refresh(['a']), refresher.refresh(['b', 'a']), refresher.refresh(['a'])])
    expect(asked).toEqual([['a', 'b']])
    expect([cache.leader('a', 0), cache.leader('b', 0)]).toEqual([1, 2])
  })

  test('a call that comes while one is under way gets an answer that was asked for after it', async () => {
    topics.set('a', [1])
    held = []
    const first = outcomeOf(refresher.refresh(['a']))
    await settled()
    const second = outcomeOf(refresher.refresh(['a']))
    const third = outcomeOf(refresher.refresh(['a']))
    await settled()
    expect(asked).toHaveLength(1)
    held.shift()!()
    await settled()
    expect([first.state, second.state]).toEqual(['resolved', 'waiting'])
    held.shift()!()
    await settled()
    expect([second.state, third.state]).toEqual(['resolved', 'resolved'])
    expect(asked).toHaveLength(2)
  })

  test('missing leaders are asked for again, with waits that grow, until they are there', async () => {
    topics.set('a', [1, -1])
    const outcome = outcomeOf(refresher.refresh(['a']))
    await settled()
    expect(asked).toHaveLength(1)
    await pass(19)
    expect(asked).toHaveLength(1)
    await pass(1)
    expect(asked).toHaveLength(2)
    await pass(39)
    expect(asked).toHaveLength(2)
    topics.set('a', [1, 2])
    await pass(1)
    expect(asked).toHaveLength(3)
    expect(outcome.state).toBe('resolved')
    expect(clock.timers).toBe(1) // the one for age
  })

  test('one topic without a leader does not hold up another', async () => {
    topics.set('a', [1]).set('b', [-1])
    const [a, b] = [outcomeOf(refresher.refresh(['a'])), outcomeOf(refresher.refresh(['b']))]
    await settled()
    expect([a.state, b.state]).toEqual(['resolved', 'waiting'])
    const c = outcomeOf(refresher.refresh(['a']))
    await settled()
    expect(c.state).toBe('resolved')
    expect(asked.at(-1)).toEqual(['a'])
  })

  test('are bounded: no leader', async () => {
    topics.set('a', [1, -1])
    const outcome = outcomeOf(refresher.refresh(['a']))
    for (let ms = 0; ms < 12_000; ms += 100) await pass(100)
    expect(outcome.state).toMatchObject({ code: 'NO_LEADER', cluster: 'kafka-a' })
    expect(String(outcome.state)).toMatch(/kafka-a has no leader for every partition of a after \d+ ms/)
    expect(asked.length).toBeLessThan(25)
    const before = asked.length
    await pass(5_000)
    expect(asked).toHaveLength(before)
  })

  test('are bounded: no such topic, sooner', async () => {
    const outcome = outcomeOf(refresher.refresh(['typo']))
    for (let ms = 0; ms < 2_000; ms += 20) await pass(20)
    expect(outcome.state).toMatchObject({ code: 'UNKNOWN_TOPIC' })
    expect(asked.length).toBeGreaterThan(2)
    expect(asked.length).toBeLessThan(12)
  })

  test('a topic that appears a moment later is found', async () => {
    const outcome = outcomeOf(refresher.refresh(['new']))
    await settled()
    topics.set('new', [1])
    await pass(20)
    expect(outcome.state).toBe('resolved')
  })

  test('are bounded: nobody to ask', async () => {
    away = new ConnectionError('CONNECT_FAILED', 'kafka-a cannot be reached', { cluster: 'kafka-a' })
    const outcome = outcomeOf(refresher.refresh(['a']))
    for (let ms = 0; ms < 12_000; ms += 100) await pass(100)
    expect(outcome.state).toBe(away)
  })

  test('a cluster that is back within the bound is asked', async () => {
    away = new ConnectionError('CONNECT_FAILED', 'kafka-a cannot be reached', { cluster: 'kafka-a' })
    topics.set('a', [1])
    const outcome = outcomeOf(refresher.refresh(['a']))
    for (let ms = 0; ms < 3_000; ms += 100) await pass(100)
    away = undefined
    await pass(1_000)
    expect(outcome.state).toBe('resolved')
  })

  test('ask in requests of a bounded number of topics', async () => {
    const names = Array.from({ length: 2_500 }, (_, i) => `topic ${i}`)
    for (const name of names) topics.set(name, [1])
    await refresher.refresh(names)
    expect(asked.map((request) => request.length)).toEqual([1_000, 1_000, 500])
  })

  test('ask again for what is cached when it is old', async () => {
    topics.set('a', [1])
    await refresher.refresh(['a'])
    topics.set('a', [2])
    await pass(300_000)
    expect(cache.leader('a', 0)).toBe(2)
    await pass(300_000)
    expect(asked).toHaveLength(3)
  })

  test('closing rejects who waits, and leaves no timer', async () => {
    topics.set('a', [-1])
    const outcome = outcomeOf(refresher.refresh(['a']))
    await settled()
    refresher.close()
    await settled()
    expect(outcome.state).toMatchObject({ code: 'CLOSED' })
    expect(clock.timers).toBe(0)
    await expect(refresher.refresh(['a'])).rejects.toMatchObject({ code: 'CLOSED' })
  })
})
