import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, existsSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { makeAccess, scramArguments, securityOf } from './access.ts'
import { BROKER_JVM_OPTIONS, brokerProperties, newClusterId, propertiesFile } from './broker-config.ts'
import {
  type Broker,
  type BrokerDescription,
  type ClusterDescription,
  type ClusterProvider,
  type ClusterSpec,
  DEFAULT_KAFKA_VERSION,
  type KafkaCluster,
} from './cluster.ts'
import { ClusterError } from './errors.ts'
import { freeze } from './freeze.ts'
import { javaProgram, whyNoJava } from './java.ts'
import { kafkaJars, kafkaJavaClasspath, whyNoJars } from './kafka-jars.ts'
import { signal } from './left-behind.ts'
import { lastLines } from './log-tail.ts'
import { choosePorts, portIsFree } from './ports.ts'
import { waitForBroker, waitForCluster } from './ready.ts'
import { ensureReaper } from './reaper.ts'
import { currentRun, RUN_VARIABLE, runFolder, startTime } from './run.ts'

const START_TIMEOUT_MS = 120_000
const KILL_TIMEOUT_MS = 10_000

/** Clusters as processes of this machine, from the jars that Maven fetches. */
export const jvm: ClusterProvider = {
  name: 'jvm',
  why: async () => whyNoJava() ?? whyNoJars(DEFAULT_KAFKA_VERSION),
  start: startJvmClusters,
  attach,
}

async function startJvmClusters(specs: readonly ClusterSpec[]): Promise<KafkaCluster[]> {
  const noJava = whyNoJava()
  if (noJava !== null) throw new ClusterError('NO_JAVA', noJava)
  const versions = new Set(specs.map(({ version }) => version ?? DEFAULT_KAFKA_VERSION))
  for (const version of versions) await kafkaJars(version)
  await ensureReaper('processes')
  const started = await Promise.allSettled(specs.map(startOne))
  const clusters = started.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
  const failed = started.find((result) => result.status === 'rejected')
  if (failed === undefined) return clusters
  await Promise.all(clusters.map((cluster) => cluster.stop()))
  throw failed.reason
}

async function startOne(spec: ClusterSpec): Promise<KafkaCluster> {
  const { name, version = DEFAULT_KAFKA_VERSION, brokers: count = 1, config = {} } = spec
  const clusterId = newClusterId()
  const home = join(runFolder(currentRun()), `${name}-${clusterId.slice(0, 6)}`)
  const access =
    spec.security === undefined
      ? undefined
      : await makeAccess(join(home, 'access'), spec.security, spec.users ?? [])
  const ports = await choosePorts(count * 3)
  const voters = range(count).map((i) => `${i + 1}@127.0.0.1:${ports[count + i]}`)
  const brokers: BrokerDescription[] = []
  for (const i of range(count)) {
    const handle = join(home, `broker-${i + 1}`)
    const address = `127.0.0.1:${ports[i]}`
    await mkdir(handle, { recursive: true })
    const forAll =
      access === undefined
        ? `PLAINTEXT://${address}`
        : `CLIENT://${address},INTERNAL://127.0.0.1:${ports[2 * count + i]}`
    const properties = brokerProperties(
      {
        id: i + 1,
        listeners: `${forAll},CONTROLLER://127.0.0.1:${ports[count + i]}`,
        advertisedListeners: forAll,
        voters,
        interBrokerListener: access === undefined ? 'PLAINTEXT' : 'INTERNAL',
        access,
        dataFolder: join(handle, 'data'),
      },
      config,
    )
    writeFileSync(join(handle, 'server.properties'), propertiesFile(properties))
    brokers.push({ id: i + 1, address, handle })
  }
  const description = { name, version, provider: 'jvm', run: currentRun(), home, access, brokers } as const
  const cluster = attach(description)
  try {
    await Promise.all(brokers.map((broker) => format(description, broker, clusterId)))
    for (const broker of brokers) await spawnBroker(description, broker)
    await waitForCluster(
      name,
      brokers.map(({ address }) => address),
      {
        access,
        timeoutMs: START_TIMEOUT_MS,
        ended: async () => brokers.map(whyEnded).find((why) => why !== undefined),
        log: async () => brokers.map(({ handle }) => lastLines(join(handle, 'broker.log'))).join('\n'),
      },
    )
  } catch (error) {
    await cluster.stop()
    throw error
  }
  return cluster
}

function attach(description: ClusterDescription): KafkaCluster {
  const { name, version, home, access } = description
  return {
    name,
    version,
    provider: 'jvm',
    bootstrap: description.brokers.map(({ address }) => address).join(','),
    brokers: description.brokers.map((broker) => jvmBroker(description, broker)),
    security: securityOf(access),
    description,
    async stop() {
      await Promise.all(description.brokers.map((broker) => killBroker(broker)))
      await rm(home, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 })
    },
  }
}

