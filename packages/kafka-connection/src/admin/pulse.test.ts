import { errorCodes, listOffsets, metadata } from '@braid/kafka-protocol'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { ScriptedCluster } from '../../test/scripted-cluster.ts'
import { ClusterConnections } from '../cluster-connections.ts'
import { logEndsOfTopics } from './ends-of-topics.ts'
import { pulse } from './pulse.ts'

/** Small questions to a cluster that may be lost: whether it is there, and where its logs end. */

let cluster: ScriptedCluster
let connections: ClusterConnections
/** Brokers that keep their connections and answer nothing. */
const frozen = new Set<number>()
beforeEach(async () => {
  frozen.clear()
  cluster = await ScriptedCluster.start(3)
  cluster.topics.set('orders', [1, 2, 3]).set('users', [2])
  cluster.script = (_request, brokerId) => frozen.has(brokerId)
  const options = {
    metadataTimeoutMs: 300,
    unknownTopicTimeoutMs: 100,
    lookupTimeoutMs: 150,
    backoffMaxMs: 20,
  }
  connections = new ClusterConnections({ name: 'kafka-a', bootstrap: cluster.bootstrap }, options)
})
afterEach(async () => {
  await connections.close()
  await cluster.stop()
})

test('a cluster is there while any of its brokers answers', async () => {
  await pulse(connections, 1_000)
  for (const id of [1, 2]) frozen.add(id)
  for (let i = 0; i < 5; i++) await pulse(connections, 1_000)
})

test('it is not when none does, and nobody waits for longer than was said', async () => {
  await pulse(connections, 1_000)
  for (const id of [1, 2, 3]) frozen.add(id)
  const startedAt = performance.now()
  await expect(pulse(connections, 100)).rejects.toThrow(/100 ms|timed out|no answer/i)
  expect(performance.now() - startedAt).toBeLessThan(4_000)
})

test('it is not when nobody listens at its addresses', async () => {
  await cluster.stop()
  await expect(pulse(connections, 1_000)).rejects.toMatchObject({ code: 'CONNECT_FAILED' })
})

test('a pulse asks for no topics', async () => {
  await pulse(connections, 1_000)
  expect(cluster.metadataRequests.every((names) => names.length === 0)).toBe(true)
})

test('the ends of many topics take one request to each leader, and are the log ends', async () => {
  const ask = () =>
    logEndsOfTopics(connections, [
      { topic: 'orders', partitions: 3 },
      { topic: 'users', partitions: 1 },
    ])
  expect(await ask()).toEqual([[7n, 7n, 7n], [7n]])
  for (const id of [1, 2, 3]) {
    const asked = cluster.broker(id).of(listOffsets.key)
    expect(asked).toHaveLength(1)
    expect(asked[0]!.read(listOffsets).replicaId).toBe(-2)
  }
})

test('what a broker does not tell is left open, and does not hold up the rest', async () => {
  const topics = [
    { topic: 'orders', partitions: 4 },
    { topic: 'gone', partitions: 1 },
  ]
  expect(await logEndsOfTopics(connections, topics)).toEqual([[7n, 7n, 7n, -1n], [-1n]])
  frozen.add(1)
  expect(await logEndsOfTopics(connections, topics)).toEqual([[-1n, 7n, 7n, -1n], [-1n]])
  frozen.clear()
  cluster.script = (request) => {
    if (request.apiKey === metadata.key || request.apiKey !== listOffsets.key) return false
    request.answerWith(listOffsets, {
      topics: request.read(listOffsets).topics.map(({ name, partitions }) => ({
        name,
        partitions: partitions.map(({ partitionIndex }) => ({
          partitionIndex,
          errorCode: partitionIndex === 2 ? errorCodes.NOT_LEADER_OR_FOLLOWER : 0,
          offset: 9n,
        })),
      })),
    })
    return true
  }
  expect(await logEndsOfTopics(connections, topics)).toEqual([[9n, 9n, -1n, -1n], [-1n]])
})
