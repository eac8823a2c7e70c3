// A cluster is given up: its topics go on elsewhere, as their classes say.
//
//     CHECK    the record of what is there; where things would go on answers
//     FENCE    nobody writes there any more: everyone has said so, or has lost its lease   undo: the fence is taken off
//     SWITCH   one transaction: standby topics follow the lost loglets, homes move; one route version
//     END      new standbys are chosen
import { reasonOf } from '../log.ts'
import { Refusal } from '../refusal.ts'
import { Cancelled, type Step } from '../sagas/saga.ts'
import { defineSaga } from '../sagas/saga-kind.ts'
import { type FailoverContext, failoverIn, isForced, looksFor, questionOf } from './failover-context.ts'
import { fence, unfence } from './fence.ts'
import { planNewStandbys } from './new-standbys.ts'
import { failsOver, movesSomething, planFailover } from './plan.ts'
import { nothingFailsOver, nothingMoves } from './refusals.ts'
import { switchOver } from './switch.ts'

type FailoverStep = 'CHECK' | 'FENCE' | 'SWITCH' | 'END'

const steps: readonly Step<FailoverStep, FailoverContext>[] = [
  { kind: 'action', name: 'CHECK', do: check },
  { kind: 'action', name: 'FENCE', do: fence, undo: unfence, endsWithNext: true },
  { kind: 'commit', name: 'SWITCH', commit: switchOver },
  { kind: 'action', name: 'END', do: planNewStandbys },
]

export const failoverSagaName = 'failover'

/** Its id is that of the record. */
export const failoverSaga = defineSaga<FailoverStep, FailoverContext>({
  name: failoverSagaName,
  steps,
  context: ({ plane }, id) => ({ plane, id, looks: undefined, fenced: undefined }),
  async turnedBack(context, cause, step) {
    const { store } = context.plane
    const { cluster } = await failoverIn(context)
    const error =
      cause instanceof Cancelled
        ? { code: 'FAILOVER_CANCELLED', detail: `the failover of ${cluster} was cancelled: all is as it was` }
        : {
            code: cause instanceof Refusal ? cause.code : 'INTERNAL',
            detail: `${cluster} was not given up, because step ${step ?? 'CHECK'} failed: ${reasonOf(cause)}`,
          }
    await store.failovers.setError(context.id, error)
    await store.failovers.setState(context.id, 'undoing')
  },
  async ended(context, outcome) {
    const { plane, id } = context
    await plane.store.failovers.setState(id, outcome, plane.now())
    const { cluster, error } = await failoverIn(context)
    plane.store.afterCommit(() => {
      const level = outcome === 'failed' ? 'warn' : 'info'
      plane.log(level, `failover.${outcome}`, {
        failover: id,
        cluster,
        ...(error && { reason: error.detail }),
      })
    })
  },
})

async function check(context: FailoverContext): Promise<void> {
  const { plane } = context
  const row = await failoverIn(context)
  const { cluster } = row
  const question = await questionOf(plane, cluster, { force: isForced(row) })
  if (!failsOver(question)) throw nothingFailsOver(cluster)
  context.looks = await looksFor(plane, question)
  const planned = planFailover({ ...question, looks: context.looks })
  if (!movesSomething(planned)) throw nothingMoves(cluster, planned)
}
