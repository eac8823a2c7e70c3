import { type Address, formatAddress, parseAddress, withoutBrackets } from '@braid/routing-model'
import { type Limits, type Log, type RoutedEngine, startRoutedEngine } from '@braid/virtual-cluster'
import { type Listener, listen } from './listener.ts'
import type { ProxyState } from './metrics/collect.ts'
import { type MetricsServer, serveMetrics } from './metrics/server.ts'
import { OwnListeners } from './own-listeners.ts'

export interface ProxyOptions {
  /** URL of the control plane, like `http://127.0.0.1:7070`; several, as a list or with commas, when they share a store. */
  readonly controlPlane: string | readonly string[]
  /** Whose topics clients see here; `default` when absent. */
  readonly tenant?: string
  readonly token?: string
  /** Names this access point, for ever: its node ids belong to the name. */
  readonly id: string
  /**
   * `host:port` of the bootstrap listener. Cluster number n listens at port + n; port 0 gives every
   * listener a free port.
   */
  readonly listen: string
  /** The host that clients are told, an IPv6 address with brackets or without; the one of `listen` when absent. */
  readonly advertisedHost?: string
  /** Where the last route table is kept, for a start while the control plane is away. */
  readonly routesFile?: string
  readonly log?: Log
  readonly limits?: Partial<Limits>
  /** Client connections of one listener; more are refused. */
  readonly connectionsMax?: number
  /** `host:port` where /metrics, /healthz and /readyz are answered over HTTP; nowhere when absent. */
  readonly metrics?: string
}

export interface Proxy {
  /** `host:port` that clients bootstrap from. */
  readonly bootstrap: string
  /** By cluster, `host:port` of the listener that leads there. */
  readonly listeners: Readonly<Record<string, string>>
  readonly routeVersion: number
  /** `host:port` of /metrics; undefined when it was not asked for. */
  readonly metrics: string | undefined
  close(): Promise<void>
}

const RENEW_MS = 2_000
const CONNECTIONS_MAX = 10_000

/**
 * Starts an access point: a bootstrap listener, and one listener per cluster.
 *
 * @throws ListenError when an address is taken; ControlPlaneError when there is no route table, neither from
 *   the control plane nor on disk.
 */
export async function startProxy(options: ProxyOptions): Promise<Proxy> {
  const running = new RunningProxy(options)
  try {
    await running.start()
  } catch (error) {
    await running.close()
    throw error
  }
  return running
}

class RunningProxy implements Proxy {
  readonly #options: ProxyOptions
  readonly #address: Address
  readonly #advertisedHost: string
  readonly #log: Log
  readonly #opened = new Map<string, Listener>()
  #routed: RoutedEngine | undefined
  #own: OwnListeners | undefined
  #bootstrap: Listener | undefined
  #metrics: MetricsServer | undefined
  #renewTimer: NodeJS.Timeout | undefined
  #opening: Promise<void> = Promise.resolve()
  #renewFailed = false
  #closing = false

  constructor(options: ProxyOptions) {
    this.#options = options
    this.#log = options.log ?? (() => {})
    this.#address = listenAddress(options.listen)
    this.#advertisedHost = withoutBrackets(options.advertisedHost ?? this.#address.host)
  }

