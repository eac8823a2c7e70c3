import { getContainerRuntimeClient } from 'testcontainers'
import type { KafkaVersion } from '../cluster.ts'
import { ClusterError } from '../errors.ts'
import { within } from '../within.ts'
import { buildKafkaImage, builtImage, engineDone, whyNotBuild } from './build.ts'

const PULL_FIRST_ANSWER_MS = 15_000
const PULL_MAX_MS = 300_000

const found = new Map<KafkaVersion, Promise<string>>()

/** BRAID_KAFKA_IMAGE; else apache/kafka when it is here; else the one built before; else pulled; else built now. */
export function kafkaImage(version: KafkaVersion): Promise<string> {
  let image = found.get(version)
  if (image === undefined) {
    image = presentImage(version).then((present) => present ?? buildKafkaImage(version))
    found.set(version, image)
    image.catch(() => found.delete(version))
  }
  return image
}

/** null when kafkaImage(version) can be expected to work. */
export async function whyNoImage(version: KafkaVersion): Promise<string | null> {
  const notBuilt = await whyNotBuild(version)
  if (notBuilt === null && !process.env.BRAID_KAFKA_IMAGE) return null
  try {
    return (await presentImage(version)) === undefined
      ? `${officialImage(version)} cannot be pulled, and ${notBuilt}`
      : null
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

/** An image that is here or can be pulled, without building one. */
export async function presentImage(version: KafkaVersion): Promise<string | undefined> {
  const wanted = process.env.BRAID_KAFKA_IMAGE
  if (wanted) {
    const image = wantedImage(wanted, version)
    if (await isHere(image)) return image
    return pull(image).then(
      () => image,
      (cause: Error) => {
        const message = `BRAID_KAFKA_IMAGE: ${image} is not here and cannot be pulled (${cause.message.trim()})`
        throw new ClusterError('NO_IMAGE', message, { cause })
      },
    )
  }
  const official = officialImage(version)
  if (await isHere(official)) return official
  const built = await builtImage(version)
  if (built !== undefined) return built
  return pull(official).then(
    () => official,
    () => undefined, // no registry in reach: not an error, an image can be built
  )
}

/** A name without a tag gets the version; one with a tag must be of that version, or a test would not test it. */
export function wantedImage(name: string, version: KafkaVersion): string {
  const tag = /:([^:/]+)$/.exec(name)?.[1]
  if (tag === undefined) return `${name}:${version}`
  if (tag.includes(version)) return name
  throw new ClusterError(
    'NO_IMAGE',
    `BRAID_KAFKA_IMAGE=${name} is not Kafka ${version}: give it without a tag, then each cluster gets its version`,
  )
}

function officialImage(version: KafkaVersion): string {
  return `apache/kafka:${version}`
}

async function isHere(image: string): Promise<boolean> {
  const { dockerode } = (await getContainerRuntimeClient()).container
  return dockerode
    .getImage(image)
    .inspect()
    .then(
      () => true,
      () => false,
    )
}

async function pull(image: string): Promise<void> {
  const { dockerode } = (await getContainerRuntimeClient()).container
  const answer = await within(dockerode.pull(image), PULL_FIRST_ANSWER_MS, `pulling ${image}: no answer`)
  console.error(`clusters: pulling ${image}`)
  await within(engineDone(answer, `pulling ${image}`), PULL_MAX_MS, `pulling ${image}: too slow`)
}

// Run as a program: gets or builds the images beforehand, so that no test waits for them.
if (import.meta.main)
  for (const version of ['4.3.1', '3.9.2'] as const) console.log(await kafkaImage(version))
