import {
  type Api,
  apiVersions,
  createPartitions,
  createTopics,
  deleteGroups,
  deleteRecords,
  deleteTopics,
  describeCluster,
  describeConfigs,
  describeGroups,
  describeProducers,
  describeQuorum,
  encodeBatch,
  errorCodes,
  errorName,
  fetch,
  findCoordinator,
  heartbeat,
  incrementalAlterConfigs,
  initProducerId,
  joinGroup,
  leaveGroup,
  listGroups,
  listOffsets,
  metadata,
  offsetCommit,
  offsetDelete,
  offsetFetch,
  produce,
  syncGroup,
} from '@braid/kafka-protocol'
import { Caller } from './caller.ts'

const ROUNDS = 14
const GROUP = 0
const TOPIC = 2
const TIMEOUT_MS = 10_000
const RETRY_MS = 100
/**
 * What a consumer says on joining: version 0, no topics, no user data. It has to be well-formed: a broker (4.3.1) that
 * cannot decode it never answers JoinGroup.
 */
const NO_SUBSCRIPTION = Buffer.from('000000000000ffffffff', 'hex')

/**
 * Calls every API in every version, in rounds: round n takes each API's n-th version (its newest, when it has fewer). A
 * round works on a topic and a group of its own, so that the answers have something in them.
 */
export async function tour(address: string): Promise<void> {
  const caller = await Caller.connect(address)
  for (let round = 0; round < ROUNDS; round++) await tourOnce(caller, round)
  caller.close()
}

