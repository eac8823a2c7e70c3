import { abandon, priceOf } from '../failover/abandon.ts'
import { shownFailover } from '../failover/shown.ts'
import type { Handlers } from './serve.ts'
import type { Served } from './server.ts'

/** Clusters that are taken back, and what is lost for good. */
export function returnEndpoints({ plane, topics, returns }: Pick<Served, 'plane' | 'topics' | 'returns'>) {
  const { store } = plane
  return {
    'clusters.return': async ({ params: { cluster }, body, caller, dryRun, record }) => {
      if (dryRun) return { failover: null, plan: await returns.plan(cluster) }
      const { row, plan } = await returns.start(cluster, body, caller.principal, async (begun) =>
        record(
          { tenant: null, what: `cluster ${cluster}`, after: { return: begun.row.id, ...body } },
          { failover: await shownFailover(store, begun.row), plan: begun.plan },
        ),
      )
      return { failover: await shownFailover(store, row), plan }
    },
    'topics.abandon': async ({ params: { tenant, topic, loglet }, body, dryRun, record }) => {
      if (dryRun) return priceOf(plane, topics.get(tenant, topic), loglet)
      return abandon(
        plane,
        () => topics.get(tenant, topic),
        loglet,
        body.confirm,
        (abandoned) =>
          record(
            {
              tenant,
              what: `topic ${topic}`,
              before: { loglet, cluster: abandoned.cluster, topic: abandoned.topic, price: abandoned.price },
            },
            abandoned,
          ),
      )
    },
  } satisfies Handlers
}
