// For tests: a cluster in memory that behaves as the real ones do where the control plane looks.
import {
  type BrokerAddress,
  type ClockReading,
  type ConfigValue,
  ConnectionError,
  type Cuts,
  type GroupOffset,
  type Right,
  type TopicConfigChange,
} from '@braid/kafka-connection'
import {
  baseSequence,
  errorCodes,
  lastOffsetDelta,
  nextOffset,
  producerEpoch,
  producerId,
  setBaseOffset,
} from '@braid/kafka-protocol'
import type {
  BrokerLook,
  GroupCommits,
  KafkaCluster,
  RightsAsked,
  TopicPartitions,
} from '../clusters/kafka-cluster.ts'

interface FakePartition {
  start: bigint
  end: bigint
  batches: Buffer[]
  producers: Map<bigint, { epoch: number; lastSequence: number }>
}

interface FakeTopic {
  replicationFactor: number
  configs: Map<string, ConfigValue>
  partitions: FakePartition[]
}

const defaults: Readonly<Record<string, string>> = {
  'max.message.bytes': '1048588',
  'cleanup.policy': 'delete',
  'retention.ms': '604800000',
}
const sealed = { value: '1', source: 'topic' } as const

export class FakeCluster implements KafkaCluster {
  readonly name: string
  readonly topics = new Map<string, FakeTopic>()
  readonly groups = new Map<string, GroupOffset[]>()
  clusterId: string
  brokers = 1
  /** By id: those that do not answer at the address that they advertise. */
  readonly brokersAway = new Set<number>()
  /** Of its controller's clock, in ms. */
  aheadMs = 0
  lacksRights: Right[] = []
  /** Every call fails while it is set. */
  away = false
  /** Every call that was made, by name. */
  readonly calls: string[] = []
  /** Brokers refuse only after so many looks: a config takes a moment to reach them. */
  looksUntilSealed = 1
  /** Topics whose brokers never refuse. */
  readonly stubborn = new Set<string>()
  /** So many appends are done and not answered. */
  answersToLose = 0
  /** Of one answer to a read. */
  readMaxBytes = 1_000
  private looks = 0

  constructor(name: string) {
    this.name = name
    this.clusterId = `id-of-${name}`
  }

  async checkSupported() {
    this.called('checkSupported')
  }

  async facts() {
    this.called('facts')
    let partitions = 0
    for (const topic of this.topics.values()) partitions += topic.partitions.length
    return { clusterId: this.clusterId, brokers: this.brokers, partitions }
  }

  async describe(name: string) {
    this.called('describe')
    const topic = this.topics.get(name)
    if (topic === undefined) return undefined
    const { replicationFactor, configs, partitions } = topic
    return { partitions: partitions.length, replicationFactor, configs: new Map(configs) }
  }

  async describeTopics(names: readonly string[]) {
    this.called('describeTopics')
    const found = new Map<string, NonNullable<Awaited<ReturnType<KafkaCluster['describe']>>>>()
    for (const name of names) {
      const topic = this.topics.get(name)
      if (topic === undefined) continue
      const { replicationFactor, configs, partitions } = topic
      found.set(name, { partitions: partitions.length, replicationFactor, configs: new Map(configs) })
    }
    return found
  }

  async changeConfigs(changes: readonly TopicConfigChange[]) {
    this.called('changeConfigs')
    for (const { topic, configs } of changes) {
      const known = this.topic(topic).configs
      for (const [name, value] of Object.entries(configs)) {
        if (value === null) known.set(name, { value: defaults[name] ?? null, source: 'default' })
        else known.set(name, { value, source: 'topic' })
      }
    }
  }

  async createPartitions(topics: readonly TopicPartitions[]) {
    this.called('createPartitions')
    for (const { topic, partitions } of topics) {
      const known = this.topic(topic).partitions
      while (known.length < partitions) known.push({ start: 0n, end: 0n, batches: [], producers: new Map() })
    }
  }

