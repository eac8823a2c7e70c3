import { errorCodes, initProducerId } from '@braid/kafka-protocol'
import type { Engine } from '../engine.ts'
import { typed } from '../typed-call.ts'

const LAST_EPOCH = 32_767

/**
 * Producer ids of the access point's own: random in [2^61, 2^62). A cluster's counter never gets there, and
 * two never meet in practice, so nothing is coordinated and nothing kept.
 */
export const initProducerIdHandler = typed(initProducerId, [0, 4], ({ engine }, request) => {
  if (request.transactionalId !== null) {
    engine.log('info', 'transactional-id-refused', { transactionalId: request.transactionalId })
    return {
      errorCode: errorCodes.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
      producerId: -1n,
      producerEpoch: -1,
    }
  }
  // KIP-360: a producer that lost its place bumps its epoch and starts again at sequence 0.
  const bump = request.producerId >= 0n && request.producerEpoch >= 0 && request.producerEpoch < LAST_EPOCH
  return bump
    ? { errorCode: 0, producerId: request.producerId, producerEpoch: request.producerEpoch + 1 }
    : { errorCode: 0, producerId: fresh(engine), producerEpoch: 0 }
})

function fresh(engine: Engine): bigint {
  const producerId = mint(engine)
  engine.minted(producerId)
  return producerId
}

export function mint(engine: Pick<Engine, 'randomBytes'>): bigint {
  const bytes = engine.randomBytes(8)
  return (1n << 61n) + (bytes.readBigUInt64BE(0) & ((1n << 61n) - 1n))
}
