import { rm, rmdir } from 'node:fs/promises'
import { hostname } from 'node:os'
import { dirname } from 'node:path'
import { getContainerRuntimeClient } from 'testcontainers'
import { runIsAlive, runsFolder } from './run.ts'

/** Labels of our containers and networks. The host is named too: an engine may serve several. */
export const RUN_LABEL = 'io.braid.run'
const HOST_LABEL = 'io.braid.host'

export function ownerLabels(run: string): Record<string, string> {
  return { [RUN_LABEL]: run, [HOST_LABEL]: hostname() }
}

/** Removes the run's containers, their volumes and networks. Returns how many containers there were. */
export async function removeContainers(run: string): Promise<number> {
  const { dockerode } = (await getContainerRuntimeClient()).container
  const filters = { label: labelFilter({ ...ownerLabels(run) }) }
  const containers = await dockerode.listContainers({ all: true, filters })
  await Promise.all(containers.map(({ Id }) => removeContainer(Id)))
  for (const { Id } of await dockerode.listNetworks({ filters }))
    await unlessGone(dockerode.getNetwork(Id).remove())
  return containers.length
}

export async function removeContainer(id: string): Promise<void> {
  const { dockerode } = (await getContainerRuntimeClient()).container
  const container = dockerode.getContainer(id)
  const mounts: { Source: string }[] = []
  await unlessGone(container.inspect().then(({ Mounts }) => mounts.push(...Mounts)))
  await unlessGone(container.remove({ force: true, v: true }))
  for (const { Source } of mounts) {
    if (!Source.startsWith(`${runsFolder()}/`)) continue
    await rm(Source, { recursive: true, force: true })
    // The run's folder, if this was the last thing in it.
    await rmdir(dirname(Source)).catch(() => {})
  }
}

/** What runs of this host whose owner is gone have left: for a reaper that was itself killed. */
export async function removeAbandonedContainers(): Promise<void> {
  const { dockerode } = (await getContainerRuntimeClient()).container
  const filters = { label: labelFilter({ [HOST_LABEL]: hostname() }) }
  const containers = await dockerode.listContainers({ all: true, filters })
  const networks = await dockerode.listNetworks({ filters })
  const runs = new Set([...containers, ...networks].map(({ Labels }) => Labels?.[RUN_LABEL] ?? ''))
  for (const run of runs) if (run !== '' && !runIsAlive(run)) await removeContainers(run)
}

function labelFilter(labels: Record<string, string>): string[] {
  return Object.entries(labels).map(([name, value]) => `${name}=${value}`)
}

/** 404: removed already. 409: it has ended, or another one is removing it. */
export async function unlessGone(done: Promise<unknown>): Promise<void> {
  try {
    await done
  } catch (error) {
    const status = (error as { statusCode?: number }).statusCode
    if (status !== 404 && status !== 409) throw error
  }
}