  async createTopic(wanted: Parameters<KafkaCluster['createTopic']>[0]) {
    this.called('createTopic')
    if (this.topics.has(wanted.topic)) return 'exists' as const
    const configs = new Map<string, ConfigValue>(
      Object.entries(defaults).map(([name, value]) => [name, { value, source: 'default' }]),
    )
    for (const [key, value] of Object.entries(wanted.configs ?? {}))
      configs.set(key, { value, source: 'topic' })
    const partitions = Array.from(
      { length: wanted.partitions },
      (): FakePartition => ({ start: 0n, end: 0n, batches: [], producers: new Map() }),
    )
    this.topics.set(wanted.topic, { replicationFactor: wanted.replicationFactor ?? 1, configs, partitions })
    return 'created' as const
  }

  async waitForLeaders(topic: string) {
    this.called('waitForLeaders')
    this.topic(topic)
  }

  async deleteTopic(topic: string) {
    this.called('deleteTopic')
    return this.topics.delete(topic)
  }

  async seal(topics: readonly string[]) {
    this.called('seal')
    this.looks = 0
    const missing = topics.find((topic) => !this.topics.has(topic))
    for (const topic of topics) this.topics.get(topic)?.configs.set('max.message.bytes', sealed)
    if (missing !== undefined) throw this.error('UNKNOWN_TOPIC_OR_PARTITION')
  }

  async unseal(topics: readonly { topic: string; override: string | null }[]) {
    this.called('unseal')
    for (const { topic, override } of topics) {
      const value: ConfigValue =
        override === null ? { value: '1048588', source: 'default' } : { value: override, source: 'topic' }
      this.topics.get(topic)?.configs.set('max.message.bytes', value)
    }
  }

  async readCuts(topics: readonly TopicPartitions[]): Promise<Cuts[]> {
    this.called('readCuts')
    this.looks++
    return topics.map(({ topic: name, partitions }) => {
      const topic = this.topics.get(name)
      if (topic === undefined) {
        const reason = 'its leader is not known'
        return {
          sealed: new Array<boolean>(partitions).fill(false),
          cuts: new Array<bigint>(partitions).fill(-1n),
          pending: Array.from({ length: partitions }, (_, partition) => ({ partition, reason })),
        }
      }
      const refuses = this.looks >= this.looksUntilSealed && !this.stubborn.has(name)
      const isSealed = this.isSealed(name) && refuses
      return {
        sealed: new Array<boolean>(partitions).fill(isSealed),
        cuts: topic.partitions.map((partition) => partition.end),
        pending: isSealed
          ? []
          : topic.partitions.map((_, partition) => ({ partition, reason: 'takes records' })),
      }
    })
  }

  async logEnds(name: string, _partitions: number, which: 'earliest' | 'highWatermark' | 'logEnd') {
    this.called('logEnds')
    return this.topic(name).partitions.map(({ start, end }) => (which === 'earliest' ? start : end))
  }

  async logEndsOfTopics(topics: readonly TopicPartitions[]) {
    this.called('logEndsOfTopics')
    return topics.map(({ topic, partitions }) =>
      Array.from({ length: partitions }, (_, i) => this.topics.get(topic)?.partitions[i]?.end ?? -1n),
    )
  }

  async producerStates(name: string, partition: number) {
    this.called('producerStates')
    return new Map(this.topic(name).partitions[partition]!.producers)
  }

  async readBatches(name: string, partition: number, offset: bigint, maxBytes: number) {
    this.called('readBatches')
    const { batches, start, end } = this.topic(name).partitions[partition]!
    if (offset < start || offset > end) throw this.error('OFFSET_OUT_OF_RANGE')
    const read: Buffer[] = []
    let bytes = 0
    for (const batch of batches) {
      if (nextOffset(batch, 0) <= offset) continue
      // The first is whole, whatever it takes.
      if (read.length > 0 && bytes + batch.length > Math.min(maxBytes, this.readMaxBytes)) break
      read.push(batch)
      bytes += batch.length
    }
    return Buffer.concat(read)
  }

  async append(name: string, partition: number, batch: Buffer) {
    this.called('append')
    if (this.isSealed(name)) throw this.error('MESSAGE_TOO_LARGE')
    const appended = this.write(name, partition, batch)
    if (this.answersToLose > 0) {
      this.answersToLose--
      throw new ConnectionError('TIMED_OUT', `${this.name}: no answer`, { cluster: this.name })
    }
    return appended
  }

