import { alterTopicConfigs, ClusterConnections, describeTopics } from '@braid/kafka-connection'
import { Kafka } from 'kafkajs'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { sharedClusters } from '../clusters/shared.ts'
import { type RunningBraid, startBraid } from '../components/running.ts'
import { Recorder } from '../history/recorder.ts'
import { startKafkajsGroup } from '../workloads/kafkajs-group.ts'
import { KafkajsLog } from '../workloads/kafkajs-log.ts'
import { startKafkajsProducers } from '../workloads/kafkajs-producers.ts'
import { readCommits } from '../workloads/read-back.ts'
import { TopicUnderLoad } from '../workloads/topic-under-load.ts'

const mendedWithinMs = 30_000
const caughtUpWithinMs = 60_000

let braid: RunningBraid
beforeAll(async () => {
  braid = await startBraid(sharedClusters(), { timings: { reconcileEveryMs: 2_000 } })
})
afterAll(() => braid?.stop())

/** As somebody connects who goes round Braid. */
function behind(name: string): ClusterConnections {
  const { bootstrap } = sharedClusters().find((cluster) => cluster.name === name)!
  const kafka = new ClusterConnections({ name, bootstrap: bootstrap.split(',') })
  onTestFinished(() => kafka.close())
  return kafka
}

async function configOf(kafka: ClusterConnections, topic: string, name: string): Promise<string | null> {
  return (await describeTopics(kafka, [topic])).get(topic)?.configs.get(name)?.value ?? null
}

test('a config that is changed behind Braid’s back, and a seal that is taken off, are shown and set right', async () => {
  const { client, process } = braid.controlPlane
  const name = 'changed-behind'
  await client.topics.create({ name, partitions: 2, cluster: 'b', configs: { 'retention.ms': '7200000' } })
  const [{ id }] = await client.migrations.start({ topics: [name], to: 'c' })
  await client.migrations.wait(id, { until: 'switched', timeoutMs: 60_000 })
  const { chain } = await client.topics.get(name)
  const [sealed, active] = chain.map(({ topic }) => topic) as [string, string]
  const [b, c] = [behind('b'), behind('c')]
  const shown = (code: string) =>
    process.waitFor(
      `that ${code} is shown`,
      (line) => line.event === 'drift.seen' && line.topic === name && line.code === code,
      mendedWithinMs,
    )

  const configShown = shown('CONFIG_DIFFERS')
  await alterTopicConfigs(c, active, { 'retention.ms': '60000' })
  expect(await configShown).toMatchObject({
    drift: `${active} on c has retention.ms=60000, should be 7200000`,
  })
  await expect.poll(() => configOf(c, active, 'retention.ms'), { timeout: mendedWithinMs }).toBe('7200000')

  const unsealShown = shown('SEAL_TAKEN_OFF')
  await alterTopicConfigs(b, sealed, { 'max.message.bytes': null })
  expect(await unsealShown).toMatchObject({ level: 'error' })
  await expect.poll(() => configOf(b, sealed, 'max.message.bytes'), { timeout: mendedWithinMs }).toBe('1')
  await expect
    .poll(async () => (await client.topics.get(name)).drift, { timeout: mendedWithinMs })
    .toEqual([])
})

test('a topic whose chain lies on two clusters gets more partitions while clients write and read', async () => {
  const { client } = braid.controlPlane
  const topic = 'growing'
  const load = await TopicUnderLoad.start(braid, {
    topic,
    on: 'b',
    partitions: 3,
    clients: [{ name: 'before', members: 0 }],
  })
  onTestFinished(() => load.stop())
  const kafka = new Kafka({ brokers: [...braid.bootstrap], logCreator: new KafkajsLog().creator })
  const recorder = new Recorder()
  const group = 'growing-readers'
  const early = await startKafkajsGroup(kafka, recorder, { topic, group, name: 'early' })
  onTestFinished(() => early.stop())
  await load.worksOn(300)
  await load.move('c')
  await load.worksOn(300)

  const grown = await client.topics.update(topic, { partitions: 7 })
  expect([grown.partitions, grown.drift]).toEqual([7, []])
  const places = [...grown.chain, { cluster: 'a', topic: grown.homeTopic }]
  for (const { cluster, topic: physical } of places) {
    const found = await describeTopics(behind(cluster), [physical])
    expect([cluster, found.get(physical)?.partitions]).toEqual([cluster, 7])
  }
  await load.worksOn(300)

  // Clients that are there learn of partitions when they refresh their metadata, in minutes; these know them.
  const after = await startKafkajsProducers(kafka, recorder, {
    topic,
    name: 'after',
    producers: 4,
    recordsPerSecond: 300,
  })
  onTestFinished(() => after.stop())
  await early.stop()
  const late = await startKafkajsGroup(kafka, recorder, { topic, group, name: 'late' })
  onTestFinished(() => late.stop())
  await expect.poll(() => after.acknowledged, { timeout: 30_000 }).toBeGreaterThan(300)
  // What was added moves as the rest does.
  await load.move('a')
  await load.worksOn(300)
  await after.stop()
  await load.stopProducing()
  expect(await late.caughtUp(caughtUpWithinMs)).toBe(true)
  await late.stop()

  const finalCommits = await readCommits(kafka, group, topic)
  const written = (await client.topics.get(topic, { logEnds: true })).logEnds!
  expect(written).toHaveLength(7)
  expect(written.slice(3).every((end) => BigInt(end) > 0n)).toBe(true)
  const verdict = await load.judge({ also: recorder.events, groups: [group], finalCommits })
  expect(verdict).toMatchObject({ evidence: [], verdict: 'clean' })
})
