import { spawn } from 'node:child_process'
import { pipeline } from 'node:stream/promises'
import { getContainerRuntimeClient } from 'testcontainers'
import type { KafkaVersion } from './cluster.ts'
import { ownerLabels, removeContainer } from './docker-left-behind.ts'
import { ClusterError } from './errors.ts'
import { presentImage } from './image/find.ts'
import { ensureReaper } from './reaper.ts'
import { currentRun } from './run.ts'

/** For where there is a Docker engine but no Maven. */
export async function copyJarsFromImage(version: KafkaVersion, folder: string): Promise<void> {
  const image = await presentImage(version).catch((cause: unknown) => {
    throw new ClusterError(
      'NO_MAVEN',
      `no Maven, and no Docker engine to take the jars of Kafka ${version} from`,
      { cause },
    )
  })
  if (image === undefined)
    throw new ClusterError(
      'NO_MAVEN',
      `no Maven, and no image to take the jars of Kafka ${version} from: install maven`,
    )
  await ensureReaper('containers')
  const { dockerode } = (await getContainerRuntimeClient()).container
  const container = await dockerode.createContainer({ Image: image, Labels: ownerLabels(currentRun()) })
  try {
    const archive = await container.getArchive({ path: '/opt/kafka/libs' })
    const tar = spawn('tar', ['-x', '--strip-components=1', '-C', folder], {
      stdio: ['pipe', 'ignore', 'inherit'],
    })
    const ended = new Promise<number | null>((resolve, reject) =>
      tar.once('exit', resolve).once('error', reject),
    )
    await pipeline(archive, tar.stdin)
    const status = await ended
    if (status !== 0)
      throw new ClusterError('JARS_FAILED', `the jars in ${image} could not be unpacked: tar ${status}`)
  } finally {
    await removeContainer(container.id)
  }
}
