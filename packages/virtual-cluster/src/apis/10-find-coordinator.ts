import { errorCodes, findCoordinator } from '@braid/kafka-protocol'
import type { Engine } from '../engine.ts'
import { typed } from '../typed-call.ts'

const GROUP = 0
const BATCHED = 4

/**
 * Every group's coordinator is the listener that leads home. While home is away the answer waits a little: who is told
 * at once that there is none comes back later than home does.
 */
export const findCoordinatorHandler = typed(findCoordinator, [0, 6], async ({ engine }, request, header) => {
  const coordinator = await coordinatorFor(engine, request.keyType)
  if (header.apiVersion < BATCHED) return coordinator
  return { coordinators: request.coordinatorKeys.map((key) => ({ key, ...coordinator })) }
})

async function coordinatorFor(engine: Engine, keyType: number) {
  const nowhere = { nodeId: -1, host: '', port: -1 }
  if (keyType !== GROUP) {
    return {
      ...nowhere,
      errorCode: errorCodes.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
      errorMessage: 'transactions are not offered here yet: use a producer without a transactional.id',
    }
  }
  const none = (errorMessage: string) => ({
    ...nowhere,
    errorCode: errorCodes.COORDINATOR_NOT_AVAILABLE,
    errorMessage,
  })
  try {
    const listener = engine.listeners.towards(await engine.groups.ready())
    if (listener !== undefined) return { ...listener, errorCode: 0, errorMessage: null }
    return none(`tenant ${engine.tenant} has no home cluster yet: register a cluster`)
  } catch (error) {
    return none(error instanceof Error ? error.message : String(error))
  }
}
