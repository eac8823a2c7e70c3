import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ControlPlaneClient } from '@braid/control-api'
import type { Timings } from '@braid/control-plane'
import type { KafkaCluster } from '../clusters/cluster.ts'
import { currentRun, runFolder } from '../clusters/run.ts'
import { type JsonLine, LineProcess } from './line-process.ts'

export interface ControlPlaneSpec {
  /** 0 for a free one. */
  port?: number
  dataDir: string
  /** Over the default ones, for tests that cannot wait. */
  timings?: Partial<Timings>
}

/** A point of a migration where a crash means something else, as the control plane's hooks name it. */
export interface MigrationPoint {
  /** A step's name, or `undo` and the name. */
  readonly step: string
  readonly phase: 'before' | 'doing' | 'after'
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
  /** The process kills itself (SIGKILL) at this point of the next migration that gets there. */
  dieAt(point: MigrationPoint): Promise<void>
  /** The next migration that gets to this point stays there. */
  holdAt(point: MigrationPoint): Promise<HeldMigration>
}

export interface HeldMigration {
  /** Resolves when a migration stands at the point. */
  readonly reached: Promise<void>
  goOn(): void
}

export interface RunningProxy {
  readonly process: LineProcess
  readonly id: string
  readonly bootstrap: string
  /** By cluster. */
  readonly listeners: Readonly<Record<string, string>>
}

const readyMaxMs = 30_000
const heardMaxMs = 10_000
const heldMaxMs = 30_000

export function programOf(relative: string): string {
  return fileURLToPath(new URL(relative, import.meta.url))
}

export async function startControlPlaneProcess(spec: ControlPlaneSpec): Promise<RunningControlPlane> {
  const { process, ready } = await startProgram('control plane', './control-plane.ts', spec)
  const url = String(ready.url)
  let asked = 0
  const tell = async (message: JsonLine): Promise<number> => {
    const ask = ++asked
    process.send({ ...message, ask })
    await process.waitFor(`that it heard ${message.do}`, isAnswer('heard', ask), heardMaxMs)
    return ask
  }
  return {
    process,
    url,
    client: new ControlPlaneClient({ url }),
    dieAt: async (at) => {
      await tell({ do: 'die', at })
    },
    holdAt: async (at) => {
      const ask = await tell({ do: 'hold', at })
      const what = `that a migration is held ${at.phase} ${at.step}`
      const reached = process.waitFor(what, isAnswer('migration-held', ask), heldMaxMs).then(() => {})
      reached.catch(() => {}) // whoever awaits it sees it
      return { reached, goOn: () => process.send({ do: 'go on' }) }
    },
  }
}

const isAnswer = (event: string, ask: number) => (line: JsonLine) => line.event === event && line.ask === ask

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
  /** The one that was started last. */
  readonly controlPlane: RunningControlPlane
  readonly proxies: readonly RunningProxy[]
  /** Of all proxies, for clients. */
  readonly bootstrap: readonly string[]
  /** Holds the control plane's data, and whatever the caller puts there; removed with stop(). */
  readonly folder: string
  /** Another control plane at the same address, on the same data, once the one before has ended. */
  startControlPlaneAgain(): Promise<RunningControlPlane>
  stop(): Promise<void>
}

export interface BraidOptions {
  proxies?: number
  onProxyLine?: (proxy: string, line: JsonLine) => void
  timings?: Partial<Timings>
}

export async function startBraid(
  clusters: readonly KafkaCluster[],
  options: BraidOptions = {},
): Promise<RunningBraid> {
  // In the run's own folder, which goes with the run however that ends.
  const run = runFolder(currentRun())
  await mkdir(run, { recursive: true })
  const folder = await mkdtemp(join(run, 'braid-'))
  const spec: ControlPlaneSpec = {
    dataDir: join(folder, 'control-plane'),
    ...(options.timings === undefined ? {} : { timings: options.timings }),
  }
  const controlPlanes: LineProcess[] = []
  const running: LineProcess[] = []
  const stop = async () => {
    // Proxies first: they drain while the control plane is still there to ask.
    for (const process of running.toReversed()) await process.stop()
    for (const process of controlPlanes) await process.stop()
    await rm(folder, { recursive: true, force: true })
  }
  const startPlane = async (port = 0) => {
    const started = await startControlPlaneProcess({ ...spec, port })
    controlPlanes.push(started.process)
    return started
  }
  try {
    let controlPlane = await startPlane()
    for (const { name, bootstrap, security } of clusters) {
      const secured = security !== undefined && { security }
      await controlPlane.client.clusters.register({ name, bootstrap: bootstrap.split(','), ...secured })
    }
    const proxies = await Promise.all(
      Array.from({ length: options.proxies ?? 1 }, async (_, index) => {
        const proxy = await startProxyProcess({ controlPlane: controlPlane.url, id: `proxy-${index + 1}` })
        running.push(proxy.process)
        const { onProxyLine } = options
        if (onProxyLine !== undefined) proxy.process.onLine((line) => onProxyLine(proxy.id, line))
        return proxy
      }),
    )
    return {
      get controlPlane() {
        return controlPlane
      },
      proxies,
      bootstrap: proxies.map(({ bootstrap }) => bootstrap),
      folder,
      startControlPlaneAgain: async () => {
        await controlPlane.process.exited
        controlPlane = await startPlane(Number(new URL(controlPlane.url).port))
        return controlPlane
      },
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}
