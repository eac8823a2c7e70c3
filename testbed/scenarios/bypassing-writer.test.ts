import { setTimeout as sleep } from 'node:timers/promises'
import { Kafka } from 'kafkajs'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { sharedClusters } from '../clusters/shared.ts'
import { type RunningBraid, startBraid } from '../components/running.ts'
import type { HistoryEvent } from '../history/event.ts'
import { Recorder } from '../history/recorder.ts'
import { KafkajsLog } from '../workloads/kafkajs-log.ts'
import { startKafkajsProducers } from '../workloads/kafkajs-producers.ts'
import { writtenBehindSeals } from '../workloads/physical-topics.ts'
import { TopicUnderLoad } from '../workloads/topic-under-load.ts'

let braid: RunningBraid
beforeAll(async () => {
  braid = await startBraid(sharedClusters())
})
afterAll(() => braid?.stop())

/** What a broker answers to a batch above max.message.bytes, in KafkaJS's words. */
const REFUSED = 'The request included a message larger than the max message size the server will accept'

test('a writer goes around the proxy: what it wrote before the seal is kept, after it it is refused', async () => {
  const load = await TopicUnderLoad.start(braid, { topic: 'bypassed', on: 'b' })
  onTestFinished(() => load.stop())
  const { physicalTopic } = await braid.controlPlane.client.topics.get(load.topic)
  const { bootstrap } = sharedClusters().find(({ name }) => name === 'b')!
  const direct = new Kafka({ brokers: bootstrap.split(','), logCreator: new KafkajsLog().creator })
  const recorder = new Recorder()
  const writer = await startKafkajsProducers(direct, recorder, {
    topic: physicalTopic,
    name: 'bypassing',
    producers: 2,
    recordsPerSecond: 200,
  })
  onTestFinished(() => writer.stop())
  await sleep(1_000)
  await load.move('c')
  const beforeSeal = writer.acknowledged
  await sleep(1_000)
  await writer.stop()
  expect(beforeSeal).toBeGreaterThan(50)
  expect(writer.acknowledged).toBe(beforeSeal)

  // All that it was refused after the seal, it was refused for this; there was no other error.
  const failures = recorder.events.filter((event) => event.type === 'failed' || event.type === 'error')
  expect(new Set(failures.map(({ error }) => error))).toEqual(new Set([REFUSED]))

  // In the first loglet physical offsets are the logical ones, so its history is one of the topic's.
  const also = recorder.events
    .filter((event) => event.type !== 'failed')
    .map((event): HistoryEvent => (event.type === 'sent' ? { ...event, topic: load.topic } : event))
  await load.worksOn()
  expect(await load.judge({ also })).toMatchObject({ evidence: [], verdict: 'clean' })
  const topic = await braid.controlPlane.client.topics.get(load.topic)
  expect(await writtenBehindSeals(sharedClusters(), topic)).toEqual([])
})
