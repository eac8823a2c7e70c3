import { errorCodes, listOffsets } from '@braid/kafka-protocol'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ScriptedCluster } from '../../test/scripted-cluster.ts'
import { ClusterConnections } from '../cluster-connections.ts'
import { waitForLeaders } from './create-topic.ts'
import { logEnds } from './log-ends.ts'

let cluster: ScriptedCluster
let connections: ClusterConnections
/** error of a partition when a broker is asked for it; the leader has none */
let errorOf: (partition: number, brokerId: number) => number
beforeEach(async () => {
  cluster = await ScriptedCluster.start(2)
  cluster.topics.set('orders', [1, 2, 1])
  errorOf = (partition, brokerId) =>
    cluster.topics.get('orders')![partition] === brokerId ? 0 : errorCodes.NOT_LEADER_OR_FOLLOWER
  cluster.script = (request, brokerId) => {
    if (request.apiKey !== listOffsets.key) return false
    request.answerWith(listOffsets, {
      topics: request.read(listOffsets).topics.map(({ name, partitions }) => ({
        name,
        partitions: partitions.map(({ partitionIndex }) => ({
          partitionIndex,
          errorCode: errorOf(partitionIndex, brokerId),
          offset: BigInt(100 * brokerId + partitionIndex),
        })),
      })),
    })
    return true
  }
  connections = new ClusterConnections(
    { name: 'kafka-a', bootstrap: cluster.bootstrap },
    { metadataTimeoutMs: 500, unknownTopicTimeoutMs: 50 },
  )
})
afterEach(async () => {
  await connections.close()
  await cluster.stop()
})

const asked = () => cluster.brokers.map((broker) => broker.of(listOffsets.key).length)

describe('asking the leaders', () => {
  test('takes one request a leader', async () => {
    expect(await logEnds(connections, 'orders', 3, 'logEnd')).toEqual([100n, 201n, 102n])
    expect(asked()).toEqual([1, 1])
  })

  test('goes on to the new leader when one has changed', async () => {
    await connections.refreshMetadata(['orders'])
    cluster.topics.set('orders', [1, 1, 2])
    expect(await logEnds(connections, 'orders', 3, 'highWatermark')).toEqual([100n, 101n, 202n])
  })

  test('goes on to the new leader when the old one is gone', async () => {
    await connections.refreshMetadata(['orders'])
    await cluster.broker(2).stop()
    cluster.topics.set('orders', [1, 1, 1])
    expect(await logEnds(connections, 'orders', 3, 'earliest')).toEqual([100n, 101n, 102n])
  })

  test('gives up after a bound', async () => {
    errorOf = () => errorCodes.NOT_LEADER_OR_FOLLOWER
    await expect(logEnds(connections, 'orders', 3, 'logEnd')).rejects.toMatchObject({
      code: 'BROKER_ERROR',
      kafkaError: errorCodes.NOT_LEADER_OR_FOLLOWER,
      message: expect.stringMatching(
        /kafka-a broker \d refused to answer for orders-\d, NOT_LEADER_OR_FOLLOWER/,
      ),
    })
    expect(asked()[0]).toBeLessThan(30)
  })

  test('does not repeat what does not pass', async () => {
    errorOf = () => errorCodes.TOPIC_AUTHORIZATION_FAILED
    await expect(logEnds(connections, 'orders', 1, 'logEnd')).rejects.toMatchObject({
      code: 'NOT_AUTHORIZED',
      kafkaError: errorCodes.TOPIC_AUTHORIZATION_FAILED,
      missing: { operation: 'Describe', resource: 'Topic', name: 'orders' },
      message: expect.stringMatching(/Describe on Topic orders, grant it with kafka-acls/),
    })
    expect(asked()).toEqual([1, 0])
  })

  test('says so when there is no such partition', async () => {
    await expect(logEnds(connections, 'orders', 5, 'logEnd')).rejects.toMatchObject({
      code: 'UNKNOWN_TOPIC',
      message: 'kafka-a topic orders has 3 partitions, so no partition 3, 4',
    })
  })
})

describe('waiting for leaders', () => {
  test('ends when each has answered', async () => {
    let refusals = 4
    const before = errorOf
    errorOf = (p, b) => (refusals-- > 0 ? errorCodes.NOT_LEADER_OR_FOLLOWER : before(p, b))
    await waitForLeaders(connections, 'orders', 3, 2_000)
    expect(refusals).toBeLessThan(0)
    expect([0, 1, 2].map((p) => connections.leader('orders', p))).toEqual([1, 2, 1])
  })

  test('waits for a topic that is being made', async () => {
    const leaders = cluster.topics.get('orders')!
    cluster.topics.delete('orders')
    setTimeout(() => cluster.topics.set('orders', leaders), 100)
    await waitForLeaders(connections, 'orders', 3, 2_000)
    expect(connections.partitionCount('orders')).toBe(3)
  })

  test('is bounded, and says what is missing', async () => {
    errorOf = () => errorCodes.NOT_LEADER_OR_FOLLOWER
    await expect(waitForLeaders(connections, 'orders', 3, 200)).rejects.toMatchObject({
      code: 'NO_LEADER',
      message: expect.stringMatching(
        /no leader answers for 3 of 3 partitions after 200 ms \(partition \d answers/,
      ),
    })
  })
})
