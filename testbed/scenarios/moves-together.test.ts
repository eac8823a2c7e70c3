import { setTimeout as sleep } from 'node:timers/promises'
import type { Migration } from '@braid/control-api'
import { Kafka } from 'kafkajs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { sharedClusters } from '../clusters/shared.ts'
import type { JsonLine } from '../components/line-process.ts'
import { type RunningBraid, startBraid } from '../components/running.ts'
import { checkHistory } from '../history/checker.ts'
import { type MovedEvent, monotonicMs } from '../history/event.ts'
import { pausesOf, summarizePauses } from '../history/pauses.ts'
import { Recorder } from '../history/recorder.ts'
import { startKafkajsGroup } from '../workloads/kafkajs-group.ts'
import { KafkajsLog } from '../workloads/kafkajs-log.ts'
import { startKafkajsProducers } from '../workloads/kafkajs-producers.ts'
import { coordinatorReady, readBack, readCommits } from '../workloads/read-back.ts'

// Twenty topics of three partitions move a to b and back, all at once, while clients write to each of them and groups
// read two of them.

const TOPICS = Array.from({ length: 20 }, (_, i) => `together-${String(i).padStart(2, '0')}`)
const READ = TOPICS.slice(0, 2)
const PARTITIONS = 3
const WAY = ['b', 'a'] as const
const AT_WORK_MS = 2_000
const WAIT_MAX_MS = 60_000

let braid: RunningBraid
let kafka: Kafka
const said: JsonLine[] = []
beforeAll(async () => {
  braid = await startBraid(sharedClusters())
  braid.controlPlane.process.onLine((line) => said.push(line))
  kafka = new Kafka({ brokers: [...braid.bootstrap], logCreator: new KafkajsLog().creator })
})
afterAll(() => braid?.stop())

test('twenty topics under load: sealed by one request, switched by one route version, nothing lost', async () => {
  const { client } = braid.controlPlane
  for (const name of TOPICS) await client.topics.create({ name, partitions: PARTITIONS, cluster: 'a' })
  const recorder = new Recorder()
  const groups = []
  for (const topic of READ) {
    await coordinatorReady(kafka, `${topic}-readers`, topic)
    groups.push(await startKafkajsGroup(kafka, recorder, { topic, group: `${topic}-readers`, members: 1 }))
  }
  const producers = await Promise.all(
    TOPICS.map((topic) =>
      startKafkajsProducers(kafka, recorder, { topic, name: topic, producers: 1, recordsPerSecond: 50 }),
    ),
  )
  const moves: MovedEvent[] = []
  for (const to of WAY) {
    await sleep(AT_WORK_MS)
    const { moved, events } = await moveTogether(to)
    moves.push(...events)
    expect(new Set(moved.map(({ group }) => group)).size).toBe(1)
    expect(new Set(moved.map(({ routeVersion }) => routeVersion)).size).toBe(1)
    const { group } = moved[0]!
    const sealed = () => said.filter((line) => line.event === 'migration.sealed' && line.group === group)
    await expect.poll(sealed).toMatchObject([{ topics: TOPICS.length }])
    console.log(`moved to ${to}: ${JSON.stringify(sealed()[0])}`)
  }
  await sleep(AT_WORK_MS)
  for (const producer of producers) await producer.stop()
  for (const group of groups) {
    expect(await group.caughtUp(WAIT_MAX_MS)).toBe(true)
    await group.stop()
  }

  const events = [...recorder.events, ...moves]
  for (const [i, topic] of TOPICS.entries()) {
    const group = READ.includes(topic) ? `${topic}-readers` : undefined
    const own = events.filter((event) => !('topic' in event) || event.topic === topic)
    const verdict = checkHistory(own, await readBack(kafka, topic), {
      topic,
      ...(group !== undefined && {
        groups: [group],
        finalCommits: await readCommits(kafka, group, topic),
      }),
    })
    expect(verdict, topic).toMatchObject({ evidence: [], verdict: 'clean' })
    expect(verdict.acknowledged, topic).toBe(producers[i]!.sent)
  }
  const { p50, max } = summarizePauses(pausesOf(events).map(({ pauseMs }) => pauseMs))
  console.log(
    `pauses of ${TOPICS.length} topics, ${WAY.length} moves: p50 ${p50.toFixed(0)} ms, max ${max.toFixed(0)} ms`,
  )
  for (const name of TOPICS) expect((await client.topics.get(name)).cluster).toBe('a')
})

async function moveTogether(to: string): Promise<{ moved: Migration[]; events: MovedEvent[] }> {
  const { migrations } = braid.controlPlane.client
  const startedAt = monotonicMs()
  const started = await migrations.start({ topics: TOPICS, to })
  expect(started.map(({ topic }) => topic)).toEqual(TOPICS)
  const moved = await Promise.all(
    started.map(({ id }) => migrations.wait(id, { until: 'switched', timeoutMs: WAIT_MAX_MS })),
  )
  const at = monotonicMs()
  const events = moved.map(
    ({ topic, from, sealMs }): MovedEvent => ({
      ...{ type: 'moved', at, topic, from: from.cluster, to, startedAt, sealMs: sealMs ?? 0 },
    }),
  )
  return { moved, events }
}
