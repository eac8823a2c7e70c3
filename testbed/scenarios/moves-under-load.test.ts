import { setTimeout as sleep } from 'node:timers/promises'
import { Kafka } from 'kafkajs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { sharedClusters } from '../clusters/shared.ts'
import { type RunningBraid, startBraid } from '../components/running.ts'
import { checkHistory } from '../history/checker.ts'
import { type HistoryEvent, monotonicMs, UNKNOWN_OFFSET } from '../history/event.ts'
import { Recorder } from '../history/recorder.ts'
import type { Verdict } from '../history/verdict.ts'
import { caughtUp } from '../workloads/caught-up.ts'
import type { Route } from '../workloads/clients-process.ts'
import { startJavaGroup, startJavaProducer } from '../workloads/java-clients.ts'
import { consumeWithKafkaTool, produceWithKafkaTool } from '../workloads/kafka-tools.ts'
import { KafkajsLog } from '../workloads/kafkajs-log.ts'
import { startKafkajsProducers } from '../workloads/kafkajs-producers.ts'
import { startKcatGroup, startKcatProducer } from '../workloads/kcat.ts'
import { moveTopic } from '../workloads/move.ts'
import { runMovingTopic } from '../workloads/moving-topic.ts'
import { coordinatorReady, readBack, readCommits } from '../workloads/read-back.ts'

// A topic of twelve partitions moves a to b to c to a, where c is of an older version, while clients write 2,000
// records/s and a group of two reads.

const PARTITIONS = 12
const WAY = ['b', 'c', 'a'] as const
const BETWEEN_MOVES_MS = 1_000
const CATCH_UP_MAX_MS = 30_000
const clean = { evidence: [], verdict: 'clean' }

let braid: RunningBraid
let bootstrap: string
let kafka: Kafka
beforeAll(async () => {
  braid = await startBraid(sharedClusters())
  bootstrap = braid.bootstrap.join(',')
  kafka = new Kafka({ brokers: [...braid.bootstrap], logCreator: new KafkajsLog().creator })
})
afterAll(() => braid?.stop())

describe('KafkaJS, idempotent producers', () => {
  test('through a proxy', async () => {
    const { verdict, pauses } = await moveUnder('kafkajs', { bootstrap: braid.bootstrap })
    expect(verdict).toMatchObject(clean)
    expect(verdict.acknowledged).toBeGreaterThan(5_000)
    expect(pauses).toHaveLength(WAY.length)
  })

  test('through the SDK, without any proxy on the way', async () => {
    const { verdict } = await moveUnder('sdk', { controlPlane: braid.controlPlane.url })
    expect(verdict).toMatchObject(clean)
    expect(verdict.acknowledged).toBeGreaterThan(5_000)
  })
})

test('KafkaJS producers without idempotence, one request in flight: nothing lost, nothing reordered', async () => {
  const topic = 'kafkajs-plain'
  await create(topic)
  const recorder = new Recorder()
  const producers = await startKafkajsProducers(kafka, recorder, { topic, idempotent: false })
  const moves = await moveAlong(topic)
  await producers.stop()
  const verdict = await judge(topic, [...recorder.events, ...moves], { idempotent: false })
  expect(verdict).toMatchObject(clean)
  expect(verdict.acknowledged).toBe(producers.sent)
})

test('librdkafka, by kcat: idempotent producer and a group of two', async () => {
  const [topic, group] = ['kcat', 'kcat-readers']
  await create(topic, group)
  const recorder = new Recorder()
  const members = await startKcatGroup(recorder, { bootstrap, topic, group })
  const producer = await startKcatProducer(recorder, { bootstrap, topic })
  const moves = await moveAlong(topic)
  await producer.stop()
  expect(await caughtUp(kafka, topic, members.position, CATCH_UP_MAX_MS)).toBe(true)
  await members.stop()
  const verdict = await judge(topic, [...recorder.events, ...moves], { group })
  expect(verdict).toMatchObject(clean)
  expect(verdict.acknowledged).toBe(producer.sent)
})

describe("Kafka's own Java clients", () => {
  test('idempotent producer with five requests in flight, and a group of two', async () => {
    const [topic, group] = ['java', 'java-readers']
    await create(topic, group)
    const recorder = new Recorder()
    const [members, producer] = await Promise.all([
      startJavaGroup(recorder, { bootstrap, topic, group }),
      startJavaProducer(recorder, { bootstrap, topic }),
    ])
    const moves = await moveAlong(topic)
    await producer.stop()
    expect(await caughtUp(kafka, topic, members.position, CATCH_UP_MAX_MS)).toBe(true)
    await members.stop()
    const verdict = await judge(topic, [...recorder.events, ...moves], { group })
    expect(verdict).toMatchObject(clean)
    expect(verdict.acknowledged).toBe(producer.sent)
  })

  test('its performance tools', async () => {
    const [topic, group] = ['tools', 'tools-readers']
    await create(topic, group)
    const records = 12_000
    const [produced, moves] = await Promise.all([
      produceWithKafkaTool({ bootstrap, topic, records, recordsPerSecond: 2_000 }),
      sleep(1_500).then(() => moveAlong(topic)),
    ])
    expect(produced).toMatchObject({ records, errors: [] })
    const consumed = await consumeWithKafkaTool({ bootstrap, topic, group, records })
    expect(consumed).toEqual({ records, errors: [] })
    // The tool numbers its records and says how many were written: with all written, that is a history.
    const ids = Array.from({ length: records }, (_, number) => String(number))
    const call = { at: monotonicMs(), producer: 'tool', call: 0 }
    const history: HistoryEvent[] = [
      { type: 'sent', ...call, topic, keys: ids.map(() => ''), ids },
      {
        type: 'acknowledged',
        ...call,
        partitions: ids.map(() => -1),
        offsets: ids.map(() => UNKNOWN_OFFSET),
      },
    ]
    expect(await judge(topic, [...history, ...moves])).toMatchObject(clean)
  })
})

function moveUnder(topic: string, route: Route) {
  return runMovingTopic({
    controlPlane: braid.controlPlane.client,
    route,
    bootstrap: braid.bootstrap,
    folder: braid.folder,
    topic,
    partitions: PARTITIONS,
    path: ['a', ...WAY],
    recordsPerSecond: 2_000,
    warmUpMs: 1_500,
    betweenMovesMs: BETWEEN_MOVES_MS,
    signal: new AbortController().signal,
  })
}

async function create(topic: string, group?: string): Promise<void> {
  await braid.controlPlane.client.topics.create({ name: topic, partitions: PARTITIONS, cluster: 'a' })
  if (group !== undefined) await coordinatorReady(kafka, group, topic)
}

async function moveAlong(topic: string): Promise<HistoryEvent[]> {
  const moves: HistoryEvent[] = []
  for (const to of WAY) {
    await sleep(BETWEEN_MOVES_MS)
    moves.push(await moveTopic(braid.controlPlane.client, topic, to))
  }
  await sleep(BETWEEN_MOVES_MS)
  return moves
}

async function judge(
  topic: string,
  events: readonly HistoryEvent[],
  { group, idempotent = true }: { group?: string; idempotent?: boolean } = {},
): Promise<Verdict> {
  return checkHistory(events, await readBack(kafka, topic), {
    topic,
    idempotent,
    ...(group === undefined ? {} : { groups: [group], finalCommits: await readCommits(kafka, group, topic) }),
  })
}
