import type { Operation } from '@braid/control-api'
import { sees } from '../access/caller.ts'
import { shownMove, shownOperation } from '../operations/shown.ts'
import { numberIn, pageOf } from './cursor.ts'
import type { Call, Handlers } from './serve.ts'
import type { Served } from './server.ts'

/** Drains, rebalances and applies, and what is asked of them. */
export function operationEndpoints({ plane, operations }: Pick<Served, 'plane' | 'operations'>) {
  type Steering = Call<'operations.pause' | 'operations.resume' | 'operations.cancel' | 'operations.retry'>
  /** What is asked and that it was asked are written as one. */
  const steer = ({ params: { id }, record }: Steering, how: (id: string) => Promise<Operation>) =>
    plane.store.transaction(async () => {
      const answer = await how(id)
      await record({ tenant: null, what: `id ${id}` }, answer)
      return answer
    })

  return {
    'clusters.drain': async ({ params: { cluster }, body, caller, dryRun, record }) => {
      if (dryRun) return { operation: null, plan: await operations.planDrain(cluster) }
      return operations.drain(cluster, body, caller.principal, (begun) =>
        record({ tenant: null, what: `cluster ${cluster}`, after: { operation: begun.operation.id } }, begun),
      )
    },
    'operations.rebalance': async ({ body, caller, dryRun, record }) => {
      if (dryRun) return { operation: null, plan: await operations.planRebalance(body) }
      return operations.rebalance(body, caller.principal, (begun) =>
        record({ tenant: null, what: 'fleet', after: { operation: begun.operation.id } }, begun),
      )
    },
    'operations.list': async ({ query: { limit, after } }) => {
      const before = numberIn('operations', after)
      const rows = await operations.list(limit + 1, before)
      const page = pageOf('operations', rows, limit, (row) => String(row.number))
      const shown = await Promise.all(page.rows.map((row) => shownOperation(plane.store, row)))
      return { operations: shown, next: page.next }
    },
    'operations.get': ({ params: { id }, query: { afterRevision, waitMs } }) =>
      operations.after(id, afterRevision ?? -1, Math.min(waitMs, plane.timings.longPollMaxMs)),
    'operations.moves': async ({ params: { id }, query: { limit, after }, caller }) => {
      const from = numberIn('moves', after)
      const rows = await operations.moves(id, limit + 1, from)
      const page = pageOf('moves', rows, limit, (row) => String(row.number))
      return { moves: page.rows.filter(({ tenant }) => sees(caller, tenant)).map(shownMove), next: page.next }
    },
    'operations.pause': (call) => steer(call, (id) => operations.pause(id)),
    'operations.resume': (call) => steer(call, (id) => operations.goOn(id)),
    'operations.cancel': (call) => steer(call, (id) => operations.cancel(id)),
    'operations.retry': (call) => steer(call, (id) => operations.retry(id)),
  } satisfies Handlers
}
