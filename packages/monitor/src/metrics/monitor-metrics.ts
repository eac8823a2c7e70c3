/** A metric as its users know it. Names are stable: alert rules and dashboards of others stand on them. */
export interface MetricSpec {
  readonly name: string
  readonly type: 'gauge' | 'counter' | 'histogram'
  readonly help: string
  readonly labels: readonly string[]
}

/** All that a monitor's /metrics has. */
export const monitorMetrics = [
  {
    name: 'braid_canary_reachable',
    type: 'gauge',
    help: 'Whether the cluster counts as up: a broker answers, and records can be written (15 s are given)',
    labels: ['cluster'],
  },
  {
    name: 'braid_canary_up',
    type: 'gauge',
    help: 'Whether the latest canary records were written to every broker and read back',
    labels: ['cluster'],
  },
  {
    name: 'braid_canary_checks_total',
    type: 'counter',
    help: 'Checks of the cluster, by how they ended: ok or failed',
    labels: ['cluster', 'result'],
  },
  {
    name: 'braid_canary_latency_seconds',
    type: 'histogram',
    help: 'Time that canary records took, by what was done: produce or fetch',
    labels: ['cluster', 'operation'],
  },
  {
    name: 'braid_listener_up',
    type: 'gauge',
    help: 'Whether the latest check through the listener of an access point succeeded',
    labels: ['access_point', 'listener'],
  },
  {
    name: 'braid_listener_checks_total',
    type: 'counter',
    help: 'Checks through the listener, by how they ended: ok or failed',
    labels: ['access_point', 'listener', 'result'],
  },
  {
    name: 'braid_listener_latency_seconds',
    type: 'histogram',
    help: 'Time that a check through the listener took, by what was done: connect, metadata, produce or fetch',
    labels: ['access_point', 'listener', 'operation'],
  },
  {
    name: 'braid_group_lag_records',
    type: 'gauge',
    help: 'Records that the group has not read, over the whole chain, without gaps',
    labels: ['tenant', 'group', 'topic'],
  },
  {
    name: 'braid_group_lag_seconds',
    type: 'gauge',
    help: 'Age of the oldest record that the group has not read; 0 when there is none',
    labels: ['tenant', 'group', 'topic'],
  },
  {
    name: 'braid_group_lag_partial',
    type: 'gauge',
    help: 'Whether the lag counts loglets that cannot be asked now, as they were last known',
    labels: ['tenant', 'group', 'topic'],
  },
  {
    name: 'braid_group_state',
    type: 'gauge',
    help: 'How the group is doing, 1 for the state that it is in: OK, WARNING, STALL or STOP',
    labels: ['tenant', 'group', 'topic', 'state'],
  },
  {
    name: 'braid_group_delivered_records_total',
    type: 'counter',
    help: 'Records that the commits of the group have passed',
    labels: ['tenant', 'group', 'topic'],
  },
  {
    name: 'braid_strays_records_total',
    type: 'counter',
    help: 'Records found behind the cuts of sealed loglets',
    labels: ['tenant', 'topic'],
  },
  {
    name: 'braid_audit_acknowledged_records',
    type: 'gauge',
    help: 'Records that proxies acknowledged in the latest window of a minute',
    labels: ['tenant', 'topic'],
  },
  {
    name: 'braid_audit_log_records',
    type: 'gauge',
    help: 'Records that came to the logs in the latest window of a minute',
    labels: ['tenant', 'topic'],
  },
  {
    name: 'braid_audit_delivered_records',
    type: 'gauge',
    help: 'Records that proxies delivered to consumers in the latest window of a minute',
    labels: ['tenant', 'topic'],
  },
  {
    name: 'braid_audit_loss_records',
    type: 'gauge',
    help: 'Records of the latest window that were acknowledged and are not in the logs',
    labels: ['tenant', 'topic'],
  },
  {
    name: 'braid_audit_surplus_records',
    type: 'gauge',
    help: 'Records of the latest window that are in the logs and no proxy acknowledged',
    labels: ['tenant', 'topic'],
  },
  {
    name: 'braid_audit_unjudged',
    type: 'gauge',
    help: 'Whether nothing can be said of the latest window: a proxy or a log was not heard',
    labels: ['tenant', 'topic'],
  },
  {
    name: 'braid_slo_burn_rate',
    type: 'gauge',
    help: 'How many times as fast as it may the tenant uses up what its service level allows to fail, by window',
    labels: ['tenant', 'window'],
  },
  {
    name: 'braid_slo_target_ratio',
    type: 'gauge',
    help: 'The share of checks that has to succeed',
    labels: [],
  },
  {
    name: 'braid_monitor_route_version',
    type: 'gauge',
    help: 'The version of the routes that the monitor goes by',
    labels: [],
  },
  {
    name: 'braid_monitor_events_total',
    type: 'counter',
    help: 'What was found, by kind',
    labels: ['kind'],
  },
  {
    name: 'braid_monitor_events_dropped_total',
    type: 'counter',
    help: 'What was found and could not be kept until the control plane took it',
    labels: [],
  },
  {
    name: 'braid_monitor_report_age_seconds',
    type: 'gauge',
    help: 'Time since the control plane took a report',
    labels: [],
  },
  {
    name: 'braid_monitor_coordinators_missing',
    type: 'gauge',
    help: 'Coordinators that did not answer in the latest round: lags of their groups are as they were',
    labels: [],
  },
  {
    name: 'braid_monitor_round_seconds',
    type: 'gauge',
    help: 'Time that the latest round took, by what was looked at: lag, strays or audit',
    labels: ['round'],
  },
] as const satisfies readonly MetricSpec[]

export type MonitorMetric = (typeof monitorMetrics)[number]['name']
