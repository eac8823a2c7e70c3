import { setTimeout as sleep } from 'node:timers/promises'
import type { Kafka } from 'kafkajs'

/** Waits until a group has read the topic to where it ends now; false if that takes longer. */
export async function caughtUp(
  kafka: Kafka,
  topic: string,
  position: (partition: number) => bigint,
  timeoutMs: number,
): Promise<boolean> {
  const deadline = performance.now() + timeoutMs
  const admin = kafka.admin()
  try {
    await admin.connect()
    const ends = await admin.fetchTopicOffsets(topic)
    const behind = () =>
      ends.some(
        ({ partition, low, high }) => BigInt(high) > BigInt(low) && position(partition) < BigInt(high),
      )
    while (behind()) {
      if (performance.now() > deadline) return false
      await sleep(50)
    }
    return true
  } finally {
    await admin.disconnect()
  }
}
