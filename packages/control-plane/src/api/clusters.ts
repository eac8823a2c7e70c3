import type { Cluster } from '@braid/control-api'
import { type Caller, sees, visibleTenants } from '../access/caller.ts'
import { logletsOn } from '../clusters/clusters.ts'
import { unknownCluster } from '../refusal.ts'
import type { ClusterRow } from '../store/rows.ts'
import { keyIn, pageOf } from './cursor.ts'
import type { Handlers } from './serve.ts'
import type { Served } from './server.ts'

export function clusterEndpoints({ plane }: Pick<Served, 'plane'>) {
  const { clusters, board, store } = plane
  const shown = async (
    row: ClusterRow,
    caller: Caller,
    loads: Awaited<ReturnType<typeof store.topicSpecs.loads>>,
  ): Promise<Cluster> => {
    const load = loads.get(row.name)
    return {
      name: row.name,
      number: row.number,
      bootstrap: [...row.bootstrap],
      security: row.security,
      clusterId: row.clusterId,
      tier: row.tier,
      dedicatedTo: row.dedicatedTo,
      labels: { ...row.labels },
      capacity: {
        bytesInPerSecond: row.bytesInMax,
        bytesOutPerSecond: row.bytesOutMax,
        partitions: row.partitionsMax,
      },
      state: row.state,
      load: {
        bytesInPerSecond: load?.bytesInPerSecond ?? 0,
        bytesOutPerSecond: load?.bytesOutPerSecond ?? 0,
        partitions: load?.partitions ?? 0,
      },
      homeOf: (await store.tenantSpecs.homeOf(row.name)).filter((tenant) => sees(caller, tenant)),
      topics: load?.topics ?? 0,
      loglets: logletsOn(board.table, row.name),
      registeredAt: new Date(row.registeredAt).toISOString(),
    }
  }
  const one = async (row: ClusterRow, caller: Caller) => shown(row, caller, await store.topicSpecs.loads())
  const described = (row: ClusterRow | undefined) => {
    if (row === undefined) return undefined
    const { name, number, clusterId, registeredAt, ...rest } = row
    return rest
  }
  const changed = (name: string, before?: ClusterRow, after?: ClusterRow) => ({
    tenant: null,
    what: `cluster ${name}`,
    before: described(before),
    after: described(after),
  })

  return {
    'clusters.list': async ({ query: { limit, after }, caller }) => {
      const from = keyIn('clusters', after)
      const seen = (await clusters.list())
        .filter((row) => isClusterSeen(row, caller) && (from === undefined || row.name > from))
        .sort((a, b) => (a.name < b.name ? -1 : 1))
      const loads = await store.topicSpecs.loads()
      const { rows, next } = pageOf('clusters', seen, limit, ({ name }) => name)
      return { clusters: await Promise.all(rows.map((row) => shown(row, caller, loads))), next }
    },
    'clusters.get': async ({ params: { cluster }, caller }) => {
      const row = await clusters.get(cluster).catch((error: unknown) => {
        // Without the names of those that the caller does not see.
        if (visibleTenants(caller) !== undefined) throw unknownCluster(cluster, [cluster])
        throw error
      })
      if (!isClusterSeen(row, caller)) throw unknownCluster(cluster, [cluster])
      return one(row, caller)
    },
    'clusters.register': async ({ body, caller, record }) => {
      const row = await clusters.register(body, async (after, before) =>
        record(changed(body.name, before, after), await one(after!, caller)),
      )
      return one(row, caller)
    },
    'clusters.update': async ({ params: { cluster }, body, caller, record }) => {
      const row = await clusters.update(cluster, body, async (after, before) =>
        record(changed(cluster, before, after), await one(after!, caller)),
      )
      return one(row, caller)
    },
    'clusters.remove': async ({ params: { cluster }, record }) => {
      await clusters.remove(cluster, async (after, before) =>
        record(changed(cluster, before, after), undefined),
      )
    },
    'clusters.cordon': async ({ params: { cluster }, caller, record }) => {
      const row = await clusters.setCordoned(cluster, true, async (after, before) =>
        record(changed(cluster, before, after), await one(after!, caller)),
      )
      return one(row, caller)
    },
    'clusters.uncordon': async ({ params: { cluster }, caller, record }) => {
      const row = await clusters.setCordoned(cluster, false, async (after, before) =>
        record(changed(cluster, before, after), await one(after!, caller)),
      )
      return one(row, caller)
    },
  } satisfies Handlers
}

/** One that is dedicated to a tenant is seen by those who see the tenant. */
export function isClusterSeen({ dedicatedTo }: ClusterRow, caller: Caller): boolean {
  return dedicatedTo === null || sees(caller, dedicatedTo)
}
