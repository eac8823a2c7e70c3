import type { ClusterSecurity } from '@braid/routing-model'
import type { AccessDescription, SecuredBy } from './access.ts'
import { ClusterError } from './errors.ts'

export type KafkaVersion = '3.9.2' | '4.3.1'
export const DEFAULT_KAFKA_VERSION: KafkaVersion = '4.3.1'

export type ProviderName = 'docker' | 'jvm'

export interface ClusterSpec {
  readonly name: string
  readonly version?: KafkaVersion
  /** One or three combined brokers and controllers. */
  readonly brokers?: 1 | 3
  /** Clients have to say who they are, and have only the rights that they were given (`allow`). Plaintext when absent. */
  readonly security?: SecuredBy
  /** Of a secured cluster, beside admin: without any rights at first. */
  readonly users?: readonly string[]
  /** Broker properties of this cluster, over the testbed's own. */
  readonly config?: Readonly<Record<string, string>>
}

/** A real Kafka cluster that tests may break. */
export interface KafkaCluster {
  readonly name: string
  readonly version: KafkaVersion
  readonly provider: ProviderName
  /** host:port of every broker, comma separated. */
  readonly bootstrap: string
  readonly brokers: readonly Broker[]
  /** How its admin connects, who may do everything; undefined: plaintext. Other users: `securityOf`. */
  readonly security: ClusterSecurity | undefined
  /** Plain data from which another process gets the same cluster: see attachCluster. */
  readonly description: ClusterDescription
  /** Removes brokers and data. Safe to call twice. */
  stop(): Promise<void>
}

/**
 *            pause           kill
 *   paused <─────── up ──────────> down
 *     │ │            ^               ^ │
 *     │ └─ resume ───┤<──── start ───┼─┘
 *     └─────────── kill ─────────────┘
 */
export interface Broker {
  readonly id: number
  /** host:port, the same over the broker's whole life. */
  readonly address: string
  /** SIGKILL; resolves when the broker is gone. */
  kill(): Promise<void>
  /** Frozen: its connections stay open and go silent. */
  pause(): Promise<void>
  resume(): Promise<void>
  /** Up again whatever was done to it, with its data and on its port; resolves when it answers. */
  start(): Promise<void>
}

export interface ClusterDescription {
  readonly name: string
  readonly version: KafkaVersion
  readonly provider: ProviderName
  /** The run that owns it: when that process ends, the cluster is removed. */
  readonly run: string
  /** What else goes with stop(): a folder (jvm) or a network's id (docker). */
  readonly home: string
  readonly access?: AccessDescription | undefined
  readonly brokers: readonly BrokerDescription[]
}

export interface BrokerDescription {
  readonly id: number
  readonly address: string
  /** The broker's folder (jvm) or its container's id (docker). */
  readonly handle: string
}

export interface ClusterProvider {
  readonly name: ProviderName
  /** null when it can be used here, else why not and what would help. */
  why(): Promise<string | null>
  /** Starts all in parallel; on any failure nothing is left. */
  start(specs: readonly ClusterSpec[]): Promise<KafkaCluster[]>
  attach(description: ClusterDescription): KafkaCluster
}

async function provider(name: ProviderName): Promise<ClusterProvider> {
  // Loaded when asked for: the Docker client is heavy, and absent engines are nobody's error yet.
  return name === 'docker' ? (await import('./docker.ts')).docker : (await import('./jvm.ts')).jvm
}

const order: readonly ProviderName[] = ['docker', 'jvm']
let chosen: Promise<ClusterProvider> | undefined

/** BRAID_CLUSTERS=docker|jvm, else the first that works. Says on stderr which, and why not the others. */
export function chooseProvider(): Promise<ClusterProvider> {
  chosen ??= choose(process.env.BRAID_CLUSTERS, provider, (line) => console.error(line))
  return chosen
}

export async function choose(
  wanted: string | undefined,
  provider: (name: ProviderName) => Promise<ClusterProvider>,
  say: (line: string) => void,
): Promise<ClusterProvider> {
  const names = wanted === undefined || wanted === '' ? order : order.filter((name) => name === wanted)
  if (names.length === 0)
    throw new ClusterError('NO_PROVIDER', `BRAID_CLUSTERS=${wanted} is not a provider: use docker or jvm`)
  const refused: string[] = []
  for (const name of names) {
    const candidate = await provider(name)
    const why = await candidate.why()
    if (why === null) {
      const because = wanted ? 'BRAID_CLUSTERS says so' : refused.join('; ') || 'first choice'
      say(`clusters: ${name} (${because})`)
      return candidate
    }
    refused.push(`not ${name}: ${why}`)
  }
  const asked = wanted ? `BRAID_CLUSTERS=${wanted}` : 'no provider of Kafka clusters works here'
  throw new ClusterError('NO_PROVIDER', `${asked}: ${refused.join('; ')}`)
}

/** Starts clusters in parallel with the chosen provider. */
export async function startClusters(specs: readonly ClusterSpec[]): Promise<KafkaCluster[]> {
  checkSpecs(specs)
  return (await chooseProvider()).start(specs)
}

/** The same cluster in another process, for instance in a test's worker. */
export async function attachCluster(description: ClusterDescription): Promise<KafkaCluster> {
  return (await provider(description.provider)).attach(description)
}

export function checkSpecs(specs: readonly ClusterSpec[]): void {
  const names = new Set<string>()
  for (const { name } of specs) {
    if (!/^[a-z0-9][a-z0-9-]{0,30}$/.test(name))
      throw new ClusterError('BAD_SPEC', `cluster name "${name}": use up to 31 of a-z, 0-9 and -`)
    if (names.has(name)) throw new ClusterError('BAD_SPEC', `two clusters are called ${name}`)
    names.add(name)
  }
}
