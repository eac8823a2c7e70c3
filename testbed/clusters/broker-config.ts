import { randomBytes } from 'node:crypto'
import { type AccessDescription, accessProperties, clientProtocol } from './access.ts'

/** Partitions of the topic that holds groups' commits: few, so that a small cluster starts quickly. */
export const OFFSETS_PARTITIONS = 5

/**
 * One set for both providers, so that they behave alike. With this heap a broker takes about 320 MB. Test clusters live for minutes, several on few cores. The second compiler would spend those cores on code that is
 * thrown away soon, in the middle of what is measured.
 */
export const BROKER_JVM_OPTIONS = ['-Xmx384m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1'] as const

export interface BrokerPlace {
  readonly id: number
  /** Value of `listeners`, `advertised.listeners`, and one voter `id@host:port` per broker of the cluster. */
  readonly listeners: string
  readonly advertisedListeners: string
  readonly voters: readonly string[]
  readonly interBrokerListener: string
  readonly dataFolder: string
  /** How clients get in by the listener CLIENT, when there is one. */
  readonly access?: AccessDescription | undefined
}

/** The properties of one combined broker and controller, made for short tests rather than for long life. */
export function brokerProperties(
  place: BrokerPlace,
  overrides: Readonly<Record<string, string>> = {},
): Record<string, string> {
  const brokers = place.voters.length
  const { access } = place
  const client = access === undefined ? '' : `,CLIENT:${clientProtocol(access)}`
  return {
    'process.roles': 'broker,controller',
    'node.id': String(place.id),
    'controller.quorum.voters': place.voters.join(','),
    listeners: place.listeners,
    'advertised.listeners': place.advertisedListeners,
    'listener.security.protocol.map': `PLAINTEXT:PLAINTEXT,INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT${client}`,
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': place.interBrokerListener,
    'log.dirs': place.dataFolder,
    'auto.create.topics.enable': 'false',
    'group.initial.rebalance.delay.ms': '0',
    'default.replication.factor': String(brokers),
    'min.insync.replicas': String(majority(brokers)),
    'offsets.topic.num.partitions': String(OFFSETS_PARTITIONS),
    'offsets.topic.replication.factor': String(brokers),
    'transaction.state.log.num.partitions': '5',
    'transaction.state.log.replication.factor': String(brokers),
    'transaction.state.log.min.isr': String(majority(brokers)),
    // A killed broker comes back when its old session has run out: nine seconds by default.
    'broker.session.timeout.ms': '4000',
    'broker.heartbeat.interval.ms': '500',
    // So that a test of retention waits for seconds: the first check comes at once, the others every two seconds.
    'log.initial.task.delay.ms': '500',
    'log.retention.check.interval.ms': '2000',
    ...(access !== undefined && accessProperties(access)),
    ...overrides,
  }
}

function majority(brokers: number): number {
  return Math.floor(brokers / 2) + 1
}

export function propertiesFile(properties: Readonly<Record<string, string>>): string {
  return Object.entries(properties)
    .map(([key, value]) => `${key}=${value.replaceAll('\\', '\\\\')}\n`)
    .join('')
}

/** Environment variables by the conventions of the apache/kafka image: `-` is `___`, `_` is `__`, `.` is `_`. */
export function propertiesEnvironment(properties: Readonly<Record<string, string>>): Record<string, string> {
  const name = (key: string) =>
    `KAFKA_${key.replaceAll('_', '__').replaceAll('-', '___').replaceAll('.', '_').toUpperCase()}`
  return Object.fromEntries(Object.entries(properties).map(([key, value]) => [name(key), value]))
}

/** A cluster id is a UUID in URL-safe Base64; Kafka refuses one that starts with a dash. */
export function newClusterId(): string {
  for (;;) {
    const id = randomBytes(16).toString('base64url')
    if (!id.startsWith('-')) return id
  }
}
