import {
  createTopics,
  deleteTopics,
  describeConfigs,
  errorCodes,
  incrementalAlterConfigs,
  offsetCommit,
  offsetFetch,
} from '@braid/kafka-protocol'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Received } from '../../test/scripted-broker.ts'
import { ScriptedCluster } from '../../test/scripted-cluster.ts'
import { ClusterConnections } from '../cluster-connections.ts'
import { createTopic, deleteTopic } from './create-topic.ts'
import { commitGroupOffsets, fetchGroupOffsets } from './groups.ts'
import { sealTopics, unsealTopics } from './seal.ts'
import { describeTopicConfigs } from './topic-configs.ts'

let cluster: ScriptedCluster
let connections: ClusterConnections
let answer: (request: Received, brokerId: number) => void
/** of the APIs that a test is about */
let received: { request: Received; brokerId: number }[]
beforeEach(async () => {
  cluster = await ScriptedCluster.start(2)
  received = []
  const keys = [
    createTopics,
    deleteTopics,
    describeConfigs,
    incrementalAlterConfigs,
    offsetCommit,
    offsetFetch,
  ]
  cluster.script = (request, brokerId) => {
    if (!keys.some((api) => api.key === request.apiKey)) return false
    received.push({ request, brokerId })
    answer(request, brokerId)
    return true
  }
  connections = new ClusterConnections(
    { name: 'kafka-a', bootstrap: cluster.bootstrap },
    { metadataTimeoutMs: 500 },
  )
})
afterEach(async () => {
  await connections.close()
  await cluster.stop()
})

describe('changes', () => {
  test('a seal is one request to the controller for all topics, and the override of nothing else', async () => {
    answer = (request) =>
      request.answerWith(incrementalAlterConfigs, {
        responses: request
          .read(incrementalAlterConfigs)
          .resources.map(({ resourceType, resourceName }) => ({ errorCode: 0, resourceType, resourceName })),
      })
    await sealTopics(connections, ['a', 'b'])
    await unsealTopics(connections, [
      { topic: 'a', maxMessageBytes: null },
      { topic: 'b', maxMessageBytes: '1048588' },
    ])
    expect(received.map(({ brokerId }) => brokerId)).toEqual([1, 1])
    const changes = received.map(({ request }) =>
      request.read(incrementalAlterConfigs).resources.map(({ resourceType, resourceName, configs }) => ({
        resourceType,
        resourceName,
        configs: configs.map(({ name, configOperation, value }) => [name, configOperation, value]),
      })),
    )
    expect(changes).toEqual([
      [
        { resourceType: 2, resourceName: 'a', configs: [['max.message.bytes', 0, '1']] },
        { resourceType: 2, resourceName: 'b', configs: [['max.message.bytes', 0, '1']] },
      ],
      [
        { resourceType: 2, resourceName: 'a', configs: [['max.message.bytes', 1, null]] },
        { resourceType: 2, resourceName: 'b', configs: [['max.message.bytes', 0, '1048588']] },
      ],
    ])
  })

  test('a refusal names the topic, the error and the reason', async () => {
    answer = (request) =>
      request.answerWith(incrementalAlterConfigs, {
        responses: [
          { errorCode: 0, resourceType: 2, resourceName: 'a' },
          {
            errorCode: errorCodes.POLICY_VIOLATION,
            errorMessage: 'not here',
            resourceType: 2,
            resourceName: 'b',
          },
        ],
      })
    await expect(sealTopics(connections, ['a', 'b'])).rejects.toMatchObject({
      code: 'BROKER_ERROR',
      kafkaError: errorCodes.POLICY_VIOLATION,
      message: 'kafka-a refused to change the configs of topic b, POLICY_VIOLATION: not here',
    })
  })

  test('go to the controller that is by then', async () => {
    let left = 1
    answer = (request) =>
      request.answerWith(createTopics, {
        topics: [{ name: 't', errorCode: left-- > 0 ? errorCodes.NOT_CONTROLLER : 0 }],
      })
    await createTopic(connections, { topic: 't', partitions: 3, configs: { 'retention.ms': '1000' } })
    expect(received).toHaveLength(2)
    expect(received[1]!.request.read(createTopics).topics[0]).toMatchObject({
      name: 't',
      numPartitions: 3,
      replicationFactor: -1,
      configs: [{ name: 'retention.ms', value: '1000' }],
    })
  })

  test('that broke on the way are not repeated: only the caller knows', async () => {
    answer = (request) => request.socket.destroy()
    await expect(createTopic(connections, { topic: 't', partitions: 3 })).rejects.toMatchObject({
      code: 'CLOSED',
    })
    expect(received).toHaveLength(1)
  })

  test('deleting what is not there is no error', async () => {
    const errors = [0, errorCodes.UNKNOWN_TOPIC_OR_PARTITION]
    answer = (request) =>
      request.answerWith(deleteTopics, { responses: [{ name: 't', errorCode: errors.shift()! }] })
    expect(await deleteTopic(connections, 't')).toBe(true)
    expect(await deleteTopic(connections, 't')).toBe(false)
  })

  test('configs come with where they come from', async () => {
    answer = (request) =>
      request.answerWith(describeConfigs, {
        results: [
          {
            errorCode: 0,
            resourceType: 2,
            resourceName: 't',
            configs: [1, 5, 4, 77].map((configSource) => ({
              name: `config ${configSource}`,
              value: 'x',
              readOnly: false,
              configSource,
              isSensitive: false,
              synonyms: [],
            })),
          },
        ],
      })
    const configs = await describeTopicConfigs(connections, 't')
    expect([...configs].map(([name, { source }]) => [name, source])).toEqual([
      ['config 1', 'topic'],
      ['config 5', 'default'],
      ['config 4', 'static'],
      ['config 77', 'other'],
    ])
  })
})

