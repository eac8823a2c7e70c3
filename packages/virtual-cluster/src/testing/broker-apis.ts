import {
  type DescribeProducersRequest,
  describeProducers,
  errorCodes,
  type FetchRequest,
  fetch,
  type ListOffsetsRequest,
  listOffsets,
  type ProduceRequest,
  produce,
} from '@braid/kafka-protocol'
import type { FakeKafka, Handler } from './fake-kafka.ts'

const DEBUG_REPLICA = -2
const LATEST = -1n
const EARLIEST = -2n

/** What brokers answer to the APIs of the data path. */
export function dataApis(kafka: FakeKafka): void {
  const on = <Q>(
    apiKey: number,
    handler: (request: Q, at: Parameters<Handler>[1]) => ReturnType<Handler>,
  ) => {
    kafka.handlers.set(apiKey, handler as Handler)
  }

  on<ProduceRequest>(produce.key, ({ topicData, acks }, { brokerId }) => {
    if (acks === 0) throw new Error('the engine must not send acks=0: it has no answer')
    return {
      responses: topicData.map(({ name, partitionData }) => ({
        name,
        partitionResponses: partitionData.map(({ index, records }) => {
          const wrong = kafka.partitionError(name, index, brokerId)
          const { error, baseOffset } =
            wrong === 0 ? kafka.partition(name, index).append(records!) : { error: wrong, baseOffset: -1n }
          return { index, errorCode: error, baseOffset }
        }),
      })),
    }
  })

  on<FetchRequest>(fetch.key, ({ topics, maxWaitMs, minBytes, maxBytes }, { brokerId, sent }) => {
    let bytes = 0
    let failed = false
    const responses = topics.map(({ topic, partitions }) => ({
      topic,
      partitions: partitions.map(({ partition, fetchOffset, partitionMaxBytes }) => {
        const wrong = kafka.partitionError(topic, partition, brokerId)
        const nothing = {
          partitionIndex: partition,
          highWatermark: -1n,
          lastStableOffset: -1n,
          abortedTransactions: null,
          records: null,
        }
        if (wrong !== 0) {
          failed = true
          return { ...nothing, errorCode: wrong }
        }
        const log = kafka.partition(topic, partition)
        if (fetchOffset < log.start || fetchOffset > log.end) {
          failed = true
          return { ...nothing, errorCode: errorCodes.OFFSET_OUT_OF_RANGE }
        }
        const records = log.read(fetchOffset, Math.min(partitionMaxBytes, Math.max(0, maxBytes - bytes)))
        bytes += records.length
        return {
          partitionIndex: partition,
          errorCode: 0,
          highWatermark: log.end,
          lastStableOffset: log.end,
          logStartOffset: log.start,
          abortedTransactions: null,
          records,
        }
      }),
    }))
    const waited = Date.now() - sent.sentAtMs
    if (!failed && bytes < minBytes && waited < maxWaitMs) {
      setTimeout(() => kafka.changed(), maxWaitMs - waited)
      return 'not yet'
    }
    return { errorCode: 0, sessionId: 0, responses }
  })

  on<ListOffsetsRequest>(listOffsets.key, ({ topics, replicaId }, { brokerId }) => ({
    topics: topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ partitionIndex, timestamp }) => {
        const errorCode = kafka.partitionError(name, partitionIndex, brokerId)
        if (errorCode !== 0) return { partitionIndex, errorCode, timestamp: -1n, offset: -1n }
        const log = kafka.partition(name, partitionIndex)
        if (timestamp === LATEST || replicaId === DEBUG_REPLICA) {
          return { partitionIndex, errorCode, timestamp: -1n, offset: log.end }
        }
        if (timestamp === EARLIEST) return { partitionIndex, errorCode, timestamp: -1n, offset: log.start }
        const found = log.batches.find((batch) => batch.bytes.readBigInt64BE(35) >= timestamp)
        return {
          partitionIndex,
          errorCode,
          timestamp: found?.bytes.readBigInt64BE(27) ?? -1n,
          offset: found?.baseOffset ?? -1n,
        }
      }),
    })),
  }))

  on<DescribeProducersRequest>(describeProducers.key, ({ topics }, { brokerId }) => ({
    topics: topics.map(({ name, partitionIndexes }) => ({
      name,
      partitions: partitionIndexes.map((partitionIndex) => {
        const errorCode = kafka.partitionError(name, partitionIndex, brokerId)
        const producers = errorCode === 0 ? kafka.partition(name, partitionIndex).producers : new Map()
        return {
          partitionIndex,
          errorCode,
          errorMessage: null,
          activeProducers: [...producers].map(([producerId, { epoch, lastSequence }]) => ({
            producerId,
            producerEpoch: epoch,
            lastSequence,
            lastTimestamp: 0n,
            coordinatorEpoch: 0,
            currentTxnStartOffset: -1n,
          })),
        }
      }),
    })),
  }))
}
