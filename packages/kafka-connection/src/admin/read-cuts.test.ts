import { errorCodes, listOffsets, produce } from '@braid/kafka-protocol'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ScriptedCluster } from '../../test/scripted-cluster.ts'
import { ClusterConnections } from '../cluster-connections.ts'
import { type CutAnswers, judgeCut, readCuts } from './read-cuts.ts'

const { CORRUPT_MESSAGE, MESSAGE_TOO_LARGE, NOT_LEADER_OR_FOLLOWER } = errorCodes

describe('what the answers say', () => {
  const sealed: CutAnswers = {
    probeError: MESSAGE_TOO_LARGE,
    logEnd: { errorCode: 0, offset: 12n },
    highWatermark: { errorCode: 0, offset: 12n },
  }
  test('refused, read and replicated: sealed', () => expect(judgeCut(sealed)).toBe('sealed'))
  test.each<[string, Partial<CutAnswers>, string]>([
    ['appends are taken still', { probeError: CORRUPT_MESSAGE }, 'not sealed yet'],
    ['the probe was written', { probeError: 0 }, 'the probe got NONE'],
    ['another leads', { probeError: NOT_LEADER_OR_FOLLOWER }, 'the probe got NOT_LEADER_OR_FOLLOWER'],
    [
      'the end was not read',
      { logEnd: { errorCode: NOT_LEADER_OR_FOLLOWER, offset: -1n } },
      'its end cannot be read, NOT_LEADER_OR_FOLLOWER',
    ],
    [
      'the high watermark was not read',
      { highWatermark: { errorCode: errorCodes.OFFSET_NOT_AVAILABLE, offset: -1n } },
      'its end cannot be read, OFFSET_NOT_AVAILABLE',
    ],
    ['followers lag', { highWatermark: { errorCode: 0, offset: 11n } }, 'its followers have 11 of 12'],
  ])('%s: not sealed', (_, change, reason) => expect(judgeCut({ ...sealed, ...change })).toEqual({ reason }))
})

describe('reading the cuts', () => {
  let cluster: ScriptedCluster
  let connections: ClusterConnections
  /** what the leader of each partition says */
  let answers: Map<number, { probe: number; logEnd: bigint; highWatermark: bigint; endError?: number }>
  beforeEach(async () => {
    cluster = await ScriptedCluster.start(2)
    cluster.topics.set('orders', [1, 2, 1, 2])
    answers = new Map(
      [0, 1, 2, 3].map((p) => [p, { probe: 10, logEnd: BigInt(p), highWatermark: BigInt(p) }]),
    )
    cluster.script = (request) => {
      if (request.apiKey === produce.key) {
        request.answerWith(produce, {
          responses: request.read(produce).topicData.map(({ name, partitionData }) => ({
            name,
            partitionResponses: partitionData.map(({ index }) => ({
              index,
              errorCode: answers.get(index)!.probe,
              baseOffset: -1n,
            })),
          })),
        })
        return true
      }
      if (request.apiKey !== listOffsets.key) return false
      const { replicaId, topics } = request.read(listOffsets)
      request.answerWith(listOffsets, {
        topics: topics.map(({ name, partitions }) => ({
          name,
          partitions: partitions.map(({ partitionIndex }) => {
            const { logEnd, highWatermark, endError = 0 } = answers.get(partitionIndex)!
            return { partitionIndex, errorCode: endError, offset: replicaId === -2 ? logEnd : highWatermark }
          }),
        })),
      })
      return true
    }
    connections = new ClusterConnections(
      { name: 'kafka-a', bootstrap: cluster.bootstrap },
      { metadataTimeoutMs: 300, unknownTopicTimeoutMs: 100 },
    )
  })
  afterEach(async () => {
    await connections.close()
    await cluster.stop()
  })

  test('gives every partition its end', async () => {
    expect(await readCuts(connections, 'orders', 4)).toEqual({
      sealed: [true, true, true, true],
      cuts: [0n, 1n, 2n, 3n],
      pending: [],
    })
  })

  test('is one write to each leader: the probe first, then the log end, then the high watermark', async () => {
    await readCuts(connections, 'orders', 4)
    for (const broker of cluster.brokers) broker.chunks.length = broker.received.length = 0
    await readCuts(connections, 'orders', 4)
    for (const broker of cluster.brokers) {
      expect(broker.chunks).toHaveLength(1)
      expect(broker.received.map((request) => request.apiKey)).toEqual([
        produce.key,
        listOffsets.key,
        listOffsets.key,
      ])
      expect(broker.of(listOffsets.key).map((request) => request.read(listOffsets).replicaId)).toEqual([
        -2, -1,
      ])
    }
  })

  test('tells which partitions are not ready, and why', async () => {
    answers.get(1)!.probe = CORRUPT_MESSAGE
    answers.get(2)!.highWatermark = 0n
    const cuts = await readCuts(connections, 'orders', 4)
    expect(cuts.sealed).toEqual([true, false, false, true])
    expect(cuts.pending).toEqual([
      { partition: 1, reason: 'not sealed yet' },
      { partition: 2, reason: 'its followers have 0 of 2' },
    ])
  })

  test('forgets a leader that is one no more', async () => {
    await readCuts(connections, 'orders', 4)
    answers.get(1)!.probe = NOT_LEADER_OR_FOLLOWER
    await readCuts(connections, 'orders', 4)
    expect([0, 1].map((p) => connections.leader('orders', p))).toEqual([1, -1])
  })

  test('a broker that is away leaves its partitions pending, not the others', async () => {
    await readCuts(connections, 'orders', 4)
    await cluster.broker(2).stop()
    const cuts = await readCuts(connections, 'orders', 4)
    expect(cuts.sealed).toEqual([true, false, true, false])
    expect(cuts.pending.map(({ partition }) => partition)).toEqual([1, 3])
    expect(cuts.pending[0]!.reason).toMatch(/kafka-a broker 2/)
  })

  test('a topic that is not there is pending, with the reason', async () => {
    const cuts = await readCuts(connections, 'typo', 2)
    expect(cuts.cuts).toEqual([-1n, -1n])
    expect(cuts.pending[1]!.reason).toMatch(/kafka-a has no topic typo/)
  })
})