describe('offsets of groups', () => {
  test('are asked of the coordinator, and of the next when it has moved', async () => {
    answer = (request, brokerId) => {
      if (brokerId === 1) {
        cluster.coordinatorId = 2
        request.answerWith(offsetFetch, { errorCode: errorCodes.NOT_COORDINATOR })
        return
      }
      const partitions = [
        { partitionIndex: 0, committedOffset: 5n, metadata: 'm', errorCode: 0 },
        { partitionIndex: 1, committedOffset: -1n, metadata: null, errorCode: 0 },
      ]
      request.answerWith(offsetFetch, { topics: [{ name: 't', partitions }] })
    }
    expect(await fetchGroupOffsets(connections, 'g')).toEqual([
      { topic: 't', partition: 0, offset: 5n, metadata: 'm' },
    ])
  })

  test('a commit is refused with what Kafka says', async () => {
    answer = (request) =>
      request.answerWith(offsetCommit, {
        topics: [{ name: 't', partitions: [{ partitionIndex: 0, errorCode: errorCodes.UNKNOWN_MEMBER_ID }] }],
      })
    const offsets = [{ topic: 't', partition: 0, offset: 5n, metadata: null }]
    await expect(commitGroupOffsets(connections, 'g', offsets)).rejects.toMatchObject({
      kafkaError: errorCodes.UNKNOWN_MEMBER_ID,
      message: 'kafka-a could not commit offsets of group g, UNKNOWN_MEMBER_ID',
    })
    expect(received).toHaveLength(1)
  })

  test('a commit says which offsets, as a member of nothing', async () => {
    answer = (request) => request.answerWith(offsetCommit, { topics: [] })
    await commitGroupOffsets(connections, 'g', [
      { topic: 't', partition: 0, offset: 5n, metadata: null },
      { topic: 'u', partition: 3, offset: 6n, metadata: 'm' },
      { topic: 't', partition: 1, offset: 7n, metadata: null },
    ])
    const commit = received[0]!.request.read(offsetCommit)
    expect([commit.groupId, commit.memberId, commit.generationIdOrMemberEpoch]).toEqual(['g', '', -1])
    expect(
      commit.topics.map(({ name, partitions }) => [name, partitions.map((p) => p.committedOffset)]),
    ).toEqual([
      ['t', [5n, 7n]],
      ['u', [6n]],
    ])
  })
})
