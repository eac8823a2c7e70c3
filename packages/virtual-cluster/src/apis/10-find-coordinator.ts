import { errorCodes, findCoordinator } from '@braid/kafka-protocol'
import type { Engine } from '../engine.ts'
import { typed } from '../typed-call.ts'

const GROUP = 0
const BATCHED = 4

/** Every group's coordinator is the listener that leads home. */
export const findCoordinatorHandler = typed(findCoordinator, [0, 6], ({ engine }, request, header) => {
  if (header.apiVersion < BATCHED) return coordinatorFor(engine, request.keyType)
  return {
    coordinators: request.coordinatorKeys.map((key) => ({ key, ...coordinatorFor(engine, request.keyType) })),
  }
})

function coordinatorFor(engine: Engine, keyType: number) {
  const nowhere = { nodeId: -1, host: '', port: -1 }
  if (keyType !== GROUP) {
    return {
      ...nowhere,
      errorCode: errorCodes.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
      errorMessage: 'transactions are not offered here yet: use a producer without a transactional.id',
    }
  }
  const home = engine.routes.tenants.get(engine.tenant)?.home
  const listener = home === undefined ? undefined : engine.listeners.towards(home)
  if (listener === undefined) {
    return {
      ...nowhere,
      errorCode: errorCodes.COORDINATOR_NOT_AVAILABLE,
      errorMessage: `tenant ${engine.tenant} has no home cluster yet: register a cluster`,
    }
  }
  return { ...listener, errorCode: 0, errorMessage: null }
}
