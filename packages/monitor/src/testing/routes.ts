import { type AccessPointRoute, RouteTable, type TenantRoute, type TopicRoute } from '@braid/routing-model'
import type { FakeCluster } from './fake-cluster.ts'

/** A table of these clusters and topics; the first cluster is everybody's home unless said otherwise. */
export function tableOf(
  clusters: Readonly<Record<string, FakeCluster>>,
  topics: readonly TopicRoute[],
  more: {
    readonly tenants?: readonly TenantRoute[]
    readonly accessPoints?: readonly AccessPointRoute[]
  } = {},
): RouteTable {
  const names = Object.keys(clusters)
  return RouteTable.fromJSON({
    version: 7,
    clusters: names.map((name, i) => ({ name, number: i + 1, bootstrap: clusters[name]!.bootstrap })),
    tenants: more.tenants ?? [{ name: 'default', home: names[0]! }],
    accessPoints: more.accessPoints ?? [],
    topics: topics.map((topic) => topic.toJSON()),
  })
}
