import { Kafka } from 'kafkajs'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { sharedClusters } from '../clusters/shared.ts'
import { type RunningBraid, startBraid } from '../components/running.ts'
import { Recorder } from '../history/recorder.ts'
import { startKafkajsGroup } from '../workloads/kafkajs-group.ts'
import { KafkajsLog } from '../workloads/kafkajs-log.ts'
import { readCommits } from '../workloads/read-back.ts'
import { TopicUnderLoad } from '../workloads/topic-under-load.ts'

let braid: RunningBraid
beforeAll(async () => {
  braid = await startBraid(sharedClusters())
})
afterAll(() => braid?.stop())

test('a group that starts at the beginning after two moves reads everything, in order across both cuts', async () => {
  const load = await TopicUnderLoad.start(braid, { topic: 'far-behind', on: 'a' })
  onTestFinished(() => load.stop())
  await load.worksOn(500)
  await load.move('c')
  await load.worksOn(500)
  await load.move('b')
  await load.worksOn(500)

  const kafka = new Kafka({ brokers: [...braid.bootstrap], logCreator: new KafkajsLog().creator })
  const recorder = new Recorder()
  const group = 'far-behind-late'
  // Few bytes at a time, so that it is under way in every loglet.
  const late = await startKafkajsGroup(kafka, recorder, {
    topic: load.topic,
    group,
    name: 'late',
    maxBytesPerPartition: 4_096,
  })
  onTestFinished(() => late.stop())
  await load.move('a')
  await load.worksOn()
  expect(await late.caughtUp(30_000)).toBe(true)
  await load.stopProducing()
  expect(await late.caughtUp(30_000)).toBe(true)
  await late.stop()
  const finalCommits = [
    ...(await readCommits(kafka, load.group, load.topic)),
    ...(await readCommits(kafka, group, load.topic)),
  ]
  const verdict = await load.judge({ also: recorder.events, groups: [load.group, group], finalCommits })
  expect(verdict).toMatchObject({ evidence: [], verdict: 'clean' })
})
