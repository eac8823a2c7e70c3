import { describeQuorum, errorCodes } from '@braid/kafka-protocol'
import type { ClusterConnections } from '../cluster-connections.ts'
import type { Right } from '../rights.ts'
import { refused } from './on-controller.ts'

const METADATA_TOPIC = '__cluster_metadata'

export interface ClockReading {
  /** what the active controller's clock is ahead of ours, in ms; negative when it is behind */
  readonly aheadMs: number
  /** the reading may be off by so much, in ms: half of the time that the answer took */
  readonly errorMs: number
}

/**
 * The clock of the active controller against ours. Brokers tell their time nowhere; the controller does, as the moment up
 * to which it has itself caught up with its own log (KIP-836), and any broker passes the question on to it. Undefined when
 * it does not say. Needs the right to Describe the cluster.
 */
export async function controllerClock(
  cluster: ClusterConnections,
  now: () => number = Date.now,
): Promise<ClockReading | undefined> {
  const connection = await cluster.any('slow')
  const askedAt = now()
  const answer = await connection.call(describeQuorum, {
    topics: [{ topicName: METADATA_TOPIC, partitions: [{ partitionIndex: 0 }] }],
  })
  const answeredAt = now()
  const partition = answer.topics[0]?.partitions[0]
  const errorCode = answer.errorCode || (partition?.errorCode ?? errorCodes.NONE)
  if (errorCode !== 0) {
    const needed: Right = { operation: 'Describe', resource: 'Cluster', name: 'kafka-cluster' }
    throw refused(cluster, 'describe its quorum', { errorCode, errorMessage: null }, needed)
  }
  const leader = partition?.currentVoters.find(({ replicaId }) => replicaId === partition.leaderId)
  if (leader === undefined || leader.lastCaughtUpTimestamp < 0n) return undefined
  return {
    aheadMs: Number(leader.lastCaughtUpTimestamp) - (askedAt + answeredAt) / 2,
    errorMs: (answeredAt - askedAt) / 2,
  }
}
