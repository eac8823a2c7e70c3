import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ControlPlaneClient, Migration } from '@braid/control-api'
import { Kafka } from 'kafkajs'
import type { KafkaCluster } from '../clusters/cluster.ts'
import { checkHistory } from '../history/checker.ts'
import { type MovedEvent, monotonicMs } from '../history/event.ts'
import type { Outage } from '../history/outage.ts'
import { type Pause, pausesOf } from '../history/pauses.ts'
import { mergeHistories } from '../history/recorder.ts'
import type { Verdict } from '../history/verdict.ts'
import { ClientsProcess, type ClientsProgress, type Route } from './clients-process.ts'
import { outageOfLoss } from './cluster-loss.ts'
import { createFailoverTopic } from './failover-topic.ts'
import { KafkajsLog } from './kafkajs-log.ts'
import { loseAndReturn } from './lose-and-return.ts'
import { moveTopic } from './move.ts'
import { coordinatorReady, readBack, readCommits } from './read-back.ts'

export interface MovingTopicOptions {
  controlPlane: ControlPlaneClient
  /** The way in for producers and for the group. */
  route: Route
  /** Addresses for the judge's own reading. */
  bootstrap: readonly string[]
  /** For history files; the caller's to remove. */
  folder: string
  topic: string
  partitions: number
  /** Where the topic is created, and where it goes from there. */
  path: readonly [string, ...string[]]
  recordsPerSecond: number
  warmUpMs: number
  betweenMovesMs: number
  /** Where the topic is after its moves: is killed then, and taken back. The topic's class is `strict`. */
  thenLose?: KafkaCluster
  signal: AbortSignal
  onState?: (state: MovingTopicState) => void
}

export type MovingTopicState =
  | { kind: 'starting'; what: string }
  | { kind: 'working'; at: string; moves: number; progress: MovingTopicProgress }
  | { kind: 'moving'; migration: Migration; progress: MovingTopicProgress }
  | { kind: 'moved'; move: MovedEvent }
  | { kind: 'lost'; what: string }
  | { kind: 'ending'; what: string }

export type MovingTopicProgress = ClientsProgress

export interface MovingTopicResult {
  verdict: Verdict
  pauses: readonly Pause[]
  /** How long producers had no answer when the cluster was killed. */
  outage?: Outage
}

const stateEveryMs = 250
const catchUpMaxMs = 60_000

/**
 * KafkaJS producers at a steady rate and a group of two, each in a process of their own, while the topic moves along
 * the path, and while its last cluster is lost, if that is asked for; then the judge reads everything back. On the way
 * out, whichever it is, no client is left.
 */
export async function runMovingTopic(options: MovingTopicOptions): Promise<MovingTopicResult> {
  const { controlPlane, route, folder, topic, path, signal, onState = () => {} } = options
  const group = `${topic}-readers`
  const clients: ClientsProcess[] = []
  try {
    onState({ kind: 'starting', what: `topic ${topic}, ${options.partitions} partitions on ${path[0]}` })
    const { partitions, thenLose } = options
    if (thenLose === undefined)
      await controlPlane.topics.create({ name: topic, partitions, cluster: path[0] })
    else await createFailoverTopic(controlPlane, { topic, partitions, on: path[0], policy: 'strict' })
    const kafka = new Kafka({ brokers: [...options.bootstrap], logCreator: new KafkajsLog().creator })
    await coordinatorReady(kafka, group, topic)
    const start = async (spec: Parameters<typeof ClientsProcess.start>[0]) => {
      onState({ kind: 'starting', what: spec.name })
      const started = await ClientsProcess.start(spec)
      clients.push(started)
      signal.throwIfAborted()
      return started
    }
    const readers = await start({
      name: 'readers',
      route,
      historyFile: join(folder, 'readers.history'),
      group: { topic, group },
    })
    const producers = await start({
      name: 'producers',
      route,
      historyFile: join(folder, 'producers.history'),
      producers: { topic, recordsPerSecond: options.recordsPerSecond },
    })
    const progress = () => ({
      sent: producers.progress.sent,
      acknowledged: producers.progress.acknowledged,
      received: readers.progress.received,
    })

    const moves: MovedEvent[] = []
    let at = path[0]
    const work = async (forMs: number) => {
      const until = monotonicMs() + forMs
      while (monotonicMs() < until) {
        onState({ kind: 'working', at, moves: moves.length, progress: progress() })
        await sleep(Math.min(stateEveryMs, Math.max(1, until - monotonicMs())), undefined, { signal })
      }
    }
    await work(options.warmUpMs)
    for (const to of path.slice(1)) {
      const move = await moveTopic(controlPlane, topic, to, (migration) => {
        onState({ kind: 'moving', migration, progress: progress() })
      })
      moves.push(move)
      at = to
      onState({ kind: 'moved', move })
      await work(options.betweenMovesMs)
    }

    const loss =
      thenLose &&
      (await loseAndReturn({
        client: controlPlane,
        topic,
        cluster: thenLose,
        work: async () => {
          at = (await controlPlane.topics.get(topic)).cluster
          await work(options.betweenMovesMs)
        },
        say: (what) => onState({ kind: 'lost', what }),
      }))

    onState({ kind: 'ending', what: 'producers stop, the group reads to the end' })
    await producers.stopProducing()
    const caughtUp = await readers.caughtUp(catchUpMaxMs)
    const histories = [await producers.finish(), await readers.finish()]
    onState({ kind: 'ending', what: 'the judge reads everything back' })
    const contents = await readBack(kafka, topic)
    const events = mergeHistories(...histories, moves)
    const verdict = checkHistory(events, contents, {
      topic,
      groups: [group],
      finalCommits: await readCommits(kafka, group, topic),
      ...(loss && { failover: 'strict' }),
    })
    const outage = loss && outageOfLoss(events, topic, loss)
    const result = { verdict, pauses: pausesOf(events), ...(outage && { outage }) }
    if (caughtUp) return result
    const late = `unseen: the group was not at the end of the topic ${catchUpMaxMs} ms after the producers`
    return { ...result, verdict: { ...verdict, verdict: 'broken', evidence: [late, ...verdict.evidence] } }
  } finally {
    await Promise.all(clients.map((client) => client.stop()))
  }
}