  async start(): Promise<void> {
    const { id, controlPlane, tenant, token, routesFile, limits, metrics } = this.#options
    if (metrics !== undefined) {
      this.#metrics = await serveMetrics(listenAddress(metrics), {
        state: () => this.#state(),
        notReady: () => this.#notReady(),
      })
    }
    this.#routed = await startRoutedEngine({
      controlPlane,
      tenant,
      token,
      clientId: `braid-${id}`,
      accessPoint: id,
      routesFile,
      limits,
      log: this.#log,
      listeners: (table) => {
        this.#own = new OwnListeners(id, table.accessPoints.get(id)?.number ?? 0, table)
        return this.#own
      },
      onRoutes: (table, delta) => {
        this.#own?.routed(table)
        const clusters =
          delta === undefined || delta.clusters !== undefined || delta.removedClusters !== undefined
        if (clusters) this.#followClusters()
      },
    })
    this.#bootstrap = await listen(this.#routed.engine, 'bootstrap', this.#address, this.#connectionsMax)
    await this.#openListeners()
    await this.#renew()
    this.#renewTimer = setInterval(() => void this.#renew(), RENEW_MS)
    this.#log('info', 'listening', { id, bootstrap: this.bootstrap, listeners: this.listeners })
  }

  get #connectionsMax(): number {
    return this.#options.connectionsMax ?? CONNECTIONS_MAX
  }

  get bootstrap(): string {
    return formatAddress({ host: this.#advertisedHost, port: this.#bootstrap?.port ?? this.#address.port })
  }

  get listeners(): Record<string, string> {
    return this.#own?.addresses() ?? {}
  }

  get routeVersion(): number {
    return this.#routed?.table.version ?? 0
  }

  get metrics(): string | undefined {
    return this.#metrics?.address
  }

  #state(): ProxyState {
    const { user, system } = process.cpuUsage()
    return {
      routed: this.#routed,
      process: {
        cpuSeconds: (user + system) / 1_000_000,
        residentBytes: process.memoryUsage.rss(),
        startedAt: performance.timeOrigin / 1_000,
      },
      nowMs: performance.now(),
    }
  }

  #notReady(): string | undefined {
    if (this.#closing) return 'the proxy is being stopped'
    if (this.#routed === undefined) return 'no routes have come yet'
    return this.#bootstrap === undefined ? 'the listeners are not open yet' : undefined
  }

  /** Opens listeners of new clusters and closes those of clusters that are gone, one change after another. */
  #followClusters(): void {
    this.#opening = this.#opening
      .then(async () => {
        if (this.#closing) return
        await this.#openListeners()
        await this.#renew()
      })
      .catch((error: unknown) => {
        this.#log('error', 'listener-failed', { why: error instanceof Error ? error.message : String(error) })
      })
  }

  async #openListeners(): Promise<void> {
    const own = this.#own!
    const { engine, table } = this.#routed!
    for (const { name, number } of table.clusters.values()) {
      if (this.#opened.has(name)) continue
      const port = this.#address.port === 0 ? 0 : this.#address.port + number
      const address = { host: this.#address.host, port }
      const listener = await listen(engine, `cluster ${name}`, address, this.#connectionsMax)
      this.#opened.set(name, listener)
      own.opened(name, { host: this.#advertisedHost, port: listener.port })
    }
    for (const [name, listener] of this.#opened) {
      if (table.clusters.has(name)) continue
      this.#opened.delete(name)
      own.closed(name)
      await listener.close()
    }
  }

  /** The lease: without it the control plane takes this access point out of the routes. */
  async #renew(): Promise<void> {
    try {
      const { number } = await this.#routed!.client.accessPoints.renew({
        id: this.#options.id,
        bootstrap: this.bootstrap,
        listeners: this.listeners,
        routeVersion: this.routeVersion,
      })
      this.#own?.numbered(number)
      this.#renewFailed = false
    } catch (error) {
      // The data plane goes on with the routes that it has.
      if (!this.#renewFailed) {
        this.#log('warn', 'access-point-not-renewed', {
          why: error instanceof Error ? error.message : String(error),
        })
      }
      this.#renewFailed = true
    }
  }

  async close(): Promise<void> {
    if (this.#closing) return
    this.#closing = true
    clearInterval(this.#renewTimer)
    await this.#opening
    await Promise.all([
      this.#bootstrap?.close(),
      ...[...this.#opened.values()].map((listener) => listener.close()),
    ])
    await this.#routed?.close()
    await this.#metrics?.close()
  }
}

function listenAddress(text: string): Address {
  const address = parseAddress(text)
  if (address === undefined)
    throw new TypeError(`listen address ${text} is not host:port, like 127.0.0.1:9092`)
  return address
}
