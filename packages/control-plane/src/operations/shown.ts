// Operations and their moves as the API shows them.
import type { Operation, OperationMove } from '@braid/control-api'
import type { MoveRow, OperationRow } from '../store/operation-queries.ts'
import type { Store } from '../store/store.ts'

export async function shownOperation(store: Store, row: OperationRow): Promise<Operation> {
  const { id, kind, title, cluster, concurrency, error, by, createdAt, endedAt, revision } = row
  const saga = await store.sagas.get(row.saga)
  return {
    id,
    kind,
    title,
    cluster,
    state: stateOf(row, saga),
    step: saga?.step ?? '',
    concurrency,
    counts: await store.operations.counts(id),
    error,
    by,
    createdAt: new Date(createdAt).toISOString(),
    endedAt: endedAt === null ? null : new Date(endedAt).toISOString(),
    // Both only grow, and what is seen is of both.
    revision: revision + (saga?.revision ?? 0),
  }
}

export function shownMove({
  tenant,
  topic,
  from,
  to,
  reason,
  state,
  migration,
  error,
}: MoveRow): OperationMove {
  return { tenant, topic, from, to, reason, state, migration, error: error?.detail ?? null }
}

/** While it runs, the saga knows what is asked of it. */
function stateOf(
  { state }: OperationRow,
  saga: { readonly cancelRequested: boolean; readonly pauseRequested: boolean } | undefined,
): Operation['state'] {
  if (state !== 'running' || saga === undefined) return state
  if (saga.cancelRequested) return 'cancelling'
  return saga.pauseRequested ? 'paused' : 'running'
}
