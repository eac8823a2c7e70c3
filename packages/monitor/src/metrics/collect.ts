import type { Distribution, Gauge, Histogram, Labels } from '@braid/control-api'
import type { AuditedWindow } from '../audit/audit.ts'
import type { ClusterCanary } from '../canary/cluster-canary.ts'
import type { ListenerState } from '../canary/listener-canaries.ts'
import { groupStates } from '../lag/group-state.ts'
import type { GroupLag } from '../lag/lag-watch.ts'
import type { SloWindow } from '../slo/burn-rates.ts'
import { type MonitorMetric, monitorMetrics } from './monitor-metrics.ts'

/** All that a monitor knows at one moment. */
export interface MonitorState {
  readonly clusters: Iterable<ClusterCanary>
  readonly listeners: Iterable<ListenerState>
  readonly clusterChecks: Iterable<readonly [Labels, number]>
  readonly listenerChecks: Iterable<readonly [Labels, number]>
  readonly clusterLatencies: readonly (readonly [Labels, Distribution])[]
  readonly listenerLatencies: readonly (readonly [Labels, Distribution])[]
  readonly groups: Iterable<GroupLag>
  readonly strays: Iterable<{ readonly tenant: string; readonly topic: string; readonly records: number }>
  readonly windows: readonly AuditedWindow[]
  readonly burnRates: Iterable<{ readonly tenant: string; readonly window: SloWindow; readonly rate: number }>
  readonly sloPercent: number
  readonly routeVersion: number
  readonly events: Iterable<readonly [kind: string, count: number]>
  readonly eventsDropped: number
  /** Undefined until a report was taken. */
  readonly reportAgeSeconds: number | undefined
  readonly coordinatorsMissing: number
  readonly rounds: Iterable<readonly [round: string, seconds: number]>
}

type Values = readonly (readonly [Labels, number])[]

/** Series of groups, each with eight; further groups are left out, and their lag is with the control plane's events only. */
const GROUPS_MAX = 20_000

export function collect(state: MonitorState): (Gauge | Histogram)[] {
  const clusters = [...state.clusters]
  const groups = [...state.groups].slice(0, GROUPS_MAX)
  const ofGroup = ({ tenant, group, topic }: GroupLag) => ({ tenant, group, topic })
  const ofListener = ({ accessPoint, listener }: ListenerState) => ({ access_point: accessPoint, listener })
  const ofWindow = (records: (window: AuditedWindow) => number): Values =>
    state.windows.map((window) => [{ tenant: window.tenant, topic: window.topic }, records(window)])
  const judged = (kind: 'loss' | 'surplus') =>
    ofWindow(({ judgement }) => (judgement.kind === kind ? judgement.records : 0))
  const one = (value: number | undefined): Values => (value === undefined ? [] : [[{}, value]])

  const values: Record<Exclude<MonitorMetric, keyof typeof distributions>, Values> = {
    braid_canary_reachable: clusters
      .filter(({ vote }) => vote.state !== 'unknown')
      .map(({ name, vote }) => [{ cluster: name }, vote.state === 'up' ? 1 : 0]),
    braid_canary_up: clusters
      .filter(({ works }) => works !== undefined)
      .map(({ name, works }) => [{ cluster: name }, works === true ? 1 : 0]),
    braid_canary_checks_total: [...state.clusterChecks],
    braid_listener_up: [...state.listeners]
      .filter(({ up }) => up !== undefined)
      .map((listener) => [ofListener(listener), listener.up === true ? 1 : 0]),
    braid_listener_checks_total: [...state.listenerChecks],
    braid_group_lag_records: groups.map((group) => [ofGroup(group), Number(group.records)]),
    braid_group_lag_seconds: groups
      .filter(({ seconds }) => seconds !== undefined)
      .map((group) => [ofGroup(group), group.seconds ?? 0]),
    braid_group_lag_partial: groups.map((group) => [ofGroup(group), group.partial ? 1 : 0]),
    braid_group_state: groups.flatMap((group) =>
      groupStates.map((name) => [{ ...ofGroup(group), state: name }, group.state === name ? 1 : 0] as const),
    ),
    braid_group_delivered_records_total: groups.map((group) => [ofGroup(group), Number(group.delivered)]),
    braid_strays_records_total: Array.from(state.strays, ({ tenant, topic, records }) => [
      { tenant, topic },
      records,
    ]),
    braid_audit_acknowledged_records: ofWindow(({ acknowledged }) => acknowledged),
    braid_audit_log_records: ofWindow(({ appended }) => appended),
    braid_audit_delivered_records: ofWindow(({ delivered }) => delivered),
    braid_audit_loss_records: judged('loss'),
    braid_audit_surplus_records: judged('surplus'),
    braid_audit_unjudged: ofWindow(({ judgement }) => (judgement.kind === 'unjudged' ? 1 : 0)),
    braid_slo_burn_rate: Array.from(state.burnRates, ({ tenant, window, rate }) => [
      { tenant, window },
      rate,
    ]),
    braid_slo_target_ratio: one(state.sloPercent / 100),
    braid_monitor_route_version: one(state.routeVersion),
    braid_monitor_events_total: Array.from(state.events, ([kind, count]) => [{ kind }, count]),
    braid_monitor_events_dropped_total: one(state.eventsDropped),
    braid_monitor_report_age_seconds: one(state.reportAgeSeconds),
    braid_monitor_coordinators_missing: one(state.coordinatorsMissing),
    braid_monitor_round_seconds: Array.from(state.rounds, ([round, seconds]) => [{ round }, seconds]),
  }
  const distributions = {
    braid_canary_latency_seconds: state.clusterLatencies,
    braid_listener_latency_seconds: state.listenerLatencies,
  }
  return monitorMetrics.map((spec): Gauge | Histogram => {
    const { name, help } = spec
    return spec.type === 'histogram'
      ? { name, help, type: 'histogram', values: distributions[spec.name] }
      : { name, help, type: spec.type, values: values[spec.name] }
  })
}
