import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { KafkaVersion } from './cluster.ts'
import { ClusterError } from './errors.ts'
import { hasProgram } from './java.ts'

const run = promisify(execFile)
const pom = fileURLToPath(new URL('./pom.xml', import.meta.url))
const MAVEN_TIMEOUT_MS = 600_000

/** Holds what is slow to get and the same for every run; may be deleted at any time. */
export function cacheFolder(): string {
  const base = process.env.XDG_CACHE_HOME || join(homedir(), '.cache')
  return process.env.BRAID_CACHE || join(base, 'braid')
}

export function cachedJars(version: KafkaVersion): string {
  const recipe = createHash('sha256').update(readFileSync(pom)).digest('hex').slice(0, 12)
  return join(cacheFolder(), `kafka-${version}-${recipe}`)
}

export function hasMaven(): boolean {
  return hasProgram('mvn')
}

/** null when kafkaJars(version) can be expected to work. */
export function whyNoJars(version: KafkaVersion): string | null {
  if (existsSync(cachedJars(version)) || hasMaven()) return null
  return 'no Maven to fetch the jars of Kafka with: install maven'
}

const resolving = new Map<KafkaVersion, Promise<string>>()

/** A folder with the jars of Kafka's broker, clients and tools: by Maven, else copied out of the Kafka image. */
export function kafkaJars(version: KafkaVersion): Promise<string> {
  let jars = resolving.get(version)
  if (jars === undefined) {
    jars = resolve(version)
    resolving.set(version, jars)
    jars.catch(() => resolving.delete(version))
  }
  return jars
}

async function resolve(version: KafkaVersion): Promise<string> {
  const folder = cachedJars(version)
  if (existsSync(folder)) return folder
  await mkdir(cacheFolder(), { recursive: true })
  const partial = await mkdtemp(`${folder}.partial-`)
  try {
    if (hasMaven()) await fetchByMaven(version, partial)
    else await (await import('./docker-jars.ts')).copyJarsFromImage(version, partial)
    // Renamed when complete: what stands in the cache is whole, and of two at once one wins.
    await rename(partial, folder).catch((error: unknown) => {
      if (!existsSync(folder)) throw error
    })
  } finally {
    await rm(partial, { recursive: true, force: true })
  }
  return folder
}

async function fetchByMaven(version: KafkaVersion, folder: string): Promise<void> {
  const goal = 'org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies'
  const options = [`-Dkafka.version=${version}`, '-DincludeScope=runtime', `-DoutputDirectory=${folder}`]
  try {
    await run('mvn', ['-q', '-B', '-f', pom, ...options, goal], {
      timeout: MAVEN_TIMEOUT_MS,
      maxBuffer: 1 << 24,
    })
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string }
    const detail = `${stdout}${stderr}`.trim().split('\n').slice(0, 5).join('\n')
    throw new ClusterError(
      'JARS_FAILED',
      `Maven could not fetch the jars of Kafka ${version}; is a Maven repository reachable?\n${detail}`,
      { cause: error },
    )
  }
}

/** The kafka-clients jar, with the message definitions of the protocol under common/message. */
export async function kafkaClientsJar(version: KafkaVersion): Promise<string> {
  const folder = await kafkaJars(version)
  const name = readdirSync(folder).find((file) => file === `kafka-clients-${version}.jar`)
  if (name === undefined)
    throw new ClusterError(
      'JARS_FAILED',
      `${folder} has no kafka-clients jar: delete it to have it fetched again`,
    )
  return join(folder, name)
}

/** For `java -cp`: the broker, the clients and the tools (org.apache.kafka.tools.ProducerPerformance ...). */
export async function kafkaJavaClasspath(version: KafkaVersion): Promise<string> {
  return join(await kafkaJars(version), '*')
}
