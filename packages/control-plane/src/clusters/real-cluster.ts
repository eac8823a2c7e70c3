import {
  ClusterConnections,
  ConnectionError,
  changeTopicConfigs,
  commitGroupOffsets,
  controllerClock,
  createPartitions,
  createTopic,
  deleteTopic,
  describeTopicConfigs,
  describeTopics,
  fetchGroupOffsets,
  listGroups,
  logEnds,
  logEndsOfTopics,
  missingGroupRights,
  missingTopicRights,
  producerStates,
  pulse,
  readCutsOfTopics,
  sealTopics,
  unsealTopics,
  waitForLeaders,
} from '@braid/kafka-connection'
import {
  describeProducers,
  describeQuorum,
  errorCodes,
  errorName,
  fetch,
  incrementalAlterConfigs,
  listOffsets,
  metadata,
  produce,
} from '@braid/kafka-protocol'
import type { ClusterRoute } from '@braid/routing-model'
import { Refusal } from '../refusal.ts'
import type { GroupCommits, KafkaCluster, PhysicalTopicFacts } from './kafka-cluster.ts'

export interface RealClusterOptions {
  readonly connectTimeoutMs: number
  readonly requestTimeoutMs: number
}

const appendTimeoutMs = 10_000
/** Whose offsets are asked for at a time. */
const groupsAtOnceMax = 16
// Only brokers of a KRaft cluster offer DescribeQuorum. With ZooKeeper, config changes and leader changes are not one
// ordered log, and a broker that leads later need not have applied the seal.
const neededApis = [incrementalAlterConfigs, describeProducers, describeQuorum]
/** Came with 3.9 (KIP-1005). */
const listOffsetsSince39 = { ...listOffsets, minVersion: 9, maxVersion: 9 }
const topicOperations = [
  'Create',
  'Delete',
  'Alter',
  'Describe',
  'DescribeConfigs',
  'AlterConfigs',
  'Read',
  'Write',
] as const
const groupOperations = ['Read', 'Describe', 'Delete'] as const

/** What of a cluster is needed to connect to it. */
export type ClusterEnd = Pick<ClusterRoute, 'name' | 'bootstrap' | 'security'>

