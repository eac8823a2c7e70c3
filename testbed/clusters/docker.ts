import { randomBytes } from 'node:crypto'
import { chmodSync, mkdirSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { GenericContainer, getContainerRuntimeClient, type WaitStrategy } from 'testcontainers'
import { type AccessDescription, makeAccess, scramConfigArguments, securityOf } from './access.ts'
import { BROKER_JVM_OPTIONS, brokerProperties, newClusterId, propertiesEnvironment } from './broker-config.ts'
import {
  type Broker,
  type BrokerDescription,
  type ClusterDescription,
  type ClusterProvider,
  type ClusterSpec,
  DEFAULT_KAFKA_VERSION,
  type KafkaCluster,
} from './cluster.ts'
import { ownerLabels, removeAbandonedContainers, removeContainer, unlessGone } from './docker-left-behind.ts'
import { ClusterError } from './errors.ts'
import { kafkaImage, whyNoImage } from './image/find.ts'
import { choosePorts } from './ports.ts'
import { waitForBroker, waitForCluster } from './ready.ts'
import { ensureReaper } from './reaper.ts'
import { currentRun, hasMemoryFolder, runFolder } from './run.ts'
import { within } from './within.ts'

const ENGINE_ANSWER_MS = 10_000
const START_TIMEOUT_MS = 180_000
const KILL_TIMEOUT_MS = 10_000
const PAUSE_ATTEMPTS = 10
const CLIENT_PORT = 9092
const CONTROLLER_PORT = 9093
const INTERNAL_PORT = 9094

/** Clusters as containers of an image by the conventions of apache/kafka. */
export const docker: ClusterProvider = {
  name: 'docker',
  async why() {
    const engine = await whyNoEngine()
    return engine ?? (await whyNoImage(DEFAULT_KAFKA_VERSION))
  },
  start: startDockerClusters,
  attach,
}

async function whyNoEngine(): Promise<string | null> {
  try {
    await within(
      engine().then((dockerode) => dockerode.ping()),
      ENGINE_ANSWER_MS,
      'no answer',
    )
    return null
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    return `no Docker engine answers (${reason}): start one (dockerd), or set DOCKER_HOST`
  }
}

async function engine() {
  return (await getContainerRuntimeClient()).container.dockerode
}

let swept: Promise<void> | undefined

async function startDockerClusters(specs: readonly ClusterSpec[]): Promise<KafkaCluster[]> {
  const noEngine = await whyNoEngine()
  if (noEngine !== null) throw new ClusterError('NO_ENGINE', noEngine)
  await ensureReaper('containers')
  swept ??= removeAbandonedContainers()
  await swept
  const versions = new Set(specs.map(({ version }) => version ?? DEFAULT_KAFKA_VERSION))
  for (const version of versions) await kafkaImage(version)
  const started = await Promise.allSettled(specs.map(startOne))
  const clusters = started.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
  const failed = started.find((result) => result.status === 'rejected')
  if (failed === undefined) return clusters
  await Promise.all(clusters.map((cluster) => cluster.stop()))
  throw failed.reason
}

async function startOne(spec: ClusterSpec): Promise<KafkaCluster> {
  const { name, version = DEFAULT_KAFKA_VERSION, brokers: count = 1, config = {} } = spec
  const image = await kafkaImage(version)
  const clusterId = newClusterId()
  const suffix = randomBytes(4).toString('hex')
  const ids = Array.from({ length: count }, (_, i) => i + 1)
  // Brokers of one cluster find each other by container name; a single one needs no network of its own.
  const hostOf = (id: number) => (count === 1 ? 'localhost' : `braid-${name}-${id}-${suffix}`)
  const ports = await choosePorts(count)
  const access =
    spec.security === undefined
      ? undefined
      : await makeAccess(
          join(runFolder(currentRun()), `${name}-access-${suffix}`),
          spec.security,
          spec.users ?? [],
        )
  const client = access === undefined ? 'PLAINTEXT' : 'CLIENT'
  const network = count === 1 ? '' : await createNetwork(`braid-${name}-${suffix}`)
  const started = await Promise.allSettled(
    ids.map(async (id): Promise<BrokerDescription> => {
      const port = ports[id - 1] ?? 0
      const address = `127.0.0.1:${port}`
      const properties = brokerProperties(
        {
          id,
          listeners: `${client}://:${CLIENT_PORT},INTERNAL://:${INTERNAL_PORT},CONTROLLER://:${CONTROLLER_PORT}`,
          advertisedListeners: `${client}://${address},INTERNAL://${hostOf(id)}:${INTERNAL_PORT}`,
          voters: ids.map((voter) => `${voter}@${hostOf(voter)}:${CONTROLLER_PORT}`),
          interBrokerListener: 'INTERNAL',
          dataFolder: DATA_FOLDER,
          access,
        },
        config,
      )
      const container = new KafkaContainer(image, port)
        .withName(`braid-${name}-${id}-${suffix}`)
        .withLabels(ownerLabels(currentRun()))
        .withEnvironment({
          ...propertiesEnvironment(properties),
          CLUSTER_ID: clusterId,
          KAFKA_HEAP_OPTS: BROKER_JVM_OPTIONS[0],
          KAFKA_JVM_PERFORMANCE_OPTS: BROKER_JVM_OPTIONS.slice(1).join(' '),
          KAFKA_LOG4J_ROOT_LOGLEVEL: 'WARN',
        })
      if (network !== '') container.withNetworkMode(network)
      if (canLendMemory()) {
        const source = join(runFolder(currentRun()), `${name}-${id}-${suffix}`)
        mkdirSync(source, { recursive: true })
        // The image may run as somebody else.
        chmodSync(source, 0o777)
        container.withBindMounts([{ source, target: DATA_FOLDER, mode: 'rw' }])
      }
      return { id, address, handle: (await container.start()).getId() }
    }),
  )
  const brokers = started.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
  const cluster = attach({
    name,
    version,
    provider: 'docker',
    run: currentRun(),
    home: network,
    access,
    brokers,
  })
  try {
    const failed = started.find((result) => result.status === 'rejected')
    if (failed !== undefined) throw startError(name, failed.reason)
    await waitForCluster(
      name,
      brokers.map(({ address }) => address),
      {
        access,
        timeoutMs: START_TIMEOUT_MS,
        ended: async () => (await Promise.all(brokers.map(whyEnded))).find((why) => why !== undefined),
        log: async () => (await Promise.all(brokers.map(logTail))).join('\n'),
      },
    )
    if (access !== undefined) await makeScramUsers(access, brokers[0]!)
  } catch (error) {
    await cluster.stop()
    throw error
  }
  return cluster
}

/**
 * On the running cluster, as the image formats its storage without asking: from inside, where the brokers' own listener is
 * that lets everybody in.
 */
async function makeScramUsers(access: AccessDescription, broker: BrokerDescription): Promise<void> {
  if (access.securedBy === 'ssl') return
  const container = (await getContainerRuntimeClient()).container
  const java = ['java', '-cp', '/opt/kafka/libs/*', 'kafka.admin.ConfigCommand']
  const runs = access.users.flatMap((user) =>
    scramConfigArguments(access, user).map((configArguments) => ({ user, configArguments })),
  )
  for (const { user, configArguments } of runs) {
    const command = [...java, '--bootstrap-server', `localhost:${INTERNAL_PORT}`, ...configArguments]
    const { exitCode, output } = await container.exec(container.getById(broker.handle), command)
    if (exitCode !== 0)
      throw new ClusterError(
        'BROKER_ENDED',
        `user ${user} could not be made (status ${exitCode}):\n${output}`,
      )
  }
}

const DATA_FOLDER = '/tmp/kafka-data'

/** Data in memory, as with processes: only root can remove what a container's user wrote, and only an engine here sees it. */
const canLendMemory = (): boolean =>
  hasMemoryFolder() && process.getuid?.() === 0 && process.env.DOCKER_HOST === undefined

/** Published on 127.0.0.1 only, on the port that the broker advertises. Removed by our reaper, not by testcontainers'. */
class KafkaContainer extends GenericContainer {
  readonly #port: number

  constructor(image: string, port: number) {
    super(image)
    this.#port = port
    this.withExposedPorts({ container: CLIENT_PORT, host: port })
    this.withWaitStrategy(noWait).withAutoCleanup(false)
  }

  protected override async beforeContainerCreated(): Promise<void> {
    this.hostConfig.PortBindings = {
      [`${CLIENT_PORT}/tcp`]: [{ HostIp: '127.0.0.1', HostPort: String(this.#port) }],
    }
  }
}

/** The whole cluster is waited for, when all its brokers run: see ready.ts. */
const noWait: WaitStrategy = {
  waitUntilReady: async () => {},
  withStartupTimeout: () => noWait,
  isStartupTimeoutSet: () => true,
  getStartupTimeout: () => START_TIMEOUT_MS,
}

async function createNetwork(name: string): Promise<string> {
  const network = await (await engine()).createNetwork({ Name: name, Labels: ownerLabels(currentRun()) })
  return network.id
}

function startError(name: string, reason: unknown): Error {
  const message = reason instanceof Error ? reason.message : String(reason)
  if (/port is already allocated|address already in use/.test(message))
    return new ClusterError(
      'PORT_TAKEN',
      `a port of ${name} was taken by another program meanwhile: ${message}`,
    )
  return reason instanceof Error ? reason : new Error(message)
}

function attach(description: ClusterDescription): KafkaCluster {
  const { name, version, home, access } = description
  return {
    name,
    version,
    provider: 'docker',
    bootstrap: description.brokers.map(({ address }) => address).join(','),
    brokers: description.brokers.map((broker) => dockerBroker(description, broker)),
    security: securityOf(access),
    description,
    async stop() {
      await Promise.all(description.brokers.map(({ handle }) => removeContainer(handle)))
      if (access !== undefined) await rm(access.folder, { recursive: true, force: true })
      if (home !== '') await unlessGone((await engine()).getNetwork(home).remove())
    },
  }
}

function dockerBroker(cluster: ClusterDescription, broker: BrokerDescription): Broker {
  const container = async () => (await engine()).getContainer(broker.handle)
  return {
    id: broker.id,
    address: broker.address,
    kill: () => killBroker(cluster, broker),
    pause: async () => pauseContainer(await container()),
    resume: async () => {
      if ((await (await container()).inspect()).State.Paused) await (await container()).unpause()
    },
    async start() {
      await this.resume()
      await startIfDown(await container()).catch((error: unknown) => {
        throw startError(cluster.name, error)
      })
      await waitForBroker(cluster.name, broker.address, {
        access: cluster.access,
        timeoutMs: START_TIMEOUT_MS,
        ended: () => whyEnded(broker),
        log: () => logTail(broker),
      })
    },
  }
}

/** On a busy machine a freeze takes longer than the engine waits for it; it has thawed what it froze then. */
async function pauseContainer(container: {
  pause(): Promise<unknown>
  inspect(): Promise<{ State: { Paused: boolean } }>
}): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await container.pause()
      return
    } catch (error) {
      if (attempt === PAUSE_ATTEMPTS || !String(error).includes('unable to freeze')) throw error
      if ((await container.inspect()).State.Paused) return
      await sleep(50)
    }
  }
}

async function startIfDown(container: { start(): Promise<unknown> }): Promise<void> {
  await container.start().catch((error: { statusCode?: number }) => {
    if (error.statusCode !== 304) throw error // 304: it runs
  })
}

async function killBroker(cluster: ClusterDescription, broker: BrokerDescription): Promise<void> {
  const container = (await engine()).getContainer(broker.handle)
  const { State } = await container.inspect()
  if (!State.Running) return
  // Engines differ in whether they kill a frozen container.
  await unlessGone(container.kill({ signal: 'SIGKILL' }))
  if ((await container.inspect()).State.Paused) await unlessGone(container.unpause())
  const deadlineMs = Date.now() + KILL_TIMEOUT_MS
  while ((await container.inspect()).State.Running) {
    if (Date.now() > deadlineMs)
      throw new ClusterError(
        'STOPPED',
        `broker ${broker.id} of ${cluster.name} does not end after docker kill`,
      )
    await unlessGone(container.kill({ signal: 'SIGKILL' }))
    await sleep(50)
  }
}

async function whyEnded(broker: BrokerDescription): Promise<string | undefined> {
  const { State } = await (await engine()).getContainer(broker.handle).inspect()
  return State.Running
    ? undefined
    : `the container of broker ${broker.id} has ended with status ${State.ExitCode}`
}

async function logTail(broker: BrokerDescription): Promise<string> {
  const container = (await engine()).getContainer(broker.handle)
  const log = await container.logs({ stdout: true, stderr: true, tail: 20 })
  return demultiplex(log)
}

/** The engine frames log output: a stream's number, three zeros, a 32-bit length, then as many bytes. */
export function demultiplex(log: Buffer): string {
  let text = ''
  for (let at = 0; at + 8 <= log.length; ) {
    const length = log.readUInt32BE(at + 4)
    text += log.toString('utf8', at + 8, at + 8 + length)
    at += 8 + length
  }
  return text.trimEnd()
}
