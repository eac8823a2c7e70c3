import { ControlPlaneClient, ControlPlaneError, RouteFeed } from '@braid/control-api'
import type { RouteTable } from '@braid/routing-model'
import { Audit } from './audit/audit.ts'
import type { Check } from './canary/checks.ts'
import { ClusterCanaries } from './canary/cluster-canaries.ts'
import { ListenerCanaries } from './canary/listener-canaries.ts'
import { ClusterSet, checkBounds, questionBounds } from './clusters/cluster-set.ts'
import { Findings } from './findings.ts'
import { LagWatch } from './lag/lag-watch.ts'
import { type Log, silent } from './log.ts'
import { CheckCounts } from './metrics/check-counts.ts'
import type { MonitorState } from './metrics/collect.ts'
import { type MetricsServer, serveMetrics } from './metrics/server.ts'
import {
  defaultSloPercent,
  defaultTimings,
  type MonitorOptions,
  type MonitorTimings,
} from './monitor-options.ts'
import { type Repeated, repeat } from './repeat.ts'
import { BurnRates } from './slo/burn-rates.ts'
import { TenantChecks } from './slo/tenant-checks.ts'
import { StrayWatch } from './strays/watch-strays.ts'

export interface Monitor {
  /** `host:port` of /metrics. */
  readonly address: string
  readonly routeVersion: number
  close(): Promise<void>
}

const REPORT_MAX_MS = 2_000
const JUDGE_EVERY_MS = 10_000
const FOLLOW_EVERY_MS = 1_000

/**
 * Starts a monitor: it follows the routes, looks at clusters, listeners, groups and logs, serves what it sees to Prometheus, and
 * tells the control plane each second how it sees the clusters and what it found.
 *
 * @throws ControlPlaneError when there is no route table, neither from the control plane nor on disk
 */
export async function startMonitor(options: MonitorOptions): Promise<Monitor> {
  const monitor = new RunningMonitor(options)
  try {
    await monitor.start()
  } catch (error) {
    await monitor.close()
    throw error
  }
  return monitor
}

const wallMs = () => Date.now()
const monotonicMs = () => performance.now()

class RunningMonitor implements Monitor {
  readonly #options: MonitorOptions
  readonly #timings: MonitorTimings
  readonly #log: Log
  readonly #client: ControlPlaneClient
  readonly #feed: RouteFeed
  readonly #findings = new Findings(wallMs)
  readonly #pulses: ClusterSet
  readonly #records: ClusterSet
  readonly #questions: ClusterSet
  readonly #canaries: ClusterCanaries
  readonly #listeners: ListenerCanaries
  readonly #lag: LagWatch
  readonly #strays: StrayWatch
  readonly #audit: Audit
  readonly #rates: BurnRates
  readonly #tenantChecks: TenantChecks
  readonly #counts = new CheckCounts()
  readonly #rounds = new Map<string, Repeated>()
  #server: MetricsServer | undefined
  #reportedMs: number | undefined
  #routesAreNew = true
  #closing: Promise<void> | undefined

