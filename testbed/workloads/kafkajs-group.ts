import { setTimeout as sleep } from 'node:timers/promises'
import type { Consumer, Kafka } from 'kafkajs'
import { monotonicMs } from '../history/event.ts'
import type { Recorder } from '../history/recorder.ts'
import { caughtUp } from './caught-up.ts'
import { idOf } from './record-value.ts'
import { type GroupWorkload, settledWithin } from './workload.ts'

export interface KafkajsGroupOptions {
  topic: string
  group: string
  members?: number
  /** How long to wait until every member has joined. */
  joinMaxMs?: number
  /** Names members, where processes share a group. */
  name?: string
  /** Time spent on each batch, for a group that is to fall behind. */
  workMsPerBatch?: number
  maxBytesPerPartition?: number
  /** A member that is not heard of for so long is out of the group. */
  sessionTimeoutMs?: number
}

/** A consumer group that commits as it reads, and writes down what it sees. Starts at the earliest offset. */
export async function startKafkajsGroup(
  kafka: Kafka,
  recorder: Recorder,
  options: KafkajsGroupOptions,
): Promise<GroupWorkload> {
  const { topic, group, members = 2, joinMaxMs = 60_000, name = 'm' } = options
  const positions = new Map<number, bigint>()
  let received = 0
  const consumers: Consumer[] = []

  const startMember = async (member: string) => {
    const consumer = kafka.consumer({
      groupId: group,
      sessionTimeout: options.sessionTimeoutMs ?? 30_000,
      heartbeatInterval: 1_000,
      maxWaitTimeInMs: 500,
      allowAutoTopicCreation: false,
      ...(options.maxBytesPerPartition === undefined
        ? {}
        : { maxBytesPerPartition: options.maxBytesPerPartition }),
    })
    consumers.push(consumer)
    let joined: () => void
    const hasJoined = new Promise<void>((resolve) => {
      joined = resolve
    })
    consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
      const partitions = payload.memberAssignment[topic] ?? []
      recorder.record({ type: 'assigned', at: monotonicMs(), group, member, topic, partitions })
      joined()
    })
    consumer.on(consumer.events.COMMIT_OFFSETS, ({ payload }) => {
      const committed = payload.topics.find((candidate) => candidate.topic === topic)?.partitions ?? []
      if (committed.length === 0) return
      recorder.record({
        type: 'committed',
        at: monotonicMs(),
        group,
        member,
        generation: Number(payload.groupGenerationId),
        topic,
        partitions: committed.map(({ partition }) => partition),
        offsets: committed.map(({ offset }) => BigInt(offset)),
      })
    })
    consumer.on(consumer.events.CRASH, ({ payload }) => {
      recorder.record({ type: 'error', at: monotonicMs(), client: member, error: payload.error.message })
    })
    await consumer.connect()
    await consumer.subscribe({ topic, fromBeginning: true })
    await consumer.run({
      autoCommitInterval: 500,
      eachBatch: async ({ batch }) => {
        const { partition, messages } = batch
        recorder.record({
          type: 'received',
          at: monotonicMs(),
          group,
          member,
          topic,
          partition,
          offsets: messages.map(({ offset }) => BigInt(offset)),
          keys: messages.map(({ key }) => key?.toString() ?? ''),
          ids: messages.map(({ value }) => idOf(value)),
        })
        received += messages.length
        const end = BigInt(batch.lastOffset()) + 1n
        if (end > (positions.get(partition) ?? 0n)) positions.set(partition, end)
        if (options.workMsPerBatch !== undefined) await sleep(options.workMsPerBatch)
      },
    })
    if (!(await settledWithin(hasJoined, joinMaxMs))) {
      throw new Error(`${member} has not joined group ${group} after ${joinMaxMs} ms`)
    }
  }

  const stop = async () => {
    await settledWithin(Promise.allSettled(consumers.map((consumer) => consumer.disconnect())), 15_000)
  }
  try {
    await Promise.all(Array.from({ length: members }, (_, index) => startMember(`${name}${index}`)))
  } catch (error) {
    await stop()
    throw error
  }

  return {
    get received() {
      return received
    },
    caughtUp: (timeoutMs) => caughtUp(kafka, topic, (partition) => positions.get(partition) ?? 0n, timeoutMs),
    stop,
  }
}
