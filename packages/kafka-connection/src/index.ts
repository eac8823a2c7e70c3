export { type ClockReading, controllerClock } from './admin/controller-clock.ts'
export { createPartitions, type MorePartitions } from './admin/create-partitions.ts'
export { createTopic, deleteTopic, type NewTopic, waitForLeaders } from './admin/create-topic.ts'
export { deleteRecords } from './admin/delete-records.ts'
export { describeTopics, type TopicDescription } from './admin/describe-topics.ts'
export { logEndsOfTopics } from './admin/ends-of-topics.ts'
export { missingGroupRights, missingTopicRights } from './admin/granted-rights.ts'
export {
  commitGroupOffsets,
  fetchGroupOffsets,
  type GroupListing,
  type GroupOffset,
  listGroups,
} from './admin/groups.ts'
export { type LogEnd, logEnds } from './admin/log-ends.ts'
export { type ProducerState, producerStates } from './admin/producer-states.ts'
export { pulse } from './admin/pulse.ts'
export { type Cuts, readCuts, readCutsOfTopics } from './admin/read-cuts.ts'
export { sealTopics, unsealTopics } from './admin/seal.ts'
export {
  alterTopicConfigs,
  type ConfigSource,
  type ConfigValue,
  changeTopicConfigs,
  describeTopicConfigs,
  type TopicConfigChange,
} from './admin/topic-configs.ts'
export type { ApiVersionRange } from './api-versions.ts'
export { BrokerConnection, type CallableApi } from './broker-connection.ts'
export type { Clock, Timer } from './clock.ts'
export { ClusterConnections } from './cluster-connections.ts'
export { ConnectionError, type ConnectionErrorCode, isMisconfiguration } from './errors.ts'
export type { OnAnswer } from './in-flight.ts'
export { type Opened, type OpenRequest, openConnection } from './open-connection.ts'
export { type ClusterAddress, type ConnectionOptions, defaultOptions } from './options.ts'
export type { BrokerAddress, Lane } from './pool.ts'
export { describeRight, type Right } from './rights.ts'
export type { TlsMaterial } from './security/tls.ts'
export type { Connect, SocketRequest } from './socket.ts'
