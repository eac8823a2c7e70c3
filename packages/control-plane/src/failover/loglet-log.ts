// One partition of a loglet as its brokers have it, for findRepeated.
import {
  baseOffset,
  baseSequence,
  isControl,
  lastOffsetDelta,
  nextOffset,
  producerEpoch,
  producerId,
  walkBatches,
} from '@braid/kafka-protocol'
import type { KafkaCluster } from '../clusters/kafka-cluster.ts'
import type { BatchSeen, LogletLog } from './repeated-batches.ts'

const readMaxBytes = 4 * 1024 * 1024
const sequences = 2 ** 31

export interface LogletPlace {
  readonly topic: string
  readonly partition: number
  /** Physical, of the loglet. */
  readonly start: bigint
  readonly forgets: boolean
  readonly followsLoss: boolean
}

export function logletLog(
  cluster: Pick<KafkaCluster, 'producerStates' | 'readBatches'>,
  { topic, partition, start, forgets, followsLoss }: LogletPlace,
  readable: { readonly from: bigint; readonly to: bigint },
): LogletLog {
  return {
    from: readable.from > start ? readable.from : start,
    to: readable.to,
    forgets,
    followsLoss,
    producers: () => cluster.producerStates(topic, partition),
    batches: async (offset) => batchesSeen(await cluster.readBatches(topic, partition, offset, readMaxBytes)),
  }
}

export function batchesSeen(bytes: Buffer): BatchSeen[] {
  const seen: BatchSeen[] = []
  walkBatches(bytes, (at) => {
    const first = baseSequence(bytes, at)
    seen.push({
      base: baseOffset(bytes, at),
      next: nextOffset(bytes, at),
      // Markers of transactions carry the id of a producer, and no sequence.
      producerId: isControl(bytes, at) ? -1n : producerId(bytes, at),
      epoch: producerEpoch(bytes, at),
      baseSequence: first,
      lastSequence: (first + lastOffsetDelta(bytes, at)) % sequences,
    })
  })
  return seen
}
