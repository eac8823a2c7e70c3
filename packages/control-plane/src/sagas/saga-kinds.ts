// Every kind of saga that there is. Tests take kinds and steps from here, and fail each of them.
import { failoverSaga } from '../failover/failover-saga.ts'
import { returnSaga } from '../failover/return-saga.ts'
import { applyRestSaga, applySaga } from '../fleet/apply.ts'
import { drainSaga } from '../operations/drain.ts'
import { rebalanceSaga } from '../operations/rebalance.ts'
import { retirementSaga } from './drain.ts'
import { groupSaga } from './migration.ts'
import type { SagaKind } from './saga-kind.ts'

export const sagaKinds: readonly SagaKind[] = [
  groupSaga,
  retirementSaga,
  drainSaga,
  rebalanceSaga,
  applySaga,
  applyRestSaga,
  failoverSaga,
  returnSaga,
]

/** The steps of a migration, those of its group's saga and those of its own. */
export const migrationSaga = [...groupSaga.steps, ...retirementSaga.steps]
