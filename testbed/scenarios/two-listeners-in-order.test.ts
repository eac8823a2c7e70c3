import { setTimeout as sleep } from 'node:timers/promises'
import { Kafka } from 'kafkajs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { sharedClusters } from '../clusters/shared.ts'
import { type RunningBraid, startBraid } from '../components/running.ts'
import { checkHistory } from '../history/checker.ts'
import type { HistoryEvent } from '../history/event.ts'
import { Recorder } from '../history/recorder.ts'
import { startJavaProducer } from '../workloads/java-clients.ts'
import { KafkajsLog } from '../workloads/kafkajs-log.ts'
import { moveTopic } from '../workloads/move.ts'
import { readBack } from '../workloads/read-back.ts'
import { startRestlessProducer } from '../workloads/restless-producer.ts'

// An idempotent producer with five batches in flight learns of the new leader before its old requests are answered,
// so batches of one sequence come in by two ways at the same time.

const WAY = ['b', 'c', 'a'] as const
const BETWEEN_MOVES_MS = 1_000

let braid: RunningBraid
let kafka: Kafka
beforeAll(async () => {
  braid = await startBraid(sharedClusters(), { proxies: 2 })
  kafka = new Kafka({ brokers: [...braid.bootstrap], logCreator: new KafkajsLog().creator })
})
afterAll(() => braid?.stop())

test('by two listeners of one proxy', async () => {
  const [proxy] = braid.proxies
  const { a, b } = proxy!.listeners
  await expectOrder('two-listeners', [a!, b!])
})

test('by two proxies, one of which may hear of the switch later', async () => {
  const listeners = braid.proxies.map((proxy) => proxy.listeners.a!)
  await expectOrder('two-proxies', listeners)
})

test("Kafka's Java producer that asks for leaders all the time", async () => {
  const topic = 'java-restless'
  await create(topic)
  const recorder = new Recorder()
  const producer = await startJavaProducer(recorder, {
    bootstrap: braid.bootstrap.join(','),
    topic,
    keys: 20,
    properties: {
      'max.in.flight.requests.per.connection': '5',
      'metadata.max.age.ms': '50',
      'linger.ms': '0',
    },
  })
  const moves = await moveAlong(topic)
  await producer.stop()
  await expectClean(topic, [...recorder.events, ...moves], producer.sent)
})

/** Three such producers, each to a partition of its own. */
async function expectOrder(topic: string, listeners: readonly string[]): Promise<void> {
  await create(topic)
  const recorder = new Recorder()
  const producers = await Promise.all(
    [0, 1, 2].map((partition) =>
      startRestlessProducer(recorder, { topic, partition, listeners, name: `${topic}-${partition}` }),
    ),
  )
  const moves = await moveAlong(topic)
  await Promise.all(producers.map((producer) => producer.stop()))
  const sent = producers.reduce((sum, producer) => sum + producer.sent, 0)
  await expectClean(topic, [...recorder.events, ...moves], sent)
}

async function create(topic: string): Promise<void> {
  await braid.controlPlane.client.topics.create({ name: topic, partitions: 3, cluster: 'a' })
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

async function expectClean(topic: string, events: readonly HistoryEvent[], sent: number): Promise<void> {
  const verdict = checkHistory(events, await readBack(kafka, topic), { topic })
  expect(verdict).toMatchObject({ evidence: [], verdict: 'clean' })
  expect(verdict.acknowledged).toBe(sent)
  expect(sent).toBeGreaterThan(500)
}
