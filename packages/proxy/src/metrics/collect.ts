import type { Gauge, Labels } from '@braid/control-api'
import type { RoutedEngine } from '@braid/virtual-cluster'
import { type ProxyMetricName, proxyMetrics } from './proxy-metrics.ts'

/** What the metrics are made of. */
export interface ProxyState {
  /** Undefined while it starts. */
  readonly routed: Pick<RoutedEngine, 'engine' | 'lease' | 'renewal' | 'pulses' | 'table'> | undefined
  /** Seconds of CPU, resident bytes, and seconds since 1970. */
  readonly process: {
    readonly cpuSeconds: number
    readonly residentBytes: number
    readonly startedAt: number
  }
  /** ms of the engine's clock */
  readonly nowMs: number
}

type Values = readonly (readonly [labels: Labels, value: number])[]

/** The values of every metric in the table, in its order. */
export function collect(state: ProxyState): Gauge[] {
  const values = valuesOf(state)
  return proxyMetrics.map(({ name, type, help }) => ({ name, type, help, values: values[name] }))
}

function valuesOf({ routed, process, nowMs }: ProxyState): Record<ProxyMetricName, Values> {
  const ofProcess = {
    process_cpu_seconds_total: one(process.cpuSeconds),
    process_resident_memory_bytes: one(process.residentBytes),
    process_start_time_seconds: one(process.startedAt),
  }
  if (routed === undefined) return { ...nothingYet, ...ofProcess }
  const { engine, lease, renewal, pulses, table } = routed
  const topics = engine.counts()
  const byTopic = (value: (topic: (typeof topics)[number]) => number): Values =>
    topics.map((each) => [{ tenant: engine.tenant, topic: each.topic }, value(each)])
  return {
    braid_proxy_connections: one(engine.sessions),
    braid_proxy_route_version: one(table.version),
    braid_proxy_lease_held: one(lease.holds(nowMs) ? 1 : 0),
    braid_proxy_lease_renewals_total: byOutcome(renewal.counts),
    braid_proxy_cluster_up: Object.entries(pulses.all()).flatMap(([cluster, { state }]) =>
      state === 'unknown' ? [] : [[{ cluster }, state === 'up' ? 1 : 0] as const],
    ),
    braid_proxy_acknowledged_records_total: byTopic(({ acknowledgedRecords }) => acknowledgedRecords),
    braid_proxy_delivered_records_total: byTopic(({ deliveredRecords }) => deliveredRecords),
    braid_proxy_held_batches: byTopic(({ heldBatches }) => heldBatches),
    braid_proxy_mirror_lag_seconds: one((engine.mirror.lagMs ?? 0) / 1_000),
    braid_proxy_mirror_commits_total: byOutcome(engine.mirror.counts),
    ...ofProcess,
  }
}

const nothingYet = Object.fromEntries(proxyMetrics.map(({ name }) => [name, []])) as unknown as Record<
  ProxyMetricName,
  Values
>

const one = (value: number): Values => [[{}, value]]

const byOutcome = (counts: Readonly<Record<string, number>>): Values =>
  Object.entries(counts).map(([outcome, count]) => [{ outcome }, count])
