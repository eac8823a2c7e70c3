import { describeProducers } from '@braid/kafka-protocol'
import type { ClusterConnections } from '../cluster-connections.ts'
import { askLeaders } from './by-leader.ts'

export interface ProducerState {
  readonly epoch: number
  /** of the last record appended; -1 when there is none */
  readonly lastSequence: number
}

/** What the leader remembers of producers with sequences, by producer id. On a sealed partition this is final. */
export async function producerStates(
  cluster: ClusterConnections,
  topic: string,
  partition: number,
): Promise<Map<bigint, ProducerState>> {
  const states = new Map<bigint, ProducerState>()
  await askLeaders(cluster, topic, [partition], 'Read', async (connection) => {
    const answer = await connection.call(describeProducers, {
      topics: [{ name: topic, partitionIndexes: [partition] }],
    })
    const answers = answer.topics.flatMap((t) => t.partitions)
    for (const { activeProducers } of answers) {
      for (const { producerId, producerEpoch, lastSequence } of activeProducers) {
        states.set(producerId, { epoch: producerEpoch, lastSequence })
      }
    }
    return answers.map(({ partitionIndex, errorCode }) => ({ partition: partitionIndex, errorCode }))
  })
  return states
}
