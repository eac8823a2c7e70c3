import { setTimeout as sleep } from 'node:timers/promises'
import {
  encodeBatch,
  errorCodes,
  errorName,
  initProducerId,
  isRetriable,
  produce,
} from '@braid/kafka-protocol'
import { monotonicMs, UNKNOWN_OFFSET } from '../history/event.ts'
import type { Recorder } from '../history/recorder.ts'
import { RawConnection } from './raw-connection.ts'
import { paddedValue } from './record-value.ts'
import { answerMaxMs, type ProducerWorkload, settledWithin } from './workload.ts'

export interface RestlessProducerOptions {
  topic: string
  partition: number
  /** Batch n leaves by the listener n modulo their number: so it learns of a new leader with every batch. */
  listeners: readonly string[]
  batchesPerSecond?: number
  recordsPerBatch?: number
  name: string
}

const IN_FLIGHT_MAX = 5
const RETRY_AFTER_MS = 20
const PRODUCE_VERSION = 9
const REQUEST_TIMEOUT_MS = 30_000

interface Batch {
  readonly call: number
  readonly sequence: number
  readonly records: Buffer
  readonly size: number
  tries: number
}

/**
 * One idempotent producer to one partition, five batches in flight, as Kafka's own sends them, but for one thing: it
 * changes its mind on who leads with every batch, while older batches are on their way to another.
 *
 * What it retries is what Java's does (TransactionManager.canRetry, Sender): retriable errors, and
 * OUT_OF_ORDER_SEQUENCE_NUMBER unless the batch is the next one. Retries go in the order of sequence, one at a time
 * (RecordAccumulator.shouldStopDrainBatchesForPartition).
 */
export async function startRestlessProducer(
  recorder: Recorder,
  options: RestlessProducerOptions,
): Promise<ProducerWorkload> {
  const { topic, partition, listeners, name, batchesPerSecond = 200, recordsPerBatch = 3 } = options
  const connections = await Promise.all(listeners.map((address) => RawConnection.open(address)))
  const { producerId, producerEpoch, errorCode } = await connections[0]!.call(initProducerId, 4, {
    transactionalId: null,
    transactionTimeoutMs: -1,
  })
  if (errorCode !== 0) throw new Error(`InitProducerId: ${errorName(errorCode)}`)

  /** In the order of sequence; the first is the next that the broker must take. */
  const inFlight: Batch[] = []
  const waiting = new Set<Batch>()
  let calls = 0
  let sent = 0
  let acknowledged = 0
  let journeys = 0
  let stopping = false
  let broken = false

  const next = (): Batch => {
    const ids = Array.from({ length: recordsPerBatch }, (_, index) => `${name}#${sent + index}`)
    const key = `${name}-key`
    const batch = {
      call: calls++,
      sequence: sent,
      size: ids.length,
      tries: 0,
      records: encodeBatch({
        producerId,
        producerEpoch,
        baseSequence: sent,
        records: ids.map((id) => ({
          key: Buffer.from(key),
          value: Buffer.from(paddedValue(id, 100)),
          timestamp: BigInt(Date.now()),
        })),
      }),
    }
    sent += ids.length
    recorder.record({
      type: 'sent',
      at: monotonicMs(),
      producer: name,
      call: batch.call,
      topic,
      keys: ids.map(() => key),
      ids,
    })
    return batch
  }

  const fail = (batch: Batch, error: string) => {
    broken = true
    recorder.record({ type: 'failed', at: monotonicMs(), producer: name, call: batch.call, error })
  }

  const journey = async (batch: Batch): Promise<void> => {
    const connection = connections[journeys++ % connections.length]!
    batch.tries++
    const answer = await connection.call(produce, PRODUCE_VERSION, {
      transactionalId: null,
      acks: -1,
      timeoutMs: REQUEST_TIMEOUT_MS,
      topicData: [{ name: topic, partitionData: [{ index: partition, records: batch.records }] }],
    })
    const { errorCode: error, baseOffset } = answer.responses[0]!.partitionResponses[0]!
    // A duplicate is a success without an offset, as Java takes it.
    const duplicate = error === errorCodes.DUPLICATE_SEQUENCE_NUMBER
    if (error === 0 || duplicate) {
      inFlight.splice(inFlight.indexOf(batch), 1)
      acknowledged += batch.size
      const offsets = Array.from({ length: batch.size }, (_, index) =>
        duplicate || baseOffset < 0n ? UNKNOWN_OFFSET : baseOffset + BigInt(index),
      )
      const partitions = offsets.map(() => partition)
      recorder.record({
        type: 'acknowledged',
        at: monotonicMs(),
        producer: name,
        call: batch.call,
        partitions,
        offsets,
      })
      return
    }
    const isNext = inFlight[0] === batch
    if (isRetriable(error) || (error === errorCodes.OUT_OF_ORDER_SEQUENCE_NUMBER && !isNext)) {
      waiting.add(batch)
      return
    }
    fail(batch, `${errorName(error)} for sequence ${batch.sequence}${isNext ? ', the next one' : ''}`)
  }

  const travels: Promise<void>[] = []
  const travel = (batch: Batch) => {
    waiting.delete(batch)
    travels.push(journey(batch).catch((error: Error) => fail(batch, error.message)))
  }

  const work = async () => {
    const everyMs = 1_000 / batchesPerSecond
    let at = performance.now()
    let retryAt = 0
    while (!broken && (!stopping || inFlight.length > 0)) {
      const [first] = inFlight
      if (waiting.size > 0) {
        // Nothing new while something is to be repeated, and only the first in sequence is.
        if (first !== undefined && waiting.has(first) && performance.now() >= retryAt) {
          retryAt = performance.now() + RETRY_AFTER_MS
          travel(first)
        }
      } else if (!stopping && inFlight.length < IN_FLIGHT_MAX) {
        const batch = next()
        inFlight.push(batch)
        travel(batch)
      }
      at = Math.max(at + everyMs, performance.now() - everyMs)
      await sleep(Math.max(1, at - performance.now()))
    }
    await Promise.all(travels)
  }
  const working = work()
  return {
    get sent() {
      return sent
    },
    get acknowledged() {
      return acknowledged
    },
    async stop() {
      stopping = true
      if (!(await settledWithin(working, answerMaxMs))) {
        const error = `${sent - acknowledged} records had no answer after ${answerMaxMs} ms`
        recorder.record({ type: 'error', at: monotonicMs(), client: name, error })
        broken = true
      }
      for (const connection of connections) connection.close()
    },
  }
}
