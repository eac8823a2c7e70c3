/** A metric as its users know it. Names are stable: alert rules and dashboards of others stand on them. */
export interface ProxyMetric {
  readonly name: string
  readonly type: 'gauge' | 'counter'
  readonly help: string
  readonly labels: readonly string[]
}

/** All that a proxy's /metrics has. Counters begin at zero when the proxy starts. */
export const proxyMetrics = [
  {
    name: 'braid_proxy_connections',
    type: 'gauge',
    help: 'Connections of clients',
    labels: [],
  },
  {
    name: 'braid_proxy_route_version',
    type: 'gauge',
    help: 'Version of the routes in force',
    labels: [],
  },
  {
    name: 'braid_proxy_lease_held',
    type: 'gauge',
    help: 'Whether topics that fail over may be written to now: 1 while the write lease holds',
    labels: [],
  },
  {
    name: 'braid_proxy_lease_renewals_total',
    type: 'counter',
    help: 'Renewals of the write lease, by outcome: granted, behind (our routes are too old), refused or failed',
    labels: ['outcome'],
  },
  {
    name: 'braid_proxy_cluster_up',
    type: 'gauge',
    help: 'Whether the cluster answers, seen from here; absent until that is known',
    labels: ['cluster'],
  },
  {
    name: 'braid_proxy_acknowledged_records_total',
    type: 'counter',
    help: 'Records that producers were told are there',
    labels: ['tenant', 'topic'],
  },
  {
    name: 'braid_proxy_delivered_records_total',
    type: 'counter',
    help: 'Records in answers to consumers',
    labels: ['tenant', 'topic'],
  },
  {
    name: 'braid_proxy_held_batches',
    type: 'gauge',
    help: 'Batches that wait here for a cluster that takes them',
    labels: ['tenant', 'topic'],
  },
  {
    name: 'braid_proxy_mirror_lag_seconds',
    type: 'gauge',
    help: 'Age of the oldest commit that the standby home does not have; 0 when none waits',
    labels: [],
  },
  {
    name: 'braid_proxy_mirror_commits_total',
    type: 'counter',
    help: 'Commits and deletions of groups for the standby home, by outcome: mirrored, superseded, refused, expired, overflowed or moved',
    labels: ['outcome'],
  },
  {
    name: 'process_cpu_seconds_total',
    type: 'counter',
    help: 'User and system CPU time of the process',
    labels: [],
  },
  {
    name: 'process_resident_memory_bytes',
    type: 'gauge',
    help: 'Resident memory of the process',
    labels: [],
  },
  {
    name: 'process_start_time_seconds',
    type: 'gauge',
    help: 'When the process started, in seconds since 1970',
    labels: [],
  },
] as const satisfies readonly ProxyMetric[]

export type ProxyMetricName = (typeof proxyMetrics)[number]['name']
