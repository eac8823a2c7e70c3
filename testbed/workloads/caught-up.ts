import { setTimeout as sleep } from 'node:timers/promises'
import type { Admin, Kafka } from 'kafkajs'

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
    const ends = await endsOf(admin, topic, deadline)
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

/** KafkaJS asks once, and a cluster that has just come back may have no leaders yet. */
async function endsOf(admin: Admin, topic: string, deadline: number) {
  for (;;) {
    try {
      return await admin.fetchTopicOffsets(topic)
    } catch (error) {
      if (performance.now() > deadline) throw error
      await sleep(200)
    }
  }
}
