// A fleet file put into force.
//
//     CHECK      clusters answer, the world is the one that was planned for
//     PREPARE    physical topics of new topics, and their stubs    undo: delete them
//     COMMIT     one transaction: clusters, classes, tenants, topics with their routes, what topics should be
//     CONFIGURE  clusters are reached where they are now
//     MOVE       topics that may not stay where they are
//     DELETE     what the file does not name, when it was asked to be pruned
import { operationEnds } from '../operations/context.ts'
import type { Step } from '../sagas/saga.ts'
import { defineSaga, type SagaOutcome } from '../sagas/saga-kind.ts'
import { commitApply } from './commit.ts'
import { type ApplyContext, applyContext } from './context.ts'
import { configureApply, deleteApply, endApply, moveApply } from './finish.ts'
import { checkApply, prepareApply, unprepareApply } from './prepare.ts'

type ApplyStep = 'CHECK' | 'PREPARE' | 'COMMIT' | 'CONFIGURE' | 'MOVE' | 'DELETE'

const ending = {
  async ended(context: ApplyContext, outcome: SagaOutcome) {
    if (outcome === 'done') await endApply(context)
    await operationEnds.ended(context, outcome)
  },
}

const afterCommit: readonly Step<ApplyStep, ApplyContext>[] = [
  { kind: 'action', name: 'CONFIGURE', do: configureApply },
  { kind: 'action', name: 'MOVE', do: moveApply },
  { kind: 'action', name: 'DELETE', do: deleteApply },
]

export const applySaga = defineSaga<ApplyStep, ApplyContext>({
  name: 'apply',
  steps: [
    { kind: 'action', name: 'CHECK', do: checkApply },
    { kind: 'action', name: 'PREPARE', do: prepareApply, undo: unprepareApply, endsWithNext: true },
    { kind: 'commit', name: 'COMMIT', commit: commitApply },
    ...afterCommit,
  ],
  ...operationEnds,
  ...ending,
  context: applyContext,
})

/** The rest of one that is in force and in which something failed. */
export const applyRestSaga = defineSaga<ApplyStep, ApplyContext>({
  name: 'apply-rest',
  forwardOnly: true,
  steps: afterCommit,
  ...operationEnds,
  ...ending,
  context: applyContext,
})
