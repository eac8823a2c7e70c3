import { randomBytes } from 'node:crypto'
import { ControlPlaneClient, type ControlPlaneUrls, defaultTenant, RouteFeed } from '@braid/control-api'
import { ClusterConnections } from '@braid/kafka-connection'
import type { RouteDelta, RouteTable } from '@braid/routing-model'
import { controlPlaneAdmin } from './control-plane-admin.ts'
import { Engine, type Listeners } from './engine.ts'
import { defaultLimits, type Limits } from './limits.ts'
import { type Log, silent } from './log.ts'

export interface RoutedEngineOptions {
  /** URL of the control plane; several, as a list or with commas, when they share a store. */
  readonly controlPlane: ControlPlaneUrls
  /** Whose topics clients see; `default` when absent. */
  readonly tenant?: string | undefined
  readonly token?: string | undefined
  /** How brokers know our connections. */
  readonly clientId: string
  /** Where the last route table is kept, for a start while the control plane is away. */
  readonly routesFile?: string | undefined
  /** What clients are told of listeners; made when the first table is there. */
  readonly listeners: (table: RouteTable) => Listeners
  /** After a change is in force; `delta` undefined: another table. */
  readonly onRoutes?: (table: RouteTable, delta: RouteDelta | undefined) => void
  readonly limits?: Partial<Limits> | undefined
  readonly log?: Log | undefined
}

export interface RoutedEngine {
  readonly engine: Engine
  readonly client: ControlPlaneClient
  readonly table: RouteTable
  close(): Promise<void>
}

/**
 * An engine that follows the control plane's routes: what every mount of the data plane stands on.
 *
 * @throws ControlPlaneError when there is no route table, neither from the control plane nor on disk.
 */
export async function startRoutedEngine(options: RoutedEngineOptions): Promise<RoutedEngine> {
  const { controlPlane: url, tenant = defaultTenant, token, clientId, routesFile: file, limits } = options
  const log = options.log ?? silent
  const client = new ControlPlaneClient({ url, token, timeoutMs: 30_000 })
  let engine: Engine | undefined
  const feed = new RouteFeed({
    url,
    tenants: [tenant],
    token,
    file,
    onChange: (table, delta) => {
      engine?.routesChanged(table, delta ?? undefined)
      if (engine !== undefined) options.onRoutes?.(table, delta ?? undefined)
    },
    onState: (state) => log('info', 'route-feed', { ...state }),
    onFileError: (why) => log('warn', 'routes-file', { why }),
  })
  try {
    await feed.start()
  } catch (error) {
    await feed.close()
    throw error
  }
  const bounds = { ...defaultLimits, ...limits }
  engine = new Engine({
    tenant,
    routes: feed.table,
    connect: ({ name, bootstrap, security }, memory) =>
      new ClusterConnections(
        { name, bootstrap },
        { clientId, memory, security, ...connectionBounds(bounds) },
      ),
    listeners: options.listeners(feed.table),
    admin: controlPlaneAdmin(client, tenant),
    log,
    randomBytes,
    ...(limits !== undefined && { limits }),
  })
  const running = engine
  return {
    engine: running,
    client,
    get table() {
      return feed.table
    },
    close: async () => {
      await Promise.all([running.close(), feed.close()])
    },
  }
}

/** A session's own bounds are the smaller ones, so that a connection never refuses what a session let in. */
const connectionBounds = (limits: Limits) => ({
  maxInflight: limits.inflightMaxRequests * 2,
  maxWritableBytes: limits.inflightMaxBytes + 2 * limits.requestMaxBytes,
})
