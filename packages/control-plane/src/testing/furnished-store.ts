// A store with something in it, for the contracts of what it keeps.
import { TopicRoute } from '@braid/routing-model'
import type { Store } from '../store/store.ts'
import { plainCluster } from './plain-cluster.ts'

/** The clusters, tenant default at home on a, and its topic orders on a, which is returned. */
export async function furnish(
  store: Store,
  { clusters, partitions }: { readonly clusters: readonly string[]; readonly partitions: number },
): Promise<TopicRoute> {
  for (const name of clusters) {
    await store.addCluster({
      name,
      number: await store.nextClusterNumber(),
      bootstrap: [`${name}:9092`],
      clusterId: `id-${name}`,
      ...plainCluster,
      registeredAt: 1,
    })
  }
  await store.addTenant('default', 'a')
  const orders = TopicRoute.create({
    tenant: 'default',
    name: 'orders',
    id: 'o-1',
    partitions,
    maxMessageBytes: 1_000,
    homeTopic: 'orders.x',
    cluster: 'a',
    topic: 'orders.x',
  })
  await store.addTopic(orders, 1)
  return orders
}