export function openRealCluster(end: ClusterEnd, options: RealClusterOptions): KafkaCluster {
  const { name, bootstrap, security } = end
  const cluster = new ClusterConnections(
    { name, bootstrap },
    { clientId: 'braid-control-plane', security, ...options },
  )

  async function describeMetadata(topics: { name: string }[] | null) {
    const broker = await cluster.any('slow')
    return broker.call(metadata, { topics, allowAutoTopicCreation: false })
  }

  async function leaderOf(topic: string, partition: number) {
    if (cluster.leader(topic, partition) < 0) await cluster.refreshMetadata([topic])
    return cluster.shared(cluster.leader(topic, partition), 'slow')
  }

  function brokerError(what: string, topic: string, partition: number, code: number): ConnectionError {
    if (code === errorCodes.NOT_LEADER_OR_FOLLOWER) cluster.invalidate(topic, partition)
    return new ConnectionError('BROKER_ERROR', `${name}: ${what} ${topic}-${partition}: ${errorName(code)}`, {
      cluster: name,
      kafkaError: code,
    })
  }

  return {
    name,

    async checkSupported() {
      const broker = await cluster.any('slow')
      for (const api of neededApis) {
        try {
          broker.versionOf(api)
        } catch (error) {
          throw new Refusal(
            'CLUSTER_UNSUPPORTED',
            `${name} does not offer ${api.name}; Braid needs Kafka 3.3 or later in KRaft mode, because a seal relies on one ordered log of configs and leaders`,
            { cause: error },
          )
        }
      }
    },

    async facts() {
      const { clusterId, brokers, topics } = await describeMetadata(null)
      let partitions = 0
      for (const topic of topics) if (!topic.isInternal) partitions += topic.partitions.length
      return { clusterId: clusterId ?? '', brokers: brokers.length, partitions }
    },

    async describe(topic): Promise<PhysicalTopicFacts | undefined> {
      const found = (await describeMetadata([{ name: topic }])).topics[0]
      if (found === undefined || found.errorCode === errorCodes.UNKNOWN_TOPIC_OR_PARTITION) return undefined
      if (found.errorCode === errorCodes.INVALID_TOPIC_EXCEPTION) return undefined
      if (found.errorCode !== errorCodes.NONE && found.errorCode !== errorCodes.LEADER_NOT_AVAILABLE) {
        throw brokerError('describing', topic, 0, found.errorCode)
      }
      return {
        partitions: found.partitions.length,
        replicationFactor: found.partitions[0]?.replicaNodes.length ?? 1,
        configs: await describeTopicConfigs(cluster, topic),
      }
    },

    describeTopics: (topics) => describeTopics(cluster, topics),
    changeConfigs: (changes) => changeTopicConfigs(cluster, changes, 'slow'),
    createPartitions: (topics) => createPartitions(cluster, topics),

    async createTopic(topic) {
      try {
        await createTopic(cluster, topic)
        return 'created'
      } catch (error) {
        if (error instanceof ConnectionError && error.kafkaError === errorCodes.TOPIC_ALREADY_EXISTS)
          return 'exists'
        throw error
      }
    },

    waitForLeaders: (topic, partitions, timeoutMs) => waitForLeaders(cluster, topic, partitions, timeoutMs),

    async deleteTopic(topic) {
      const deleted = await deleteTopic(cluster, topic)
      cluster.forgetTopic(topic)
      return deleted
    },

    seal: (topics) => sealTopics(cluster, topics),

    async unseal(topics) {
      const asked = topics.map(({ topic, override }) => ({ topic, maxMessageBytes: override }))
      try {
        await unsealTopics(cluster, asked)
      } catch (error) {
        const gone =
          error instanceof ConnectionError && error.kafkaError === errorCodes.UNKNOWN_TOPIC_OR_PARTITION
        if (!gone) throw error
        const { topics: known } = await describeMetadata(asked.map(({ topic }) => ({ name: topic })))
        const there = new Set(
          known
            .filter(({ errorCode }) => errorCode !== errorCodes.UNKNOWN_TOPIC_OR_PARTITION)
            .map(({ name }) => name),
        )
        await unsealTopics(
          cluster,
          asked.filter(({ topic }) => there.has(topic)),
        )
      }
    },

    readCuts: (topics) => readCutsOfTopics(cluster, topics),
    logEnds: (topic, partitions, which) => logEnds(cluster, topic, partitions, which),
    logEndsOfTopics: (topics) => logEndsOfTopics(cluster, topics),
    producerStates: (topic, partition) => producerStates(cluster, topic, partition),

    async readBatches(topic, partition, offset, maxBytes) {
      const broker = await leaderOf(topic, partition)
      const answer = await broker.call(fetch, {
        replicaId: -1,
        maxWaitMs: 0,
        minBytes: 0,
        maxBytes,
        isolationLevel: 0,
        sessionId: 0,
        sessionEpoch: -1,
        topics: [
          {
            topic,
            partitions: [
              { partition, fetchOffset: offset, logStartOffset: -1n, partitionMaxBytes: maxBytes },
            ],
          },
        ],
      })
      const part = answer.responses[0]?.partitions[0]
      const code = part?.errorCode ?? answer.errorCode
      if (part === undefined || code !== errorCodes.NONE) throw brokerError('reading', topic, partition, code)
      return part.records ?? Buffer.alloc(0)
    },

    async append(topic, partition, batch) {
      const broker = await leaderOf(topic, partition)
      const answer = await broker.call(
        produce,
        {
          acks: -1,
          timeoutMs: appendTimeoutMs,
          topicData: [{ name: topic, partitionData: [{ index: partition, records: batch }] }],
        },
        { timeoutMs: appendTimeoutMs + 1_000 },
      )
      const code = answer.responses[0]?.partitionResponses[0]?.errorCode ?? errorCodes.UNKNOWN_SERVER_ERROR
      if (code === errorCodes.DUPLICATE_SEQUENCE_NUMBER) return 'duplicate'
      if (code !== errorCodes.NONE) throw brokerError('appending to', topic, partition, code)
      return 'appended'
    },

    async groupCommits(topic) {
      const commits: GroupCommits[] = []
      for (const { groupId } of await listGroups(cluster)) {
        const offsets = (await fetchGroupOffsets(cluster, groupId)).filter((offset) => offset.topic === topic)
        if (offsets.length > 0) commits.push({ groupId, offsets })
      }
      return commits
    },

    async groupCommitsOfTopics(topics) {
      const commits: GroupCommits[] = []
      const groups = (await listGroups(cluster)).values()
      const worker = async () => {
        for (const { groupId } of groups) {
          const offsets = (await fetchGroupOffsets(cluster, groupId)).filter(({ topic }) => topics.has(topic))
          if (offsets.length > 0) commits.push({ groupId, offsets })
        }
      }
      await Promise.all(Array.from({ length: groupsAtOnceMax }, worker))
      return commits
    },

    commit: ({ groupId, offsets }) => commitGroupOffsets(cluster, groupId, offsets),
    brokerAddresses: () => cluster.brokers(),

    async lookAtBroker(id) {
      const broker = await cluster.shared(id, 'slow')
      const offers = (api: (typeof neededApis)[number] | typeof listOffsetsSince39) => {
        try {
          broker.versionOf(api)
          return true
        } catch {
          return false
        }
      }
      return {
        lacks: neededApis.filter((api) => !offers(api)).map((api) => api.name),
        isCurrent: offers(listOffsetsSince39),
      }
    },

    controllerClock: () => controllerClock(cluster),

    async missingRights({ topics, groups }) {
      return [
        ...(await missingTopicRights(cluster, topics, topicOperations)),
        ...(await missingGroupRights(cluster, groups, groupOperations)),
      ]
    },

    pulse: (timeoutMs) => pulse(cluster, timeoutMs),
    close: () => cluster.close(),
  }
}