function jvmBroker(cluster: ClusterDescription, broker: BrokerDescription): Broker {
  return {
    id: broker.id,
    address: broker.address,
    kill: () => killBroker(broker),
    pause: async () => freeze(livingPid(cluster, broker)),
    resume: async () => void signal(livingPid(cluster, broker), 'SIGCONT'),
    async start() {
      const pid = pidOf(broker)
      if (pid === undefined) await spawnBroker(cluster, broker)
      else signal(pid, 'SIGCONT')
      await waitForBroker(cluster.name, broker.address, {
        access: cluster.access,
        timeoutMs: START_TIMEOUT_MS,
        ended: async () => whyEnded(broker),
        log: async () => lastLines(join(broker.handle, 'broker.log')),
      })
    },
  }
}

async function format(
  cluster: ClusterDescription,
  broker: BrokerDescription,
  clusterId: string,
): Promise<void> {
  const config = join(broker.handle, 'server.properties')
  const child = await java(cluster, broker, 'format.log', [
    ...['kafka.tools.StorageTool', 'format', '-t', clusterId, '-c', config],
    ...(cluster.access === undefined ? [] : scramArguments(cluster.access)),
  ])
  const status = await new Promise<number | null>((resolve) => child.once('exit', resolve))
  if (status === 0) return
  const log = lastLines(join(broker.handle, 'format.log'))
  throw new ClusterError(
    'BROKER_ENDED',
    `storage of broker ${broker.id} of ${cluster.name} not formatted:\n${log}`,
  )
}

async function spawnBroker(cluster: ClusterDescription, broker: BrokerDescription): Promise<void> {
  if (!existsSync(broker.handle))
    throw new ClusterError('STOPPED', `cluster ${cluster.name} has been stopped`)
  if (!(await portIsFree(portOf(broker))))
    throw new ClusterError(
      'PORT_TAKEN',
      `${broker.address} of broker ${broker.id} of ${cluster.name} is taken by another program: end that program`,
    )
  const config = join(broker.handle, 'server.properties')
  const child = await java(cluster, broker, 'broker.log', [...BROKER_JVM_OPTIONS, 'kafka.Kafka', config])
  child.unref()
  writeFileSync(join(broker.handle, 'pid'), `${child.pid} ${startTime(child.pid ?? 0)}`)
}

/** A Java program of this cluster: in a process group of its own, so that Ctrl-C at a terminal is for us alone. */
async function java(
  cluster: ClusterDescription,
  broker: BrokerDescription,
  logFile: string,
  args: readonly string[],
): Promise<ChildProcess> {
  const logging = [
    '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn',
    '-Dorg.slf4j.simpleLogger.showDateTime=true',
  ]
  const classpath = await kafkaJavaClasspath(cluster.version)
  const log = openSync(join(broker.handle, logFile), 'a')
  try {
    const child = spawn(javaProgram(), [...logging, '-cp', classpath, ...args], {
      cwd: broker.handle,
      detached: true,
      stdio: ['ignore', log, log],
      env: { ...process.env, [RUN_VARIABLE]: cluster.run },
    })
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve)
      child.once('error', (cause) => reject(new ClusterError('NO_JAVA', `java: ${cause.message}`, { cause })))
    })
    return child
  } finally {
    closeSync(log)
  }
}

/** The broker's living process. Read from its file: it may have been started by another process than this one. */
function pidOf(broker: BrokerDescription): number | undefined {
  try {
    const [pid, start] = readFileSync(join(broker.handle, 'pid'), 'utf8').split(' ')
    return start !== undefined && startTime(Number(pid)) === start ? Number(pid) : undefined
  } catch {
    return undefined
  }
}

function portOf(broker: BrokerDescription): number {
  return Number(broker.address.split(':')[1])
}

function livingPid(cluster: ClusterDescription, broker: BrokerDescription): number {
  const pid = pidOf(broker)
  if (pid === undefined)
    throw new ClusterError('STOPPED', `broker ${broker.id} of ${cluster.name} is down: start it first`)
  return pid
}

function whyEnded(broker: BrokerDescription): string | undefined {
  return pidOf(broker) === undefined ? `the process of broker ${broker.id} has ended` : undefined
}

async function killBroker(broker: BrokerDescription): Promise<void> {
  const pid = pidOf(broker)
  if (pid === undefined) return
  signal(pid, 'SIGKILL')
  const deadlineMs = Date.now() + KILL_TIMEOUT_MS
  // The first thread of a process is gone before the others, which still hold the port.
  while (pidOf(broker) === pid || !(await portIsFree(portOf(broker)))) {
    if (Date.now() > deadlineMs)
      throw new ClusterError('STOPPED', `process ${pid} of broker ${broker.id} does not end after SIGKILL`)
    await sleep(10)
  }
}

function range(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i)
}