async function tourOnce(caller: Caller, round: number): Promise<void> {
  const versionOf = (api: { minVersion: number; maxVersion: number }): number =>
    Math.min(api.minVersion + round, api.maxVersion)
  const call = <Q, A>(api: Api<Q, A>, request: Q): Promise<A> => caller.call(api, versionOf(api), request)
  const topic = `tour-${round}`
  const group = `tour-group-${round}`

  await call(apiVersions, { clientSoftwareName: 'braid', clientSoftwareVersion: '1' })
  const created = await call(createTopics, {
    topics: [
      {
        name: topic,
        numPartitions: 2,
        replicationFactor: 1,
        assignments: [],
        configs: [{ name: 'retention.ms', value: '-1' }],
      },
    ],
  })
  expectNone('CreateTopics', created.topics)
  const created2 = await caller.call(createTopics, versionOf(createTopics), {
    topics: [{ name: topic, numPartitions: 1, replicationFactor: 1 }],
    validateOnly: true,
  })
  if (created2.topics[0]?.errorCode !== errorCodes.TOPIC_ALREADY_EXISTS) throw new Error('created twice')
  await untilNone('Metadata', async () => {
    const { topics } = await call(metadata, { topics: [{ name: topic }], allowAutoTopicCreation: false })
    return topics.flatMap((one) => [one, ...one.partitions])
  })
  await call(describeCluster, {})
  const resource = { resourceType: TOPIC, resourceName: topic }
  expectNone(
    'IncrementalAlterConfigs',
    (
      await call(incrementalAlterConfigs, {
        resources: [
          { ...resource, configs: [{ name: 'max.message.bytes', configOperation: 0, value: '4096' }] },
        ],
        validateOnly: false,
      })
    ).responses,
  )
  const described = await call(describeConfigs, {
    resources: [{ ...resource, configurationKeys: ['max.message.bytes', 'retention.ms'] }],
    includeSynonyms: true,
  })
  expectNone('DescribeConfigs', described.results)
  expectNone(
    'CreatePartitions',
    (
      await call(createPartitions, {
        topics: [{ name: topic, count: 3, assignments: [{ brokerIds: [1] }] }],
        timeoutMs: TIMEOUT_MS,
        validateOnly: false,
      })
    ).results,
  )

  const producer = await untilNone('InitProducerId', async () => {
    const answer = await call(initProducerId, { transactionalId: null, transactionTimeoutMs: 0 })
    return [answer]
  })
  const { producerId, producerEpoch } = producer[0]!
  const records = encodeBatch({
    records: [
      {
        key: Buffer.from('k'),
        value: Buffer.from('v'),
        headers: [{ key: 'h', value: Buffer.from('1') }],
        timestamp: 1n,
      },
      { value: null, timestamp: 2n },
    ],
    producerId,
    producerEpoch,
    baseSequence: 0,
  })
  const produced = await call(produce, {
    acks: -1,
    timeoutMs: TIMEOUT_MS,
    topicData: [{ name: topic, partitionData: [{ index: 0, records }] }],
  })
  expectNone(
    'Produce',
    produced.responses.flatMap((one) => one.partitionResponses),
  )
  // A batch that is refused: its answer has record errors and a message, from version 8 on.
  const keyless = encodeBatch({ records: [{ value: null, timestamp: -5n }] })
  await call(produce, {
    acks: -1,
    timeoutMs: TIMEOUT_MS,
    topicData: [{ name: 'compact', partitionData: [{ index: 0, records: keyless }] }],
  })
  await call(describeProducers, { topics: [{ name: topic, partitionIndexes: [0, 9] }] })
  await call(describeQuorum, {
    topics: [{ topicName: '__cluster_metadata', partitions: [{ partitionIndex: 0 }] }],
  })
  await call(listOffsets, {
    replicaId: -1,
    isolationLevel: 0,
    topics: [
      {
        name: topic,
        partitions: [
          { partitionIndex: 0, timestamp: -1n },
          { partitionIndex: 1, timestamp: -2n },
        ],
      },
    ],
  })
  const fetched = await call(fetch, {
    maxWaitMs: 100,
    minBytes: 1,
    isolationLevel: 1,
    topics: [
      {
        topic,
        partitions: [0, 1].map((partition) => ({ partition, fetchOffset: 0n, partitionMaxBytes: 1 << 20 })),
      },
    ],
    forgottenTopicsData: [],
  })
  if (fetched.responses[0]?.partitions.every(({ records }) => !records?.length))
    throw new Error('Fetch: no records')
  expectNone(
    'DeleteRecords',
    (
      await call(deleteRecords, {
        topics: [{ name: topic, partitions: [{ partitionIndex: 0, offset: 1n }] }],
        timeoutMs: TIMEOUT_MS,
      })
    ).topics.flatMap((one) => one.partitions),
  )

  await untilNone('FindCoordinator', async () => {
    const answer = await call(findCoordinator, { key: group, keyType: GROUP, coordinatorKeys: [group] })
    return [answer, ...answer.coordinators]
  })
  const protocols = [{ name: 'range', metadata: NO_SUBSCRIPTION }]
  const join = {
    groupId: group,
    sessionTimeoutMs: 30_000,
    rebalanceTimeoutMs: 30_000,
    protocolType: 'consumer',
    protocols,
  }
  let member = await call(joinGroup, { ...join, memberId: '' })
  for (let tries = 0; tries < 50 && member.errorCode !== 0; tries++) {
    // From version 4 on the first answer only hands out the member id; before, the coordinator may still be loading.
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS))
    member = await call(joinGroup, { ...join, memberId: member.memberId, reason: 'tour' })
  }
  const who = { groupId: group, generationId: member.generationId, memberId: member.memberId }
  expectNone('JoinGroup', [member])
  const synced = await call(syncGroup, {
    ...who,
    protocolType: 'consumer',
    protocolName: 'range',
    assignments: [{ memberId: member.memberId, assignment: Buffer.from('assignment') }],
  })
  expectNone('SyncGroup', [synced])
  expectNone('Heartbeat', [await call(heartbeat, who)])
  const commits = [
    { partitionIndex: 0, committedOffset: 1n, committedMetadata: 'note' },
    { partitionIndex: 1, committedOffset: 0n, committedMetadata: null },
  ]
  const committed = await call(offsetCommit, {
    groupId: group,
    generationIdOrMemberEpoch: member.generationId,
    memberId: member.memberId,
    topics: [{ name: topic, partitions: commits }],
  })
  expectNone(
    'OffsetCommit',
    committed.topics.flatMap((one) => one.partitions),
  )
  const asked = [{ name: topic, partitionIndexes: [0, 1, 2] }]
  await call(offsetFetch, { groupId: group, topics: asked, groups: [{ groupId: group, topics: asked }] })
  await call(describeGroups, { groups: [group, 'tour-absent'], includeAuthorizedOperations: true })
  await call(listGroups, { statesFilter: ['Stable'], typesFilter: ['classic'] })
  const left = await call(leaveGroup, {
    groupId: group,
    memberId: member.memberId,
    members: [{ memberId: member.memberId }],
  })
  expectNone('LeaveGroup', [left])
  await call(offsetDelete, { groupId: group, topics: [{ name: topic, partitions: [{ partitionIndex: 0 }] }] })
  await call(deleteGroups, { groupsNames: [group] })
  expectNone(
    'DeleteTopics',
    (await call(deleteTopics, { topics: [{ name: topic }], topicNames: [topic], timeoutMs: TIMEOUT_MS }))
      .responses,
  )
}

function expectNone(api: string, answers: readonly { readonly errorCode: number }[]): void {
  const bad = answers.find(({ errorCode }) => errorCode !== 0)
  if (bad !== undefined) throw new Error(`${api}: ${errorName(bad.errorCode)}`)
}

async function untilNone<T extends { readonly errorCode: number }>(
  api: string,
  ask: () => Promise<T[]>,
): Promise<T[]> {
  for (let tries = 0; ; tries++) {
    const answers = await ask()
    if (answers.every(({ errorCode }) => errorCode === 0)) return answers
    if (tries === 100) expectNone(api, answers)
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS))
  }
}
