import { Kafka } from 'kafkajs'
import type { RunningBraid } from '../components/running.ts'
import type { HistoryEvent } from '../history/event.ts'
import { Recorder } from '../history/recorder.ts'
import { caughtUp } from './caught-up.ts'
import { KafkajsLog } from './kafkajs-log.ts'
import { startKcatGroup } from './kcat.ts'

const readMaxMs = 60_000

/** The whole topic once more, as librdkafka reads it; a group for the judge. */
export async function readWithKcat(
  braid: RunningBraid,
  topic: string,
): Promise<{ group: string; events: readonly HistoryEvent[] }> {
  const group = `${topic}-kcat`
  const recorder = new Recorder()
  const reader = await startKcatGroup(recorder, {
    bootstrap: braid.bootstrap.join(','),
    topic,
    group,
    members: 1,
  })
  const kafka = new Kafka({ brokers: [...braid.bootstrap], logCreator: new KafkajsLog().creator })
  try {
    if (!(await caughtUp(kafka, topic, reader.position, readMaxMs)))
      throw new Error(`kcat was not at the end of ${topic} after ${readMaxMs} ms`)
  } finally {
    await reader.stop()
  }
  return { group, events: recorder.events }
}
