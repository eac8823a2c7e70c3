import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ControlPlaneClient } from '@braid/control-api'
import { type Address, formatAddress } from '@braid/routing-model'
import { refusal } from '../control-plane-calls.ts'
import { Failure, usage } from '../failure.ts'
import type { Io } from '../io.ts'
import { type Log, logLines } from '../log-lines.ts'
import type { NamedCluster } from './attach.ts'
import { checkFree, startFailure } from './ports.ts'
import type { ClusterStarter } from './providers.ts'

export interface DevOptions {
  /** Clusters that are there, or how many to start. */
  clusters: { attach: readonly NamedCluster[] } | { start: number }
  listen: Address
  api: Address
  /** Where state is kept; a temporary folder, removed at the end, when undefined. */
  dataDir: string | undefined
  /** Where a monitor serves /metrics; none is started when absent. */
  monitor?: Address | undefined
}

/** What `braid dev` is made of. Tests bring their own. */
export interface DevParts {
  findClusterStarter(): Promise<ClusterStarter>
  startControlPlane(options: {
    host: string
    port: number
    dataDir: string
    log: Log
  }): Promise<{ url: string; close(): Promise<void> }>
  startProxy(options: {
    controlPlane: string
    id: string
    listen: string
    routesFile: string
    log: Log
  }): Promise<{
    bootstrap: string
    listeners: Readonly<Record<string, string>>
    close(): Promise<void>
  }>
  startMonitor(options: {
    controlPlane: string
    id: string
    listen: string
    log: Log
  }): Promise<{ address: string; close(): Promise<void> }>
}

export interface DevCluster extends NamedCluster {
  /** What it is, where we started it. */
  about: string
}

export interface DevStack extends AsyncDisposable {
  clusters: readonly DevCluster[]
  api: string
  bootstrap: string
  listeners: Readonly<Record<string, string>>
  /** Of the monitor's /metrics; undefined without one. */
  metrics: string | undefined
  dataDir: string
  keepsData: boolean
}

/**
 * Starts everything, in this order: free ports are checked, the data folder, clusters, control plane,
 * registrations, proxy, monitor. Whatever fails on the way, or a stop, takes down what had started, in reverse.
 * Undefined when it was stopped before it was up.
 */
export async function startDevStack(
  io: Io,
  options: DevOptions,
  parts: DevParts,
  stopped: AbortSignal,
): Promise<DevStack | undefined> {
  await using started = new AsyncDisposableStack()
  await checkPorts(options)
  const dataDir = await dataFolder(options, started)
  const clusters = await findClusters(io, options, parts, started, stopped)
  if (stopped.aborted) return undefined

  const log = logLines(io, 'warn')
  const controlPlane = await parts
    .startControlPlane({ ...options.api, dataDir, log })
    .catch((error) => Promise.reject(startFailure(error, options.api, 'the control plane', '--api')))
  started.defer(() => controlPlane.close())
  await register(controlPlane.url, clusters)
  if (stopped.aborted) return undefined

  const proxy = await parts
    .startProxy({
      controlPlane: controlPlane.url,
      id: 'dev',
      listen: formatAddress(options.listen),
      routesFile: join(dataDir, 'routes.json'),
      log,
    })
    .catch((error) => Promise.reject(startFailure(error, options.listen, 'the proxy', '--listen')))
  started.defer(() => proxy.close())
  const monitor = await startMonitor(options, parts, controlPlane.url, log)
  if (monitor !== undefined) started.defer(() => monitor.close())

  const running = started.move()
  return {
    clusters,
    api: controlPlane.url,
    bootstrap: proxy.bootstrap,
    listeners: proxy.listeners,
    metrics: monitor?.address,
    dataDir,
    keepsData: options.dataDir !== undefined,
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  }
}

async function startMonitor({ monitor }: DevOptions, parts: DevParts, controlPlane: string, log: Log) {
  if (monitor === undefined) return undefined
  return parts
    .startMonitor({ controlPlane, id: 'dev', listen: formatAddress(monitor), log })
    .catch((error) => Promise.reject(startFailure(error, monitor, 'the monitor', '--monitor')))
}

