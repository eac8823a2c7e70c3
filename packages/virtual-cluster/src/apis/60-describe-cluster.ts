import { describeCluster } from '@braid/kafka-protocol'
import { typed } from '../typed-call.ts'

/** The listeners are the brokers that clients see. */
export const describeClusterHandler = typed(describeCluster, [0, 1], ({ engine }) => {
  const brokers = engine.listeners.all()
  return {
    errorCode: 0,
    clusterId: `braid-${engine.tenant}`,
    controllerId: brokers[0]?.nodeId ?? -1,
    brokers: brokers.map(({ nodeId, host, port }) => ({ brokerId: nodeId, host, port, rack: null })),
  }
})
