// A cluster that was given up is taken back. Everything is tried until it works: there is no way back from it, and
// nothing of it makes anybody wait.
//
//     CHECK     it is the cluster that was given up
//     SEAL      its brokers refuse every further append to what was lost; where that ends is read
//     ANNOUNCE  those ends are in the routes: access points may ask what it has, and must before they write again
//               what may be there
//     AWAIT     every access point knows that, and whatever left before it is answered: from here no batch that stands
//               there is written elsewhere, save by producers that had begun to
//     RECOVER   what they have written again is found, and will be left out; what readers have skipped will be copied on
//     END       one transaction: what was lost is as any sealed loglet, and drains; the cluster takes topics again
import type { Step } from '../sagas/saga.ts'
import { defineSaga } from '../sagas/saga-kind.ts'
import { announceReturn, awaitReturn } from './return-announce.ts'
import { endReturn } from './return-end.ts'
import { recoverReturning } from './return-recover.ts'
import { sealReturning } from './return-seal.ts'
import { type ReturnContext, returnOf } from './returning.ts'

export type ReturnStepName = 'CHECK' | 'SEAL' | 'ANNOUNCE' | 'AWAIT' | 'RECOVER' | 'END'

export const returnSagaName = 'return'

const steps: readonly Step<ReturnStepName, ReturnContext>[] = [
  { kind: 'action', name: 'CHECK', do: check },
  { kind: 'action', name: 'SEAL', do: sealReturning },
  { kind: 'action', name: 'ANNOUNCE', do: announceReturn },
  { kind: 'action', name: 'AWAIT', do: awaitReturn },
  { kind: 'action', name: 'RECOVER', do: recoverReturning, pausable: true },
  { kind: 'action', name: 'END', do: endReturn },
]

export const returnSaga = defineSaga<ReturnStepName, ReturnContext>({
  name: returnSagaName,
  steps,
  forwardOnly: true,
  context: ({ plane, sagas, migrations }, id) => ({ plane, sagas, migrations, id }),
  async ended(context) {
    const { plane, sagas, id } = context
    const { cluster, createdAt } = await returnOf(context)
    await plane.store.failovers.setState(id, 'done', plane.now())
    plane.store.afterCommit(() => {
      sagas.changes.note(id)
      plane.log('info', 'return.done', { failover: id, cluster, tookMs: plane.now() - createdAt })
    })
  },
})

async function check(context: ReturnContext): Promise<void> {
  const { cluster } = await returnOf(context)
  await context.plane.clusters.reach(cluster)
}
