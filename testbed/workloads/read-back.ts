import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Admin, Kafka } from 'kafkajs'
import type { FinalCommit, StoredRecord } from '../history/contents.ts'
import { idOf } from './record-value.ts'

/** Names the offset at which a record was acknowledged, when it was copied to the end after a failover. */
const recoveredOffsetHeader = 'braid.recovered.offset'
const answerMaxMs = 60_000

/**
 * The whole topic, each partition from its first offset to its end, as a reader sees it that took no part in the
 * run. Its group commits nothing and is new every time.
 */
export async function readBack(
  kafka: Kafka,
  topic: string,
  { timeoutMs = 60_000, recordsMax = 5_000_000 }: { timeoutMs?: number; recordsMax?: number } = {},
): Promise<StoredRecord[]> {
  const deadline = performance.now() + timeoutMs
  const offsets = await untilAnswered(kafka, deadline, (admin) => admin.fetchTopicOffsets(topic))
  const ends = new Map<number, bigint>()
  for (const { partition, low, high } of offsets) {
    if (BigInt(high) > BigInt(low)) ends.set(partition, BigInt(high))
  }

  const contents = new Map<number, StoredRecord[]>()
  const positions = new Map<number, bigint>()
  let records = 0
  let crash: Error | undefined
  const consumer = kafka.consumer({
    groupId: `read-back-${randomUUID()}`,
    maxWaitTimeInMs: 100,
    allowAutoTopicCreation: false,
  })
  consumer.on(consumer.events.CRASH, ({ payload }) => {
    if (!payload.restart) crash = payload.error
  })
  // Thrown out of its group, it starts over, and so do we: nothing was committed.
  consumer.on(consumer.events.GROUP_JOIN, () => {
    contents.clear()
    positions.clear()
    records = 0
  })
  try {
    await consumer.connect()
    await consumer.subscribe({ topic, fromBeginning: true })
    await consumer.run({
      autoCommit: false,
      eachBatch: async ({ batch }) => {
        const { partition, messages } = batch
        let stored = contents.get(partition)
        if (stored === undefined) {
          stored = []
          contents.set(partition, stored)
        }
        for (const { offset, key, value, headers } of messages) {
          if (BigInt(offset) >= (ends.get(partition) ?? 0n)) break
          const recovered = headers?.[recoveredOffsetHeader]
          stored.push({
            partition,
            offset: BigInt(offset),
            key: key?.toString() ?? '',
            id: idOf(value),
            ...(recovered !== undefined && {
              recoveredOffsets: [recovered].flat().map((value) => BigInt(value.toString())),
            }),
          })
          records++
        }
        positions.set(partition, BigInt(batch.lastOffset()) + 1n)
      },
    })
    const behind = () => [...ends].filter(([partition, end]) => (positions.get(partition) ?? 0n) < end)
    while (behind().length > 0) {
      if (crash !== undefined) throw crash
      if (records > recordsMax) throw new Error(`topic ${topic} holds more than ${recordsMax} records`)
      if (performance.now() > deadline) {
        const where = behind().map(
          ([partition, end]) => `${partition} at ${positions.get(partition) ?? 0n} of ${end}`,
        )
        throw new Error(
          `topic ${topic} was not read to its end within ${timeoutMs} ms: partition ${where.join(', ')}`,
        )
      }
      await sleep(20)
    }
  } finally {
    await consumer.disconnect()
  }
  return [...contents.keys()]
    .sort((left, right) => left - right)
    .flatMap((partition) => contents.get(partition)!)
}

/** Where the coordinator says that a group stands. */
export async function readCommits(kafka: Kafka, group: string, topic: string): Promise<FinalCommit[]> {
  const fetched = await untilAnswered(kafka, performance.now() + answerMaxMs, (admin) =>
    admin.fetchOffsets({ groupId: group, topics: [topic] }),
  )
  return fetched.flatMap(({ partitions }) =>
    partitions.map(({ partition, offset }) => ({ group, partition, offset: BigInt(offset) })),
  )
}

/**
 * Resolves when the group's coordinator answers. A cluster that has just started makes and loads its offsets topic at
 * the first group's first request, which on a busy machine takes longer than KafkaJS is patient with a consumer.
 */
export async function coordinatorReady(kafka: Kafka, group: string, topic: string): Promise<void> {
  await readCommits(kafka, group, topic)
}

/** Metadata names a listener that has died until its lease has ended, and KafkaJS gives up on it before. */
async function untilAnswered<T>(
  kafka: Kafka,
  deadline: number,
  ask: (admin: Admin) => Promise<T>,
): Promise<T> {
  for (;;) {
    const admin = kafka.admin()
    try {
      await admin.connect()
      return await ask(admin)
    } catch (error) {
      if (performance.now() > deadline) throw error
      await sleep(100)
    } finally {
      await admin.disconnect().catch(() => {})
    }
  }
}
