import { setTimeout as sleep } from 'node:timers/promises'
import { CompressionTypes, type ICustomPartitioner, type Kafka, Partitioners, type Producer } from 'kafkajs'
import { monotonicMs, UNKNOWN_OFFSET } from '../history/event.ts'
import type { Recorder } from '../history/recorder.ts'
import { paddedValue } from './record-value.ts'
import { answerMaxMs, type ProducerWorkload, settledWithin } from './workload.ts'

export interface KafkajsProducersOptions {
  topic: string
  recordsPerSecond?: number
  idempotent?: boolean
  /** KafkaJS producers, each with its own identity. Each sends one call at a time, as KafkaJS asks of idempotent ones. */
  producers?: number
  /** Loops over one producer. KafkaJS mixes sequences up when an idempotent one has several calls and an error. */
  loopsPerProducer?: number
  maxInFlightRequests?: number
  recordsPerCall?: number
  keysPerLoop?: number
  valueBytes?: number
  /** Names producers and record ids, where several such loads write to one topic. */
  name?: string
}

/**
 * As KafkaJS means to do when it is idempotent, and does not (2.2.4): after a send that it gave up it counts its
 * sequence numbers back, and the next send is taken for the one before, by any Kafka. For 9 s it waits as by default.
 */
const neverGivesUp = { retries: Number.MAX_SAFE_INTEGER, maxRetryTime: 5_000 }

/** Small sends at a steady rate, each record with a key and an id. A loop waits for its answer before it goes on. */
export async function startKafkajsProducers(
  kafka: Kafka,
  recorder: Recorder,
  options: KafkajsProducersOptions,
): Promise<ProducerWorkload> {
  const {
    topic,
    recordsPerSecond = 2_000,
    idempotent = true,
    producers = 8,
    loopsPerProducer = 1,
    recordsPerCall = 5,
    keysPerLoop = 10,
    valueBytes = 100,
    name = 'kafkajs',
  } = options
  const maxInFlightRequests = options.maxInFlightRequests ?? (idempotent ? 5 : 1)
  const loops = producers * loopsPerProducer
  const intervalMs = (1_000 * loops * recordsPerCall) / recordsPerSecond
  let stopping = false
  let sent = 0
  let acknowledged = 0

  const runLoop = async (
    producer: Producer,
    partitionOf: Map<string, number>,
    producerName: string,
    loop: number,
  ) => {
    let next = performance.now() + (intervalMs * loop) / loops
    for (let round = 0; ; round++) {
      const waitMs = next - performance.now()
      if (waitMs > 1) await sleep(waitMs)
      if (stopping) return
      next = Math.max(next + intervalMs, performance.now() - intervalMs)
      const call = round * loops + loop
      const keys = Array.from({ length: recordsPerCall }, (_, index) => {
        return `${producerName}-l${loop}-k${(round * recordsPerCall + index) % keysPerLoop}`
      })
      const ids = keys.map((key, index) => `${key}:${round}:${index}`)
      const messages = ids.map((id, index) => ({ key: keys[index]!, value: paddedValue(id, valueBytes) }))
      recorder.record({ type: 'sent', at: monotonicMs(), producer: producerName, call, topic, keys, ids })
      sent += ids.length
      try {
        const answers = await producer.send({ topic, acks: -1, compression: CompressionTypes.None, messages })
        const at = monotonicMs()
        const nextOffset = new Map<number, bigint>()
        for (const { partition, baseOffset } of answers) {
          if (baseOffset !== undefined && baseOffset !== '-1') nextOffset.set(partition, BigInt(baseOffset))
        }
        const partitions = keys.map((key) => partitionOf.get(key)!)
        const offsets = partitions.map((partition) => {
          const offset = nextOffset.get(partition)
          if (offset === undefined) return UNKNOWN_OFFSET
          nextOffset.set(partition, offset + 1n)
          return offset
        })
        recorder.record({ type: 'acknowledged', at, producer: producerName, call, partitions, offsets })
        acknowledged += ids.length
      } catch (error) {
        recorder.record({
          type: 'failed',
          at: monotonicMs(),
          producer: producerName,
          call,
          error: (error as Error).message,
        })
      }
    }
  }

  const started: Producer[] = []
  const running: Promise<void>[] = []
  try {
    const identities = Array.from({ length: producers }, (_, index) => {
      const partitionOf = new Map<string, number>()
      const producer = kafka.producer({
        idempotent,
        ...(idempotent && { retry: neverGivesUp }),
        maxInFlightRequests,
        allowAutoTopicCreation: false,
        createPartitioner: rememberPartitions(partitionOf),
      })
      return { producer, partitionOf, name: `${name}-p${index}` }
    })
    await Promise.all(
      identities.map(async ({ producer }) => {
        started.push(producer)
        await producer.connect()
      }),
    )
    for (const [index, { producer, partitionOf, name }] of identities.entries()) {
      for (let loop = 0; loop < loopsPerProducer; loop++) {
        running.push(runLoop(producer, partitionOf, name, index * loopsPerProducer + loop))
      }
    }
  } catch (error) {
    await Promise.allSettled(started.map((producer) => producer.disconnect()))
    throw error
  }

  return {
    get sent() {
      return sent
    },
    get acknowledged() {
      return acknowledged
    },
    async stop() {
      stopping = true
      if (!(await settledWithin(Promise.all(running), answerMaxMs))) {
        recorder.record({
          type: 'error',
          at: monotonicMs(),
          client: name,
          error: `${sent - acknowledged} records had no answer after ${answerMaxMs} ms`,
        })
      }
      await settledWithin(Promise.allSettled(started.map((producer) => producer.disconnect())), 5_000)
    },
  }
}

/** KafkaJS answers per partition; with the partition of each key known, that gives each record's offset. */
function rememberPartitions(partitionOf: Map<string, number>): ICustomPartitioner {
  return () => {
    const partition = Partitioners.DefaultPartitioner()
    return (args) => {
      const chosen = partition(args)
      partitionOf.set(String(args.message.key), chosen)
      return chosen
    }
  }
}