  async groupCommits(topic: string) {
    this.called('groupCommits')
    return Array.from(
      this.groups,
      ([groupId, offsets]): GroupCommits => ({
        groupId,
        offsets: offsets.filter((offset) => offset.topic === topic),
      }),
    ).filter(({ offsets }) => offsets.length > 0)
  }

  async groupCommitsOfTopics(topics: ReadonlySet<string>) {
    this.called('groupCommitsOfTopics')
    return Array.from(
      this.groups,
      ([groupId, offsets]): GroupCommits => ({
        groupId,
        offsets: offsets.filter((offset) => topics.has(offset.topic)),
      }),
    ).filter(({ offsets }) => offsets.length > 0)
  }

  async commit({ groupId, offsets }: GroupCommits) {
    this.called('commit')
    for (const { topic } of offsets) this.topic(topic)
    this.groups.set(groupId, [...(this.groups.get(groupId) ?? []), ...offsets])
  }

  async brokerAddresses(): Promise<readonly BrokerAddress[]> {
    this.called('brokers')
    return Array.from({ length: this.brokers }, (_, i) => ({ id: i + 1, host: this.name, port: 9092 + i }))
  }

  async lookAtBroker(id: number): Promise<BrokerLook> {
    this.called('lookAtBroker')
    if (this.brokersAway.has(id))
      throw new ConnectionError('CONNECT_FAILED', `${this.name} broker ${id}: refused`, {
        cluster: this.name,
      })
    return { lacks: [], isCurrent: true }
  }

  async controllerClock(): Promise<ClockReading | undefined> {
    this.called('controllerClock')
    return { aheadMs: this.aheadMs, errorMs: 1 }
  }

  async missingRights(_asked: RightsAsked): Promise<readonly Right[]> {
    this.called('missingRights')
    return this.lacksRights
  }

  /** Asked all the time, so it is not among the calls. */
  async pulse() {
    if (this.away) throw this.refused()
  }

  async close() {}

  // ---- what tests do behind the control plane's back

  isSealed(topic: string): boolean {
    return this.topic(topic).configs.get('max.message.bytes')?.value === '1'
  }

  /** An append, sealed or not, with a broker's memory of producers. */
  write(name: string, partition: number, batch: Buffer): 'appended' | 'duplicate' {
    const log = this.topic(name).partitions[partition]!
    const id = producerId(batch, 0)
    const lastSequence = baseSequence(batch, 0) + lastOffsetDelta(batch, 0)
    if (id >= 0n) {
      const known = log.producers.get(id)
      const epoch = producerEpoch(batch, 0)
      if (known?.epoch === epoch && known.lastSequence >= lastSequence) return 'duplicate'
      log.producers.set(id, { epoch, lastSequence })
    }
    const appended = Buffer.from(batch)
    setBaseOffset(appended, 0, log.end)
    log.batches.push(appended)
    log.end += BigInt(lastOffsetDelta(batch, 0) + 1)
    return 'appended'
  }

  /** Retention takes everything that is there. */
  expire(name: string): void {
    for (const log of this.topic(name).partitions) {
      log.start = log.end
      log.batches = []
    }
  }

  topic(name: string): FakeTopic {
    const topic = this.topics.get(name)
    if (topic === undefined) throw this.error('UNKNOWN_TOPIC_OR_PARTITION')
    return topic
  }

  private called(name: string): void {
    this.calls.push(name)
    if (this.away) throw this.refused()
  }

  private refused(): ConnectionError {
    return new ConnectionError('CONNECT_FAILED', `${this.name}: refused`, { cluster: this.name })
  }

  private error(
    name: 'MESSAGE_TOO_LARGE' | 'UNKNOWN_TOPIC_OR_PARTITION' | 'OFFSET_OUT_OF_RANGE',
  ): ConnectionError {
    const facts = { cluster: this.name, kafkaError: errorCodes[name] }
    return new ConnectionError('BROKER_ERROR', `${this.name}: ${name}`, facts)
  }
}