/** What cannot be on any machine comes before what is not free on this one. */
async function checkPorts({ api, listen, clusters, monitor }: DevOptions): Promise<void> {
  const count = 'start' in clusters ? clusters.start : clusters.attach.length
  const last = listen.port === 0 ? 0 : listen.port + count
  if (last > 65_535) {
    throw usage(
      `--listen: the proxy needs a port for each of ${count} clusters after ${listen.port}, and there are not so many`,
      'choose a lower port',
    )
  }
  if (api.port !== 0 && api.host === listen.host && api.port >= listen.port && api.port <= last) {
    throw usage(
      `--api ${formatAddress(api)} is one of the ports ${listen.port} to ${last} that the proxy takes, one for each cluster`,
      'choose a port outside of them',
    )
  }
  await checkFree(api, 'the control plane', '--api')
  await checkFree(listen, 'the proxy', '--listen')
  if (monitor !== undefined) await checkFree(monitor, 'the monitor', '--monitor')
  for (let port = listen.port + 1; port <= last; port++) {
    await checkFree({ ...listen, port }, 'the proxy (a port for each cluster after its own)', '--listen')
  }
}

async function dataFolder({ dataDir }: DevOptions, started: AsyncDisposableStack): Promise<string> {
  if (dataDir !== undefined) {
    await mkdir(dataDir, { recursive: true }).catch((cause) => {
      throw new Failure(`cannot keep data in ${dataDir}: ${cause.message}`, {
        remedy: 'choose another folder with --data DIR',
        cause,
      })
    })
    return dataDir
  }
  const folder = await mkdtemp(join(tmpdir(), 'braid-dev-'))
  started.defer(() => rm(folder, { recursive: true, force: true }))
  return folder
}

async function findClusters(
  io: Io,
  options: DevOptions,
  parts: DevParts,
  started: AsyncDisposableStack,
  stopped: AbortSignal,
): Promise<readonly DevCluster[]> {
  if ('attach' in options.clusters) {
    return options.clusters.attach.map((cluster) => ({ ...cluster, about: '' }))
  }
  const starter = await parts.findClusterStarter()
  const names = clusterNames.slice(0, options.clusters.start)
  io.stderr.write(`starting Kafka clusters ${names.join(', ')} ...\n`)
  const sayWait = (): void =>
    io.stderr.write('stopping, as soon as the clusters that are starting are there ...\n')
  stopped.addEventListener('abort', sayWait, { once: true })
  try {
    const clusters = await starter.startClusters(names.map((name) => ({ name })))
    started.defer(async () => {
      await Promise.all(clusters.map((cluster) => cluster.stop()))
    })
    return clusters.map(({ name, version, provider, bootstrap }) => ({
      name,
      bootstrap: bootstrap.split(','),
      about: `Kafka ${version} (${provider})`,
    }))
  } catch (cause) {
    throw new Failure(`the Kafka clusters did not start: ${cause instanceof Error ? cause.message : cause}`, {
      remedy: 'clusters of your own will do: braid dev --attach a=host:port,b=host:port',
      cause,
    })
  } finally {
    stopped.removeEventListener('abort', sayWait)
  }
}

export const clusterNames: readonly string[] = [...'abcdefghi']

/** In the order in which they are named: the first one becomes home. */
async function register(url: string, clusters: readonly NamedCluster[]): Promise<void> {
  const client = new ControlPlaneClient({ url })
  try {
    const known = new Map((await client.clusters.list()).map((cluster) => [cluster.name, cluster.bootstrap]))
    for (const { name, bootstrap } of clusters) {
      const before = known.get(name)
      if (before === undefined) await client.clusters.register({ name, bootstrap })
      else if (before.join() !== bootstrap.join()) {
        throw new Failure(
          `cluster ${name} was at ${before.join()} in the kept data, now it is at ${bootstrap.join()}`,
          {
            remedy: 'attach it where it was, or use another --data DIR',
          },
        )
      }
    }
  } catch (error) {
    throw refusal(error, { controlPlaneFrom: '--api' })
  }
}
