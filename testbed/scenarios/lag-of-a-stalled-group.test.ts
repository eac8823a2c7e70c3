import { Kafka } from 'kafkajs'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { sharedClusters } from '../clusters/shared.ts'
import { startMonitorOf } from '../components/monitor.ts'
import { type RunningBraid, startBraid } from '../components/running.ts'
import { KafkajsLog } from '../workloads/kafkajs-log.ts'
import { askCluster } from '../workloads/physical-topics.ts'
import { readCommits } from '../workloads/read-back.ts'
import { TopicUnderLoad } from '../workloads/topic-under-load.ts'

let braid: RunningBraid
beforeAll(async () => {
  braid = await startBraid(sharedClusters().slice(0, 2))
})
afterAll(() => braid?.stop())

test('a group that stands still on the first of two clusters: its lag is what the logs hold, and it is told of', async () => {
  const monitor = await startMonitorOf(braid, {
    timings: { lagEveryMs: 500 },
  })
  onTestFinished(() => monitor.close())
  const load = await TopicUnderLoad.start(braid, { topic: 'half-read', on: 'a', partitions: 4 })
  onTestFinished(() => load.stop())
  const kafka = new Kafka({ brokers: [...braid.bootstrap], logCreator: new KafkajsLog().creator })
  const stuck = await startStuckGroup(kafka, 'stuck')
  onTestFinished(() => stuck.disconnect())
  await load.worksOn(500)
  await load.move('b')
  await load.worksOn(500)
  await load.stopProducing()

  const commits = (await readCommits(kafka, 'stuck', load.topic)).filter(({ offset }) => offset >= 0n)
  expect(commits.length).toBeGreaterThan(0)
  const { chain } = await braid.client.topics.get(load.topic)
  expect(chain.map(({ cluster }) => cluster)).toEqual(['a', 'b'])
  // As the brokers of each cluster say, past everything of ours.
  let unread = 0n
  for (const { cluster: name, topic, partitions } of chain) {
    const cluster = sharedClusters().find((candidate) => candidate.name === name)!
    const logs = await askCluster(cluster, (admin) => admin.fetchTopicOffsets(topic))
    for (const { partition, offset: committed } of commits) {
      const { base, start } = partitions[partition]!
      const { high } = logs.find((log) => log.partition === partition)!
      const from = committed - BigInt(base) + BigInt(start)
      const first = from > BigInt(start) ? from : BigInt(start)
      if (BigInt(high) > first) unread += BigInt(high) - first
    }
  }
  expect(unread).toBeGreaterThan(500n)

  const labels = 'tenant="default",group="stuck",topic="half-read"'
  const eventually = { timeout: 30_000 }
  await expect
    .poll(() => monitor.metrics(), eventually)
    .toContain(`braid_group_lag_records{${labels}} ${unread}\n`)
  await expect
    .poll(() => monitor.metrics(), eventually)
    .toContain(`braid_group_state{${labels},state="STALL"} 1\n`)
  expect(await monitor.metrics()).toContain(`braid_group_lag_partial{${labels}} 0\n`)
  const seconds = Number(
    /braid_group_lag_seconds\{[^}]*group="stuck"[^}]*\} (\S+)/.exec(await monitor.metrics())?.[1],
  )
  expect(seconds).toBeGreaterThan(1)
  expect(seconds).toBeLessThan(300)
  await expect
    .poll(() => braid.client.monitors.events(), eventually)
    .toContainEqual(
      expect.objectContaining({ kind: 'LAG_STALLED', tenant: 'default', topic: 'half-read', group: 'stuck' }),
    )
  // The other group has read everything.
  const others = labels.replace('stuck', load.group)
  await expect.poll(() => monitor.metrics(), eventually).toContain(`braid_group_lag_records{${others}} 0\n`)
})

/** Reads some records of each partition, commits them, and stays a member that reads no more. */
async function startStuckGroup(kafka: Kafka, groupId: string) {
  const consumer = kafka.consumer({ groupId, heartbeatInterval: 500, maxWaitTimeInMs: 200 })
  await consumer.connect()
  await consumer.subscribe({ topic: 'half-read', fromBeginning: true })
  const read = new Map<number, number>()
  await consumer.run({
    autoCommitThreshold: 1,
    eachMessage: async ({ partition, pause }) => {
      const count = (read.get(partition) ?? 0) + 1
      read.set(partition, count)
      if (count >= 20) pause()
    },
  })
  return consumer
}
