// What the sagas of operations have in common.
import { reasonOf } from '../log.ts'
import { Refusal } from '../refusal.ts'
import { Cancelled } from '../sagas/saga.ts'
import type { SagaOutcome, SagaServices } from '../sagas/saga-kind.ts'
import type { OperationRow } from '../store/operation-queries.ts'

export interface OperationContext {
  readonly services: SagaServices
  /** Of the operation. */
  readonly id: string
}

/** A saga of an operation, one a round: a retry is another. */
export const sagaOf = (operation: string, round: number): string => `${operation}.${round}`

export const operationOf = (saga: string): string => saga.slice(0, saga.lastIndexOf('.'))

export const roundOf = (saga: string): number => Number(saga.slice(saga.lastIndexOf('.') + 1))

/** The record as it is now. */
export async function operationIn({ services, id }: OperationContext): Promise<OperationRow> {
  const row = await services.plane.store.operations.get(id)
  if (row === undefined) throw new Error(`operation ${id} is not in the store`)
  return row
}

/** For sagas whose last step has written how the operation ended. */
export const operationEnds = {
  context: (services: SagaServices, saga: string): OperationContext => ({ services, id: operationOf(saga) }),
  subject: operationOf,

  async turnedBack(
    { services, id }: OperationContext,
    cause: unknown,
    step: string | undefined,
  ): Promise<void> {
    if (cause instanceof Cancelled) return
    const code = cause instanceof Refusal ? cause.code : 'INTERNAL'
    const detail = `step ${step ?? 'one'} failed: ${reasonOf(cause)}`
    await services.plane.store.operations.setError(id, { code, detail })
  },

  async ended(context: OperationContext, outcome: SagaOutcome): Promise<void> {
    const { services, id } = context
    const { plane, sagas } = services
    const { title, error } = await operationIn(context)
    if (outcome !== 'done') await plane.store.operations.end(id, outcome, error, plane.now())
    if (outcome === 'cancelled') {
      const detail = 'the operation was cancelled before its turn came'
      for (const { number } of await plane.store.operations.moves(id, { states: ['waiting'] })) {
        const error = { code: 'OPERATION_ENDED', detail }
        await plane.store.operations.setMove(id, number, { state: 'skipped', error })
      }
    }
    const { state, error: why } = await operationIn(context)
    plane.store.afterCommit(() => {
      sagas.changes.note(id)
      const level = state === 'failed' ? 'warn' : 'info'
      plane.log(level, `operation.${state}`, { operation: id, title, ...(why && { reason: why.detail }) })
    })
  },
}
