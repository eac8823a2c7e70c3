import { shownFailover, shownFailoverTopic } from '../failover/shown.ts'
import { numberIn, pageOf } from './cursor.ts'
import type { Handlers } from './serve.ts'
import type { Served } from './server.ts'

/** Clusters that are given up, and what is asked of that. What takes them back is in returns.ts. */
export function failoverEndpoints({
  plane,
  failovers,
  detector,
}: Pick<Served, 'plane' | 'failovers' | 'detector'>) {
  const { store } = plane
  return {
    'failovers.start': async ({ params: { cluster }, body, caller, dryRun, record }) => {
      if (dryRun) return { failover: null, plan: await failovers.plan(cluster, body) }
      return failovers.start(cluster, body, caller.principal, (begun) =>
        record({ tenant: null, what: `cluster ${cluster}`, after: { failover: begun.failover.id } }, begun),
      )
    },
    'failovers.list': async ({ query: { limit, after } }) => {
      const before = numberIn('failovers', after)
      const rows = await failovers.list(limit + 1, before)
      const page = pageOf('failovers', rows, limit, (row) => String(row.number))
      return {
        failovers: await Promise.all(page.rows.map((row) => shownFailover(store, row))),
        next: page.next,
      }
    },
    'failovers.get': ({ params: { id }, query: { afterRevision, waitMs } }) =>
      failovers.after(id, afterRevision ?? -1, Math.min(waitMs, plane.timings.longPollMaxMs)),
    'failovers.topics': async ({ params: { id }, query: { limit, after } }) => {
      const from = numberIn('failoverTopics', after)
      const rows = await failovers.topics(id, limit + 1, from)
      const page = pageOf('failoverTopics', rows, limit, (row) => String(row.number))
      return { topics: page.rows.map(shownFailoverTopic), next: page.next }
    },
    'failovers.cancel': ({ params: { id }, record }) =>
      store.transaction(async () => {
        const answer = await failovers.cancel(id)
        await record({ tenant: null, what: `failover ${id} of cluster ${answer.cluster}` }, answer)
        return answer
      }),
    'failovers.status': () => detector.status(),
    'failovers.configure': ({ body, record }) =>
      store.transaction(async () => {
        const before = await store.failovers.settings()
        const given = Object.fromEntries(Object.entries(body).filter(([, value]) => value !== undefined))
        const after = { ...before, ...given }
        await store.failovers.putSettings(after)
        await record({ tenant: null, what: 'failover settings', before, after }, after)
        store.afterCommit(() => {
          plane.sight.downForMs = after.downForMs
          plane.log('info', 'failover.configured', { ...after })
        })
        return after
      }),
  } satisfies Handlers
}
