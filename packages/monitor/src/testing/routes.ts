import { type AccessPointRoute, RouteTable, type TenantRoute, TopicRoute } from '@braid/routing-model'
import type { FakeCluster } from './fake-cluster.ts'

/** A topic of the default tenant: one partition, and one loglet on cluster `a`, `NAME.1`. */
export const topicOf = (
  name: string,
  more: Partial<Parameters<typeof TopicRoute.create>[0]> = {},
): TopicRoute =>
  TopicRoute.create({
    tenant: 'default',
    name,
    id: `id-${name}`,
    partitions: 1,
    maxMessageBytes: 1_000_000,
    homeTopic: `${name}.1`,
    cluster: 'a',
    topic: `${name}.1`,
    ...more,
  })

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
