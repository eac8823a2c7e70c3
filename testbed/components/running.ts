import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ControlPlaneClient } from '@braid/control-api'
import type { KafkaCluster } from '../clusters/cluster.ts'
import { currentRun, runFolder } from '../clusters/run.ts'
import { type JsonLine, LineProcess } from './line-process.ts'

export interface ControlPlaneSpec {
  /** 0 for a free one. */
  port?: number
  dataDir: string
  /** Where a migration stops until it is told `go on`, for tests that kill in and around steps. */
  holdAt?: readonly { step: string; phase: 'before' | 'doing' | 'after' }[]
}

export interface ProxySpec {
  controlPlane: string
  id: string
  listen?: string
  routesFile?: string
}

export interface RunningControlPlane {
  readonly process: LineProcess
  readonly url: string
  readonly client: ControlPlaneClient
}

export interface RunningProxy {
  readonly process: LineProcess
  readonly id: string
  readonly bootstrap: string
  /** By cluster. */
  readonly listeners: Readonly<Record<string, string>>
}

const readyMaxMs = 30_000

export function programOf(relative: string): string {
  return fileURLToPath(new URL(relative, import.meta.url))
}

export async function startControlPlaneProcess(spec: ControlPlaneSpec): Promise<RunningControlPlane> {
  const { process, ready } = await startProgram('control plane', './control-plane.ts', spec)
  const url = String(ready.url)
  return { process, url, client: new ControlPlaneClient({ url }) }
}

export async function startProxyProcess(spec: ProxySpec): Promise<RunningProxy> {
  const { process, ready } = await startProgram(`proxy ${spec.id}`, './proxy.ts', spec)
  const listeners = ready.listeners as Record<string, string>
  return { process, id: spec.id, bootstrap: String(ready.bootstrap), listeners }
}

async function startProgram(
  name: string,
  program: string,
  spec: ControlPlaneSpec | ProxySpec,
): Promise<{ process: LineProcess; ready: JsonLine }> {
  const child = await LineProcess.start({
    name,
    command: process.execPath,
    args: ['--disable-warning=ExperimentalWarning', programOf(program), JSON.stringify(spec)],
  })
  try {
    const ready = await child.waitFor('ready', (line) => line.event === 'ready', readyMaxMs)
    return { process: child, ready }
  } catch (error) {
    await child.stop()
    throw error
  }
}

/** A control plane that knows the clusters, the first of them as home, and proxies in front of it. */
export interface RunningBraid {
  readonly controlPlane: RunningControlPlane
  readonly proxies: readonly RunningProxy[]
  /** Of all proxies, for clients. */
  readonly bootstrap: readonly string[]
  /** Holds the control plane's data, and whatever the caller puts there; removed with stop(). */
  readonly folder: string
  stop(): Promise<void>
}

export async function startBraid(
  clusters: readonly KafkaCluster[],
  options: { proxies?: number; onProxyLine?: (proxy: string, line: JsonLine) => void } = {},
): Promise<RunningBraid> {
  // In the run's own folder, which goes with the run however that ends.
  const run = runFolder(currentRun())
  await mkdir(run, { recursive: true })
  const folder = await mkdtemp(join(run, 'braid-'))
  const processes: LineProcess[] = []
  const stop = async () => {
    // Proxies first: they drain while the control plane is still there to ask.
    for (const running of processes.toReversed()) await running.stop()
    await rm(folder, { recursive: true, force: true })
  }
  try {
    const controlPlane = await startControlPlaneProcess({ dataDir: join(folder, 'control-plane') })
    processes.push(controlPlane.process)
    for (const { name, bootstrap } of clusters) {
      await controlPlane.client.clusters.register({ name, bootstrap: bootstrap.split(',') })
    }
    const proxies = await Promise.all(
      Array.from({ length: options.proxies ?? 1 }, async (_, index) => {
        const proxy = await startProxyProcess({ controlPlane: controlPlane.url, id: `proxy-${index + 1}` })
        processes.push(proxy.process)
        const { onProxyLine } = options
        if (onProxyLine !== undefined) proxy.process.onLine((line) => onProxyLine(proxy.id, line))
        return proxy
      }),
    )
    return { controlPlane, proxies, bootstrap: proxies.map(({ bootstrap }) => bootstrap), folder, stop }
  } catch (error) {
    await stop()
    throw error
  }
}
