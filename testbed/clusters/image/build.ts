import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { copyFile, cp, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { getContainerRuntimeClient } from 'testcontainers'
import type { KafkaVersion } from '../cluster.ts'
import { ClusterError } from '../errors.ts'
import { hasProgram } from '../java.ts'
import { kafkaJars, whyNoJars } from '../kafka-jars.ts'
import { ensureReaper } from '../reaper.ts'
import { currentRun, RUN_VARIABLE, runFolder } from '../run.ts'

/**
 * Builds a Kafka image with no image to start from: a minimal Debian with a JRE by debootstrap, imported as a base
 * for every version, and Kafka's jars on top. About a minute, once: an image whose label matches its inputs is kept.
 */
const INPUTS_LABEL = 'io.braid.inputs'
const BASE_TAG = 'braid/jre:17'
const DEBOOTSTRAP = ['--variant=minbase', '--include=openjdk-17-jre-headless,ca-certificates', 'bookworm']
const here = (file: string) => fileURLToPath(new URL(file, import.meta.url))

export function builtTag(version: KafkaVersion): string {
  return `braid/kafka:${version}`
}

/** The local image when it is there and was made from the inputs as they are now. */
export async function builtImage(version: KafkaVersion): Promise<string | undefined> {
  return (await inputsOf(builtTag(version))) === kafkaInputs(version) ? builtTag(version) : undefined
}

/** null when buildKafkaImage can be expected to work here. */
export async function whyNotBuild(version: KafkaVersion): Promise<string | null> {
  const jars = whyNoJars(version)
  if (jars !== null) return jars
  if ((await inputsOf(BASE_TAG)) === baseInputs()) return null
  if (!hasProgram('debootstrap', '--version'))
    return 'no debootstrap to build an image with: install debootstrap'
  return process.getuid?.() === 0 ? null : 'debootstrap, with which an image is built, needs root'
}

export async function buildKafkaImage(version: KafkaVersion): Promise<string> {
  const found = await builtImage(version)
  if (found !== undefined) return found
  const why = await whyNotBuild(version)
  if (why !== null) throw new ClusterError('NO_IMAGE', `${builtTag(version)} cannot be built: ${why}`)
  await ensureReaper('processes')
  await baseImage()
  const jars = await kafkaJars(version)
  await inFolder('image-', async (folder) => {
    await cp(jars, join(folder, 'libs'), { recursive: true })
    for (const file of ['Dockerfile', 'archive.sh', 'run.sh']) await copyFile(here(file), join(folder, file))
    console.error(`clusters: building ${builtTag(version)}`)
    const { dockerode } = (await getContainerRuntimeClient()).container
    const answer = await dockerode.buildImage(await archive(folder), {
      t: builtTag(version),
      buildargs: { JRE: BASE_TAG },
      labels: { [INPUTS_LABEL]: kafkaInputs(version) },
      forcerm: true,
    })
    await engineDone(answer, `building ${builtTag(version)}`)
  })
  return builtTag(version)
}

let base: Promise<void> | undefined

/** One for all versions, so two versions built at once wait for the same. */
function baseImage(): Promise<void> {
  base ??= buildBase()
  return base
}

async function buildBase(): Promise<void> {
  if ((await inputsOf(BASE_TAG)) === baseInputs()) return
  await inFolder('jre-', async (folder) => {
    const root = join(folder, 'rootfs')
    console.error(`clusters: building ${BASE_TAG} by debootstrap, about a minute`)
    // In a mount namespace of its own: what debootstrap mounts is gone with it, even if it is killed.
    await succeeds('unshare', ['--mount', 'debootstrap', ...DEBOOTSTRAP, root])
    const { dockerode } = (await getContainerRuntimeClient()).container
    const excluded = [
      './proc/*',
      './sys/*',
      './var/cache/apt/*',
      './var/lib/apt/lists/*',
      './usr/share/doc/*',
    ]
    const answer = await dockerode.importImage(await archive(root, excluded), {
      repo: BASE_TAG.split(':')[0],
      tag: BASE_TAG.split(':')[1],
      changes: `LABEL ${INPUTS_LABEL}=${baseInputs()}`,
    })
    await engineDone(answer, `importing ${BASE_TAG}`)
  })
}

function baseInputs(): string {
  return sha256(DEBOOTSTRAP.join(' '))
}

function kafkaInputs(version: KafkaVersion): string {
  const files = ['Dockerfile', 'archive.sh', 'run.sh', '../pom.xml'].map((file) =>
    readFileSync(here(file), 'utf8'),
  )
  return sha256([version, baseInputs(), ...files].join('\0'))
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

async function inputsOf(image: string): Promise<string | undefined> {
  const { dockerode } = (await getContainerRuntimeClient()).container
  try {
    return (await dockerode.getImage(image).inspect()).Config.Labels?.[INPUTS_LABEL]
  } catch (error) {
    if ((error as { statusCode?: number }).statusCode === 404) return undefined
    throw error
  }
}

/** In the run's folder, which the reaper removes should we not come to it. */
async function inFolder(prefix: string, work: (folder: string) => Promise<void>): Promise<void> {
  await mkdir(runFolder(currentRun()), { recursive: true })
  const folder = await mkdtemp(join(runFolder(currentRun()), prefix))
  try {
    await work(folder)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function archive(folder: string, excluded: readonly string[] = []): Promise<Readable> {
  const tar = spawn('tar', ['-C', folder, ...excluded.map((path) => `--exclude=${path}`), '-c', '.'], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: marked(),
  })
  tar.once('error', (error) => tar.stdout.destroy(error))
  tar.once(
    'exit',
    (status) => status === 0 || tar.stdout.destroy(new Error(`tar of ${folder} failed: ${status}`)),
  )
  return tar.stdout
}

function succeeds(program: string, args: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], env: marked() })
    let tail = ''
    const keep = (chunk: Buffer) => {
      tail = (tail + chunk).slice(-2_000)
    }
    child.stdout.on('data', keep)
    child.stderr.on('data', keep)
    child.once('error', reject)
    child.once('exit', (status) => {
      if (status === 0) resolve()
      else reject(new ClusterError('NO_IMAGE', `${program} ${args.join(' ')} failed (${status}):\n${tail}`))
    })
  })
}

function marked(): NodeJS.ProcessEnv {
  return { ...process.env, [RUN_VARIABLE]: currentRun() }
}

/** The engine answers 200 and then tells of failure line by line. */
export async function engineDone(answer: NodeJS.ReadableStream, what: string): Promise<void> {
  const { dockerode } = (await getContainerRuntimeClient()).container
  await new Promise<void>((resolve, reject) => {
    dockerode.modem.followProgress(answer, (error, lines: { error?: string }[] | null) => {
      const reason = error?.message ?? lines?.find((line) => line.error !== undefined)?.error
      if (reason === undefined) resolve()
      else reject(new ClusterError('NO_IMAGE', `${what}: ${reason}`))
    })
  })
}
