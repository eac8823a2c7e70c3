import type { Gauge } from '@braid/control-api'
import type { PublishedRoutes } from '../routes/published-routes.ts'
import type { RouteReaders } from '../routes/route-readers.ts'
import type { Store } from '../store/store.ts'
import type { Role } from './front.ts'
import type { RequestCounts } from './metrics.ts'

export interface Measured {
  readonly requests: RequestCounts
  readonly readers: RouteReaders
  readonly published: PublishedRoutes
  readonly role: Role
  /** Undefined while there is none. */
  readonly store: Store | undefined
}

export async function planeMetrics({
  requests,
  readers,
  published,
  role,
  store,
}: Measured): Promise<Gauge[]> {
  const one = (name: string, type: Gauge['type'], help: string, value: number): Gauge => ({
    name,
    help,
    type,
    values: [[{}, value]],
  })
  const { counters } = readers
  const sagas = (await store?.sagas.counts()) ?? []
  const drifting = (await store?.reconcile.withDrift()) ?? 0
  return [
    one('braid_leader', 'gauge', '1 on the control plane that leads', role.role === 'leader' ? 1 : 0),
    one('braid_route_version', 'gauge', 'Version of the routes in force', published.table.version),
    one('braid_topics', 'gauge', 'Topics in the routes', published.table.topicCount),
    one('braid_topics_with_drift', 'gauge', 'Topics that are not what they should be', drifting),
    one('braid_clusters', 'gauge', 'Clusters in the routes', published.table.clusters.size),
    one('braid_access_points', 'gauge', 'Access points in the routes', published.table.accessPoints.size),
    one('braid_feed_readers', 'gauge', 'Who reads the route feed of this process', readers.count),
    one('braid_feed_opened_total', 'counter', 'Feeds opened', counters.opened),
    one('braid_feed_resumed_total', 'counter', 'Of these, without a snapshot', counters.resumed),
    one('braid_feed_refused_total', 'counter', 'Feeds refused, as there were too many', counters.refused),
    {
      name: 'braid_feed_cut_off_total',
      help: 'Readers cut off, as they were too slow',
      type: 'counter',
      values: Object.entries(counters.cutOff).map(([reason, count]) => [{ reason }, count]),
    },
    one('braid_feed_written_bytes_total', 'counter', 'Bytes written to feeds', counters.writtenBytes),
    {
      name: 'braid_sagas',
      help: 'Sagas by kind and state',
      type: 'gauge',
      values: sagas.map(({ kind, state, count }) => [{ kind, state }, count]),
    },
    ...requests.metrics(),
  ]
}
