// What the control plane asks of one cluster. Everything above works on this interface, so that sagas can be
// failed at every step without a cluster; real-cluster.ts carries it out.
import type {
  BrokerAddress,
  ClockReading,
  ConfigValue,
  Cuts,
  GroupOffset,
  LogEnd,
  NewTopic,
  ProducerState,
  Right,
  TopicConfigChange,
} from '@braid/kafka-connection'

export interface ClusterFacts {
  readonly clusterId: string
  readonly brokers: number
  /** Over all topics except Kafka's own; replicas are not counted. */
  readonly partitions: number
}

export interface PhysicalTopicFacts {
  readonly partitions: number
  readonly replicationFactor: number
  readonly configs: ReadonlyMap<string, ConfigValue>
}

export interface GroupCommits {
  readonly groupId: string
  readonly offsets: readonly GroupOffset[]
}

export interface TopicPartitions {
  readonly topic: string
  readonly partitions: number
}

/** What one broker says of itself. */
export interface BrokerLook {
  /** APIs that Braid needs and it does not offer. */
  readonly lacks: readonly string[]
  /** Whether it is of the oldest release that Braid is tested with, or later. */
  readonly isCurrent: boolean
}

export interface RightsAsked {
  readonly topics: readonly string[]
  readonly groups: readonly string[]
}

export interface KafkaCluster {
  readonly name: string
  /** Rejects with CLUSTER_UNSUPPORTED when it lacks what a seal needs. */
  checkSupported(): Promise<void>
  facts(): Promise<ClusterFacts>
  /** Undefined when there is no such topic. */
  describe(topic: string): Promise<PhysicalTopicFacts | undefined>
  /** Of many at once, without those that are not there. */
  describeTopics(topics: readonly string[]): Promise<ReadonlyMap<string, PhysicalTopicFacts>>
  /** One request for all of them. */
  changeConfigs(changes: readonly TopicConfigChange[]): Promise<void>
  /** As many as there shall be by then; one request for all of them. Never fewer. */
  createPartitions(topics: readonly TopicPartitions[]): Promise<void>
  createTopic(topic: NewTopic): Promise<'created' | 'exists'>
  waitForLeaders(topic: string, partitions: number, timeoutMs: number): Promise<void>
  /** False when there was none. */
  deleteTopic(topic: string): Promise<boolean>
  /** One request for all of them. */
  seal(topics: readonly string[]): Promise<void>
  /**
   * One request for all of them. `override` is the max.message.bytes that the topic had of its own; null when it had
   * none. What is not there needs no unsealing.
   */
  unseal(topics: readonly { readonly topic: string; readonly override: string | null }[]): Promise<void>
  /** Of each topic, in their order; in one pass over all leaders. */
  readCuts(topics: readonly TopicPartitions[]): Promise<Cuts[]>
  logEnds(topic: string, partitions: number, which: LogEnd): Promise<bigint[]>
  /**
   * The log ends of each topic, in their order, replicated or not; -1n where nobody tells. In one pass over all leaders,
   * asked once.
   */
  logEndsOfTopics(topics: readonly TopicPartitions[]): Promise<bigint[][]>
  producerStates(topic: string, partition: number): Promise<ReadonlyMap<bigint, ProducerState>>
  /** Whole record batches from `offset` on, as the broker has them; empty at the end. The last may be cut short. */
  readBatches(topic: string, partition: number, offset: bigint, maxBytes: number): Promise<Buffer>
  /** Appends one batch and waits for all replicas; `duplicate` when the broker knew it by its sequence. */
  append(topic: string, partition: number, batch: Buffer): Promise<'appended' | 'duplicate'>
  /** Of every group that has committed for the topic. */
  groupCommits(topic: string): Promise<GroupCommits[]>
  /** The same for many topics: each group once, without those that have committed for none of them. */
  groupCommitsOfTopics(topics: ReadonlySet<string>): Promise<GroupCommits[]>
  commit(commits: GroupCommits): Promise<void>
  /** Where its brokers say that they are. */
  brokerAddresses(): Promise<readonly BrokerAddress[]>
  /** Connects to this one, at the address that it advertises. */
  lookAtBroker(id: number): Promise<BrokerLook>
  /** Undefined when it does not tell. */
  controllerClock(): Promise<ClockReading | undefined>
  /** What our user is not granted and Braid needs, on those topics and groups. Asks, and tries nothing. */
  missingRights(asked: RightsAsked): Promise<readonly Right[]>
  /** Resolves when any broker answers a tiny question within the time, rejects otherwise. */
  pulse(timeoutMs: number): Promise<void>
  close(): Promise<void>
}
