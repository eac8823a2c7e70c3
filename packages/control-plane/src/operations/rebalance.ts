// Evening out the load of clusters by few moves.
//
//     PLAN   what goes where, and why
//     MOVE   until nothing is left of it    undo: what is under way ends, nothing further begins
//     END
import { planRebalance } from '../planner/index.ts'
import { count, list } from '../planner/words.ts'
import type { Nap, Stop } from '../sagas/saga.ts'
import { defineSaga } from '../sagas/saga-kind.ts'
import { type OperationContext, operationEnds, operationIn } from './context.ts'
import { movesOf } from './drain.ts'
import { type MovePlanner, Mover } from './mover.ts'

export interface RebalanceOptions {
  readonly movesMax: number
  /** How much fuller one cluster may be than another, as a share of capacity. */
  readonly threshold: number
}

export const rebalanceSaga = defineSaga<'PLAN' | 'MOVE' | 'END', OperationContext>({
  name: 'rebalance',
  steps: [
    { kind: 'action', name: 'PLAN', do: async (context) => (await moverOf(context)).plan() },
    {
      kind: 'action',
      name: 'MOVE',
      do: async (context, stop: Stop) => (await moverOf(context)).run(stop),
      undo: async (context, stop: Stop, nap: Nap) => (await moverOf(context)).letEnd(stop, nap),
    },
    { kind: 'commit', name: 'END', commit: end },
  ],
  ...operationEnds,
})

/** What was moved has made the fleet more even, so a plan for what is left is a plan for the fleet as it is. */
export function rebalancePlanner({ movesMax, threshold }: RebalanceOptions): MovePlanner {
  return {
    plan: (snapshot, begun) =>
      movesOf(planRebalance(snapshot, { maxMoves: Math.max(0, movesMax - begun), threshold })),
    whyNot: () => 'the clusters are even without it by now',
    concerns: () => false,
    // Or load would go in circles.
    movesAgain: false,
  }
}

async function moverOf(context: OperationContext): Promise<Mover> {
  const { options } = await operationIn(context)
  return new Mover(context.services, context.id, rebalancePlanner(options as RebalanceOptions))
}

const namedMax = 5

async function end({ services, id }: OperationContext): Promise<void> {
  const { store, now } = services.plane
  const failed = await store.operations.moves(id, { states: ['failed'] })
  const named = failed.map(({ tenant, topic, error }) => `${tenant}/${topic} (${error?.detail ?? 'unknown'})`)
  const error =
    failed.length === 0
      ? null
      : {
          code: failed[0]!.error?.code ?? 'INTERNAL',
          detail: `${count(failed.length, 'topic')} could not be moved: ${list(named, namedMax)}; retry the operation once that is mended`,
        }
  await store.operations.end(id, error === null ? 'done' : 'failed', error, now())
}
