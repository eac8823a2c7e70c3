import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { ControlPlaneClient } from '@braid/control-api'
import type { Timings } from '@braid/control-plane'
import type { KafkaCluster } from '../clusters/cluster.ts'
import { choosePortsInARow } from '../clusters/ports.ts'
import { currentRun, runFolder } from '../clusters/run.ts'
import type { Detours } from './detour.ts'
import { type JsonLine, LineProcess } from './line-process.ts'

export interface ControlPlaneSpec {
  /** 0 for a free one. */
  port?: number
  /** A folder, or the URL of a PostgreSQL database, which several control planes may share. */
  store: string
  /** Over the default ones, for tests that cannot wait. */
  timings?: Partial<Timings>
  detours?: Detours
}

/** A point of a migration, failover or return where a crash means something else, as the control plane's hooks name it. */
export interface MigrationPoint {
  /** Of sagas of this kind only. */
  readonly kind?: 'failover' | 'return'
  /** A step's name, or `undo` and the name. */
  readonly step: string
  readonly phase: 'before' | 'doing' | 'after'
}

export interface ProxySpec {
  /** Of several control planes: with commas. */
  controlPlane: string
  id: string
  listen?: string
  routesFile?: string
  /** Where it answers /metrics; nowhere when absent. */
  metrics?: string
  detours?: Detours
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
  /** `host:port` of /metrics, when it was asked for. */
  readonly metrics: string | undefined
}

const readyMaxMs = 30_000
const heardMaxMs = 10_000
const heldMaxMs = 30_000
const leaderMaxMs = 15_000

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
  const metrics = ready.metrics === undefined ? undefined : String(ready.metrics)
  return { process, id: spec.id, bootstrap: String(ready.bootstrap), listeners, metrics }
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

/** Control planes that know the clusters, the first of them as home, and proxies in front of them. */
export interface RunningBraid {
  /** The one that was started last. */
  readonly controlPlane: RunningControlPlane
  /** Each at its address for good, also when it was started again. */
  readonly controlPlanes: readonly RunningControlPlane[]
  /** Knows the addresses of all control planes. */
  readonly client: ControlPlaneClient
  readonly proxies: readonly RunningProxy[]
  /** Of all proxies, for clients. */
  readonly bootstrap: readonly string[]
  /** Holds the control plane's data, and whatever the caller puts there; removed with stop(). */
  readonly folder: string
  /** The one that leads, once there is one. */
  leader(): Promise<RunningControlPlane>
  /**
   * Another control plane at the same address, on the same data, once the one before has ended. The one that was
   * started last, when none is named.
   */
  startControlPlaneAgain(before?: RunningControlPlane): Promise<RunningControlPlane>
  /** Another proxy at the same addresses, with the same file of routes, once the one before has ended. */
  startProxyAgain(before: RunningProxy): Promise<RunningProxy>
  stop(): Promise<void>
}

export interface BraidOptions {
  /** URL of an empty PostgreSQL database, for several control planes. A folder of its own when absent. */
  store?: string
  controlPlanes?: number
  proxies?: number
  /** They answer /metrics. */
  proxyMetrics?: boolean
  /** They keep their routes on disk, and their ports: a proxy can be started again. */
  proxiesLast?: boolean
  onProxyLine?: (proxy: string, line: JsonLine) => void
  /** Of each control plane, also of one that is started again. */
  onControlPlaneLine?: (line: JsonLine) => void
  timings?: Partial<Timings>
  /** Where connections of the control planes really go, and of each proxy, which also has some to control planes. */
  detours?: {
    readonly controlPlane?: Detours
    readonly proxy?: (index: number, controlPlanes: readonly string[]) => Promise<Detours>
  }
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
    store: options.store ?? join(folder, 'control-plane'),
    ...(options.timings === undefined ? {} : { timings: options.timings }),
    ...(options.detours?.controlPlane && { detours: options.detours.controlPlane }),
  }
  const planeProcesses: LineProcess[] = []
  const proxyProcesses: LineProcess[] = []
  const stop = async () => {
    // Proxies first: they drain while the control plane is still there to ask.
    for (const process of proxyProcesses.toReversed()) await process.stop()
    for (const process of planeProcesses) await process.stop()
    await rm(folder, { recursive: true, force: true })
  }
  const startPlane = async (port = 0) => {
    const started = await startControlPlaneProcess({ ...spec, port })
    planeProcesses.push(started.process)
    if (options.onControlPlaneLine !== undefined) started.process.onLine(options.onControlPlaneLine)
    return started
  }
  const startProxy = async (spec: ProxySpec) => {
    const started = await startProxyProcess(spec)
    proxyProcesses.push(started.process)
    const { onProxyLine } = options
    if (onProxyLine !== undefined) started.process.onLine((line) => onProxyLine(started.id, line))
    return started
  }
  try {
    const controlPlanes = [await startPlane()]
    while (controlPlanes.length < (options.controlPlanes ?? 1)) controlPlanes.push(await startPlane())
    let controlPlane = controlPlanes.at(-1)!
    const urls = controlPlanes.map(({ url }) => url)
    const client = new ControlPlaneClient({ url: urls })
    for (const { name, bootstrap, security } of clusters) {
      const secured = security !== undefined && { security }
      await client.clusters.register({ name, bootstrap: bootstrap.split(','), ...secured })
    }
    const proxySpecs = await Promise.all(
      Array.from({ length: options.proxies ?? 1 }, async (_, index): Promise<ProxySpec> => {
        const id = `proxy-${index + 1}`
        const lasting = options.proxiesLast && {
          // One for bootstrapping, and one for each cluster.
          listen: `127.0.0.1:${await choosePortsInARow(clusters.length + 1)}`,
          routesFile: join(folder, `${id}.routes`),
        }
        const detours = await options.detours?.proxy?.(index, urls)
        const metrics = options.proxyMetrics && { metrics: '127.0.0.1:0' }
        return { controlPlane: urls.join(','), id, ...lasting, ...metrics, ...(detours && { detours }) }
      }),
    )
    const proxies = await Promise.all(proxySpecs.map(startProxy))
    return {
      get controlPlane() {
        return controlPlane
      },
      controlPlanes,
      client,
      proxies,
      bootstrap: proxies.map(({ bootstrap }) => bootstrap),
      folder,
      leader: () => leaderOf(controlPlanes),
      startControlPlaneAgain: async (before = controlPlane) => {
        await before.process.exited
        controlPlane = await startPlane(Number(new URL(before.url).port))
        controlPlanes[controlPlanes.indexOf(before)] = controlPlane
        return controlPlane
      },
      startProxyAgain: async (before) => {
        await before.process.exited
        const index = proxies.indexOf(before)
        const proxy = await startProxy(proxySpecs[index]!)
        proxies[index] = proxy
        return proxy
      },
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}

async function leaderOf(controlPlanes: readonly RunningControlPlane[]): Promise<RunningControlPlane> {
  const deadline = performance.now() + leaderMaxMs
  while (performance.now() < deadline) {
    for (const controlPlane of controlPlanes) {
      if (controlPlane.process.running && (await roleOf(controlPlane)) === 'leader') return controlPlane
    }
    await sleep(10)
  }
  throw new Error(`no control plane led within ${leaderMaxMs} ms`)
}

/** Undefined when it does not say. */
async function roleOf({ url }: RunningControlPlane): Promise<unknown> {
  try {
    const answer = await fetch(new URL('/healthz', url), { signal: AbortSignal.timeout(2_000) })
    return ((await answer.json()) as { role?: unknown }).role
  } catch {
    return undefined
  }
}
