import { randomBytes } from 'node:crypto'
import { ControlPlaneClient, type ControlPlaneUrls, defaultTenant, RouteFeed } from '@braid/control-api'
import { ClusterConnections } from '@braid/kafka-connection'
import type { RouteDelta, RouteTable } from '@braid/routing-model'
import { pulseConnectionOptions } from './cluster-pulse.ts'
import { ClusterPulses } from './cluster-pulses.ts'
import { controlPlaneAdmin } from './control-plane-admin.ts'
import { Engine, type Listeners } from './engine.ts'
import { LeaseRenewal, mustBeToldAtOnce, needsLease, renewalTimeoutMs } from './lease-renewal.ts'
import { defaultLimits, type Limits } from './limits.ts'
import { type Log, silent } from './log.ts'
import { WriteLease } from './write-lease.ts'

export interface RoutedEngineOptions {
  /** URL of the control plane; several, as a list or with commas, when they share a store. */
  readonly controlPlane: ControlPlaneUrls
  /** Whose topics clients see; `default` when absent. */
  readonly tenant?: string | undefined
  readonly token?: string | undefined
  /** How brokers know our connections. */
  readonly clientId: string
  /** Of a proxy: its id, after which its write lease is named. Absent: an engine inside of an application. */
  readonly accessPoint?: string | undefined
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
  /** How the clusters of the tenant are seen from here. */
  readonly pulses: ClusterPulses
  readonly lease: WriteLease
  readonly renewal: LeaseRenewal
  close(): Promise<void>
}

/**
 * An engine that follows the control plane's routes, and holds its write lease: what every mount of the data plane
 * stands on.
 *
 * @throws ControlPlaneError when there is no route table, neither from the control plane nor on disk.
 */
export async function startRoutedEngine(options: RoutedEngineOptions): Promise<RoutedEngine> {
  const { controlPlane: url, tenant = defaultTenant, token, clientId, routesFile: file, limits } = options
  const { accessPoint } = options
  const log = options.log ?? silent
  const client = new ControlPlaneClient({ url, token, timeoutMs: 30_000 })
  const lease = new WriteLease()
  let engine: Engine | undefined
  let pulses: ClusterPulses | undefined
  let renewal: LeaseRenewal | undefined
  const feed = new RouteFeed({
    url,
    tenants: [tenant],
    token,
    file,
    onChange: (table, delta) => {
      engine?.routesChanged(table, delta ?? undefined)
      pulses?.routed(table)
      // Whoever gives a cluster up waits until it is heard; and who was told that its routes are too old asks again.
      if (mustBeToldAtOnce(delta ?? undefined) || !lease.holds(now())) renewal?.soon()
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
  pulses = new ClusterPulses(
    {
      tenant,
      connect: ({ name, bootstrap, security }) =>
        new ClusterConnections(
          { name, bootstrap },
          { ...pulseConnectionOptions, clientId: `${clientId}-pulse`, security },
        ),
      now,
      log,
    },
    feed.table,
  )
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
    now,
    lease,
    sightings: pulses,
    randomBytes,
    ...(limits !== undefined && { limits }),
  })
  const parts = { engine, pulses }
  renewal = new LeaseRenewal({
    // Of this process alone: two that share a name by mistake must not renew each other's lease.
    id: `${(accessPoint ?? 'sdk').slice(0, leaseNameMaxCharacters)}.${randomBytes(8).toString('hex')}`,
    lease,
    office: new ControlPlaneClient({ url, token, timeoutMs: renewalTimeoutMs, limits: hurried }).leases,
    report: () => ({
      kind: accessPoint === undefined ? 'sdk' : 'proxy',
      accessPoint: accessPoint ?? null,
      tenant,
      routeVersion: feed.table.version,
      settledVersion: parts.engine.settledVersion,
      clusters: parts.pulses.all(),
      mirrorLagMs: parts.engine.mirror.lagMs,
    }),
    needed: () => needsLease(feed.table, tenant),
    now,
    log,
  })
  const renewing = renewal
  pulses.onChange(() => renewing.soon())
  await renewing.start()
  return {
    ...parts,
    client,
    lease,
    renewal: renewing,
    get table() {
      return feed.table
    },
    close: async () => {
      // The lease goes last: until then something of the engine may be on its way.
      await Promise.all([parts.engine.close(), parts.pulses.close(), feed.close()])
      await renewing.close()
    },
  }
}

const now = () => performance.now()

/** Of the name in a lease's id, which has 128 at most. */
const leaseNameMaxCharacters = 100

/** A renewal that is repeated for long is worth nothing: the lease runs from when the first was sent. */
const hurried = { leaderMaxMs: 500, awayMaxMs: 500, retryBaseMs: 50, retryMaxMs: 200 }

/** A session's own bounds are the smaller ones, so that a connection never refuses what a session let in. */
const connectionBounds = (limits: Limits) => ({
  maxInflight: limits.inflightMaxRequests * 2,
  maxWritableBytes: limits.inflightMaxBytes + 2 * limits.requestMaxBytes,
})