  constructor(options: MonitorOptions) {
    const { controlPlane: url, token, id, routesFile: file, canaryTopic: topic } = options
    const timings = { ...defaultTimings, ...options.timings }
    const log = options.log ?? silent
    this.#options = options
    this.#timings = timings
    this.#log = log
    const limits = { leaderMaxMs: REPORT_MAX_MS, awayMaxMs: REPORT_MAX_MS, readMaxMs: REPORT_MAX_MS }
    this.#client = new ControlPlaneClient({ url, token, timeoutMs: REPORT_MAX_MS, limits })
    this.#feed = new RouteFeed({
      url,
      token,
      file,
      onChange: (table) => this.#routesChanged(table),
      onState: (state) => log('info', 'route-feed', { ...state }),
      onFileError: (why) => log('warn', 'routes-file', { why }),
    })
    const clientId = `braid-monitor-${id}`
    this.#pulses = new ClusterSet({ clientId, ...checkBounds })
    this.#records = new ClusterSet({ clientId, ...checkBounds })
    this.#questions = new ClusterSet({ clientId, ...questionBounds })
    const find = this.#findings.add
    const onCheck = (check: Check) => this.#checked(check)
    const timeoutMs = timings.checkMaxMs
    const [pulses, records] = [this.#pulses, this.#records]
    const looking = { onCheck, find, log, now: monotonicMs, timeoutMs }
    this.#canaries = new ClusterCanaries({ ...looking, pulses, records })
    this.#listeners = new ListenerCanaries({ ...looking, topic })
    const clusters = (name: string) => (this.#canaries.isDown(name) ? undefined : this.#questions.get(name))
    const asking = { clusters, find, now: wallMs, log, timeoutMs: timings.questionMaxMs }
    this.#lag = new LagWatch(asking)
    this.#strays = new StrayWatch(asking)
    this.#audit = new Audit({
      ...asking,
      targets: options.proxyMetrics ?? [],
      windowMs: timings.auditWindowMs,
    })
    this.#rates = new BurnRates(options.sloPercent ?? defaultSloPercent, find)
    this.#tenantChecks = new TenantChecks(this.#rates, timings.produceMaxMs, wallMs)
  }

  get address(): string {
    return this.#server?.address ?? this.#options.listen
  }

  get routeVersion(): number {
    return this.#table?.version ?? 0
  }

  async start(): Promise<void> {
    this.#server = await serveMetrics(this.#options.listen, {
      state: () => this.#state(),
      notReady: () => (this.#table === undefined ? 'it has no routes yet' : undefined),
    })
    await this.#feed.start()
    const { pulseEveryMs, checkEveryMs, reportEveryMs, lagEveryMs, straysEveryMs, auditEveryMs } =
      this.#timings
    const round = (name: string, everyMs: number, run: () => Promise<void> | void) =>
      this.#rounds.set(name, repeat(name, everyMs, this.#log, run))
    round('routes', FOLLOW_EVERY_MS, () => this.#followRoutes())
    round('pulses', pulseEveryMs, () => this.#canaries.pulse())
    round('records', checkEveryMs, () => this.#canaries.records())
    round('listeners', checkEveryMs, () => this.#listeners.round())
    round('report', reportEveryMs, () => this.#report())
    round('lag', lagEveryMs, () => this.#lag.round(this.#feed.table))
    round('strays', straysEveryMs, () => this.#strays.round(this.#feed.table))
    round('audit', auditEveryMs, () => this.#audit.round(this.#feed.table))
    round('slo', JUDGE_EVERY_MS, () => this.#rates.judge(wallMs()))
    this.#log('info', 'monitoring', { id: this.#options.id, metrics: this.address })
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    const rounds = [...this.#rounds.values()].map((round) => round.stop())
    // Ends what the rounds wait for.
    await Promise.all([this.#pulses.close(), this.#records.close(), this.#questions.close()])
    await Promise.all([...rounds, this.#feed.close(), this.#server?.close()])
  }

  get #table(): RouteTable | undefined {
    try {
      return this.#feed.table
    } catch {
      return undefined
    }
  }

  #routesChanged(table: RouteTable): void {
    for (const set of [this.#pulses, this.#records, this.#questions]) set.follow(table)
    this.#canaries.follow(table)
    this.#routesAreNew = true
  }

  /** What takes a look at all topics, once for many changes. */
  #followRoutes(): void {
    if (!this.#routesAreNew) return
    this.#routesAreNew = false
    const { table } = this.#feed
    this.#listeners.follow(table)
    this.#tenantChecks.follow(table)
    this.#counts.follow(table)
  }

  #checked(check: Check): void {
    this.#counts.took(check)
    this.#tenantChecks.took(check)
  }

  async #report(): Promise<void> {
    const events = this.#findings.next()
    try {
      await this.#client.monitors.report(this.#options.id, { clusters: this.#canaries.votes(), events })
    } catch (error) {
      if (error instanceof ControlPlaneError && error.code === 'BAD_REQUEST') this.#findings.arrived(events)
      throw error
    }
    this.#findings.arrived(events)
    this.#reportedMs = monotonicMs()
  }

  #state(): MonitorState {
    const nowMs = wallMs()
    const rounds = [...this.#rounds].flatMap(([name, { tookMs }]): [string, number][] =>
      ['lag', 'strays', 'audit'].includes(name) && tookMs !== undefined ? [[name, tookMs / 1_000]] : [],
    )
    return {
      clusters: this.#canaries.all,
      listeners: this.#listeners.states,
      clusterChecks: this.#counts.checksOf('cluster'),
      listenerChecks: this.#counts.checksOf('listener'),
      clusterLatencies: this.#counts.latenciesOf('cluster'),
      listenerLatencies: this.#counts.latenciesOf('listener'),
      groups: this.#lag.groups,
      strays: this.#strays.totals,
      windows: this.#audit.windows,
      burnRates: this.#rates.rates(nowMs),
      sloPercent: this.#options.sloPercent ?? defaultSloPercent,
      routeVersion: this.routeVersion,
      events: this.#findings.counts,
      eventsDropped: this.#findings.droppedTotal,
      reportAgeSeconds:
        this.#reportedMs === undefined ? undefined : (monotonicMs() - this.#reportedMs) / 1_000,
      coordinatorsMissing: this.#lag.missing.length,
      rounds,
    }
  }
}
