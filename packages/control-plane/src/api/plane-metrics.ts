// What a control plane measures. The names stand once, in this table; the documents and the alert rules are checked
// against it.
import type { Gauge } from '@braid/control-api'
import type { Health, TermMeasures } from '../failover/term-measures.ts'
import type { PublishedRoutes } from '../routes/published-routes.ts'
import type { RouteReaders } from '../routes/route-readers.ts'
import type { Store } from '../store/store.ts'
import type { Role } from './front.ts'
import { type RequestCounts, requestMetrics } from './metrics.ts'

export interface Measured {
  readonly requests: RequestCounts
  readonly readers: RouteReaders
  readonly published: PublishedRoutes
  readonly role: Role
  /** Undefined while there is none. */
  readonly store: Store | undefined
  /** Of the term of this process; all of it undefined while it has none. */
  readonly term: TermMeasures
}

/** Type, help, and labels. */
const table = {
  braid_leader: ['gauge', '1 on the control plane that leads'],
  braid_route_version: ['gauge', 'Version of the routes in force'],
  braid_topics: ['gauge', 'Topics in the routes'],
  braid_topics_with_drift: ['gauge', 'Topics that are not what they should be'],
  braid_clusters: ['gauge', 'Clusters in the routes'],
  braid_access_points: ['gauge', 'Access points in the routes'],
  braid_feed_readers: ['gauge', 'Who reads the route feed of this process'],
  braid_feed_opened_total: ['counter', 'Feeds opened'],
  braid_feed_resumed_total: ['counter', 'Of these, without a snapshot'],
  braid_feed_refused_total: ['counter', 'Feeds refused, as there were too many'],
  braid_feed_cut_off_total: ['counter', 'Readers cut off, as they were too slow', 'reason'],
  braid_feed_written_bytes_total: ['counter', 'Bytes written to feeds'],
  braid_sagas: ['gauge', 'Sagas by kind and state', 'kind', 'state'],
  braid_cluster_health: [
    'gauge',
    '1 for the state in which the failure detector sees the cluster',
    'cluster',
    'state',
  ],
  braid_failovers_total: ['counter', 'Failovers and returns that have ended', 'kind', 'by', 'outcome'],
  braid_failover_automatic: ['gauge', '1 while clusters that are lost are given up automatically'],
  braid_write_leases: ['gauge', 'Processes that may write to topics that fail over'],
  braid_lost_loglets: ['gauge', 'Loglets on clusters that were given up and have not returned'],
  braid_mirror_lag_seconds: ['gauge', 'Age of the oldest commit that waits to be mirrored anywhere'],
} as const satisfies Record<string, readonly [type: Gauge['type'], help: string, ...labels: string[]]>

type Name = keyof typeof table
type Values = Gauge['values']

/** A metric as its users know it. Names are stable: alert rules and dashboards of others stand on them. */
export interface PlaneMetric {
  readonly name: string
  readonly type: Gauge['type']
  readonly help: string
  readonly labels: readonly string[]
}

/** Every metric of a control plane. */
export const planeMetricSpecs: readonly PlaneMetric[] = [
  ...Object.entries(table).map(([name, [type, help, ...labels]]) => ({ name, type, help, labels })),
  ...requestMetrics,
]

export const planeMetricNames: readonly string[] = planeMetricSpecs.map(({ name }) => name)

const healths: readonly Health[] = ['up', 'suspected', 'down', 'given-up', 'returning']
const ended: ReadonlySet<string> = new Set(['done', 'failed', 'cancelled'])

export async function planeMetrics(measured: Measured): Promise<Gauge[]> {
  const values = await valuesOf(measured)
  const gauges = (Object.keys(table) as Name[]).map((name): Gauge => {
    const [type, help] = table[name]
    return { name, type, help, values: values[name] }
  })
  return [...gauges, ...measured.requests.metrics()]
}

async function valuesOf({ readers, published, role, store, term }: Measured): Promise<Record<Name, Values>> {
  const one = (value: number | undefined): Values => (value === undefined ? [] : [[{}, value]])
  const { counters } = readers
  const { table: routes } = published
  const sagas = (await store?.sagas.counts()) ?? []
  const failovers = (await store?.failovers.counts()) ?? []
  const settings = await store?.failovers.settings()
  const returning = new Set(
    ((await store?.failovers.underway()) ?? [])
      .filter(({ kind }) => kind === 'return')
      .map(({ cluster }) => cluster),
  )
  const seen = [...(term.healths() ?? [])].map(
    ([cluster, state]) => [cluster, returning.has(cluster) ? 'returning' : state] as const,
  )
  return {
    braid_leader: one(role.role === 'leader' ? 1 : 0),
    braid_route_version: one(routes.version),
    braid_topics: one(routes.topicCount),
    braid_topics_with_drift: one((await store?.reconcile.withDrift()) ?? 0),
    braid_clusters: one(routes.clusters.size),
    braid_access_points: one(routes.accessPoints.size),
    braid_feed_readers: one(readers.count),
    braid_feed_opened_total: one(counters.opened),
    braid_feed_resumed_total: one(counters.resumed),
    braid_feed_refused_total: one(counters.refused),
    braid_feed_cut_off_total: Object.entries(counters.cutOff).map(([reason, count]) => [{ reason }, count]),
    braid_feed_written_bytes_total: one(counters.writtenBytes),
    braid_sagas: sagas.map(({ kind, state, count }) => [{ kind, state }, count]),
    braid_cluster_health: seen.flatMap(([cluster, now]) =>
      healths.map((state) => [{ cluster, state }, state === now ? 1 : 0] as const),
    ),
    braid_failovers_total: failovers
      .filter(({ state }) => ended.has(state))
      .map(({ kind, automatic, state, count }) => [
        { kind, by: automatic ? 'automatic' : 'person', outcome: state },
        count,
      ]),
    braid_failover_automatic: one(settings && (settings.automatic ? 1 : 0)),
    braid_write_leases: one(term.leases()),
    braid_lost_loglets: one(lostLoglets(routes)),
    braid_mirror_lag_seconds: one(term.mirrorLagSeconds()),
  }
}

function lostLoglets(routes: PublishedRoutes['table']): number {
  let count = 0
  for (const route of routes.allTopics()) {
    if (!route.isPartlyAway) continue
    for (let i = 0; i < route.depth; i++) if (route.away(i) !== undefined) count++
  }
  return count
}
