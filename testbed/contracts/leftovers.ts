import { existsSync, readdirSync, readFileSync } from 'node:fs'
import type { ProviderName } from '../clusters/cluster.ts'
import { markedProcesses } from '../clusters/left-behind.ts'
import { runFolder } from '../clusters/run.ts'

/** Whatever of the run can still be seen on this machine, in words. */
export async function leftovers(run: string, provider: ProviderName): Promise<string[]> {
  const processes = markedProcesses().filter((marked) => marked.run === run)
  const left = processes.map(({ pid }) => `process ${pid}`)
  const folder = runFolder(run)
  if (existsSync(folder)) left.push(...readdirSync(folder).map((entry) => `${folder}/${entry}`))
  if (provider === 'docker') left.push(...(await containersAndNetworks(run)))
  return left
}

/** The run's reaper, while it lives. */
export function reaperOf(run: string): number | undefined {
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue
    try {
      const words = readFileSync(`/proc/${entry}/cmdline`, 'latin1').split('\0')
      if (words.some((word) => word.endsWith('reaper-main.ts')) && words.includes(run)) return Number(entry)
    } catch {
      // Ended meanwhile.
    }
  }
  return undefined
}

async function containersAndNetworks(run: string): Promise<string[]> {
  const { getContainerRuntimeClient } = await import('testcontainers')
  const { ownerLabels } = await import('../clusters/docker-left-behind.ts')
  const { dockerode } = (await getContainerRuntimeClient()).container
  const filters = { label: Object.entries(ownerLabels(run)).map(([name, value]) => `${name}=${value}`) }
  const containers = await dockerode.listContainers({ all: true, filters })
  const networks = await dockerode.listNetworks({ filters })
  return [
    ...containers.map(({ Names }) => `container ${Names[0]}`),
    ...networks.map(({ Name }) => `network ${Name}`),
  ]
}
