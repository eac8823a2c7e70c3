import {
  createPartitions as createPartitionsApi,
  describeConfigs,
  describeGroups,
  describeQuorum,
  errorCodes,
  metadata,
} from '@braid/kafka-protocol'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Received } from '../../test/scripted-broker.ts'
import { ScriptedCluster } from '../../test/scripted-cluster.ts'
import { ClusterConnections } from '../cluster-connections.ts'
import { controllerClock } from './controller-clock.ts'
import { createPartitions } from './create-partitions.ts'
import { describeTopics } from './describe-topics.ts'
import { missingGroupRights, missingTopicRights } from './granted-rights.ts'

/** What is asked of a cluster without changing it, and more partitions. */

let cluster: ScriptedCluster
let connections: ClusterConnections
let answer: (request: Received) => boolean
beforeEach(async () => {
  cluster = await ScriptedCluster.start(1)
  cluster.script = (request) => answer(request)
  connections = new ClusterConnections(
    { name: 'kafka-a', bootstrap: cluster.bootstrap },
    { metadataTimeoutMs: 500 },
  )
})
afterEach(async () => {
  await connections.close()
  await cluster.stop()
})

const partitionsOf = (count: number) =>
  Array.from({ length: count }, (_, partitionIndex) => ({
    errorCode: 0,
    partitionIndex,
    leaderId: 1,
    replicaNodes: [1, 2, 3],
    isrNodes: [1],
  }))

/** Answers Metadata that names topics; the pool's own questions name none. */
function tellTopics(request: Received, topics: Record<string, { errorCode?: number; granted?: number }>) {
  if (request.apiKey !== metadata.key || (request.read(metadata).topics ?? []).length === 0) return false
  request.answerWith(metadata, {
    brokers: [],
    topics: (request.read(metadata).topics ?? []).map(({ name }) => {
      const told = topics[name ?? '']
      const errorCode = told === undefined ? errorCodes.UNKNOWN_TOPIC_OR_PARTITION : (told.errorCode ?? 0)
      return {
        errorCode,
        name,
        partitions: errorCode === 0 ? partitionsOf(4) : [],
        ...(told?.granted !== undefined && { topicAuthorizedOperations: told.granted }),
      }
    }),
  })
  return true
}

test('many topics are described by two requests, without those that are not there', async () => {
  let requests = 0
  answer = (request) => {
    if (tellTopics(request, { orders: {}, gone: {} })) {
      requests++
      return true
    }
    if (request.apiKey !== describeConfigs.key) return false
    requests++
    request.answerWith(describeConfigs, {
      results: request.read(describeConfigs).resources.map(({ resourceName }) =>
        // Deleted between the two.
        resourceName === 'gone'
          ? {
              errorCode: errorCodes.UNKNOWN_TOPIC_OR_PARTITION,
              errorMessage: null,
              resourceType: 2,
              resourceName,
              configs: [],
            }
          : {
              errorCode: 0,
              errorMessage: null,
              resourceType: 2,
              resourceName,
              configs: [
                {
                  name: 'retention.ms',
                  value: '1000',
                  readOnly: false,
                  configSource: 1,
                  isSensitive: false,
                  synonyms: [],
                },
              ],
            },
      ),
    })
    return true
  }
  const found = await describeTopics(connections, ['orders', 'gone', 'absent'])
  expect(requests).toBe(2)
  expect([...found]).toEqual([
    [
      'orders',
      {
        partitions: 4,
        replicationFactor: 3,
        configs: new Map([['retention.ms', { value: '1000', source: 'topic' }]]),
      },
    ],
  ])
})

test('more partitions are one request; a refusal names the topic and the right', async () => {
  const asked: unknown[] = []
  let refuse = false
  answer = (request) => {
    if (request.apiKey !== createPartitionsApi.key) return false
    const { topics } = request.read(createPartitionsApi)
    asked.push(topics.map(({ name, count, assignments }) => [name, count, assignments]))
    const errorCode = refuse ? errorCodes.TOPIC_AUTHORIZATION_FAILED : 0
    request.answerWith(createPartitionsApi, { results: topics.map(({ name }) => ({ name, errorCode })) })
    return true
  }
  await createPartitions(connections, [
    { topic: 'a', partitions: 6 },
    { topic: 'b', partitions: 9 },
  ])
  expect(asked).toEqual([
    [
      ['a', 6, null],
      ['b', 9, null],
    ],
  ])
  refuse = true
  await expect(createPartitions(connections, [{ topic: 'a', partitions: 7 }])).rejects.toMatchObject({
    code: 'NOT_AUTHORIZED',
    missing: { operation: 'Alter', resource: 'Topic', name: 'a' },
  })
})

test('rights are what the authorizer says, bit by bit; a topic that is hidden lacks Describe', async () => {
  const granted = (1 << 3) | (1 << 8) // Read, Describe
  answer = (request) =>
    tellTopics(request, {
      some: { granted },
      hidden: { errorCode: errorCodes.TOPIC_AUTHORIZATION_FAILED },
      free: {},
    })
  const lacking = await missingTopicRights(
    connections,
    ['some', 'hidden', 'absent', 'free'],
    ['Describe', 'Read', 'Write', 'AlterConfigs'],
  )
  expect(lacking).toEqual([
    { operation: 'Write', resource: 'Topic', name: 'some' },
    { operation: 'AlterConfigs', resource: 'Topic', name: 'some' },
    { operation: 'Describe', resource: 'Topic', name: 'hidden' },
  ])
})

test('rights on groups are asked of their coordinators', async () => {
  answer = (request) => {
    if (request.apiKey !== describeGroups.key) return false
    const told: Record<string, { errorCode: number; authorizedOperations?: number }> = {
      readers: { errorCode: 0, authorizedOperations: 1 << 8 },
      hidden: { errorCode: errorCodes.GROUP_AUTHORIZATION_FAILED },
    }
    request.answerWith(describeGroups, {
      groups: request.read(describeGroups).groups.map((groupId) => ({
        ...told[groupId]!,
        groupId,
        groupState: 'Dead',
        protocolType: '',
        protocolData: '',
        members: [],
      })),
    })
    return true
  }
  expect(await missingGroupRights(connections, ['readers', 'hidden'], ['Read', 'Describe'])).toEqual([
    { operation: 'Read', resource: 'Group', name: 'readers' },
    { operation: 'Describe', resource: 'Group', name: 'hidden' },
  ])
})

test('the clock of the active controller is what it says of itself, half way through the answer', async () => {
  const voter = (replicaId: number, lastCaughtUpTimestamp: bigint) => ({
    replicaId,
    logEndOffset: 1n,
    lastFetchTimestamp: lastCaughtUpTimestamp,
    lastCaughtUpTimestamp,
  })
  answer = (request) => {
    if (request.apiKey !== describeQuorum.key) return false
    request.answerWith(describeQuorum, {
      errorCode: 0,
      topics: [
        {
          topicName: '__cluster_metadata',
          partitions: [
            {
              partitionIndex: 0,
              errorCode: 0,
              leaderId: 2,
              leaderEpoch: 1,
              highWatermark: 1n,
              currentVoters: [voter(1, 10n), voter(2, 91_000n)],
              observers: [],
            },
          ],
        },
      ],
    })
    return true
  }
  const times = [1_000, 1_040]
  expect(await controllerClock(connections, () => times.shift()!)).toEqual({ aheadMs: 89_980, errorMs: 20 })
})
