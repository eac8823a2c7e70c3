import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Kafka } from 'kafkajs'
import type { MigrationPoint, RunningBraid } from '../components/running.ts'
import { type CheckOptions, checkHistory } from '../history/checker.ts'
import type { HistoryEvent, MovedEvent } from '../history/event.ts'
import type { Outage } from '../history/outage.ts'
import { mergeHistories } from '../history/recorder.ts'
import type { Verdict } from '../history/verdict.ts'
import { ClientsProcess, type ClientsSpec, type Route } from './clients-process.ts'
import { type ClusterLoss, outageOfLoss } from './cluster-loss.ts'
import { createFailoverTopic, type FailoverPolicy } from './failover-topic.ts'
import { KafkajsLog } from './kafkajs-log.ts'
import type { KafkajsProducersOptions } from './kafkajs-producers.ts'
import { wrongLags } from './lag-truth.ts'
import { moveTopic } from './move.ts'
import { coordinatorReady, readBack, readCommits } from './read-back.ts'

export interface TopicUnderLoadOptions {
  topic: string
  /** Where it is created. */
  on: string
  partitions?: number
  /** Its class fails over; to any cluster that placement chooses, or to this one. */
  failover?: { readonly policy: FailoverPolicy; readonly standby?: string }
  /** Of all its clients together. */
  recordsPerSecond?: number
  /** One process each. By default one with producers and a group of two, by all proxies. */
  clients?: readonly LoadClients[]
}

export interface LoadClients {
  name: string
  /** By default addresses of all proxies. */
  route?: Route
  /** Where connections to an address really go: a link that a test breaks. By default to the address. */
  through?: ClientsSpec['through']
  producers?: Partial<KafkajsProducersOptions> | false
  /** Members of the topic's group. All in one process: two in the first one, by default. */
  members?: number
  /** Of each member. */
  sessionTimeoutMs?: number
}

export interface JudgeOptions extends Partial<Omit<CheckOptions, 'topic'>> {
  /** What others did to the topic. */
  also?: readonly HistoryEvent[]
  /** What a client may say of itself under this fault, with plain Kafka too. The test says why. Never of a record. */
  allowed?: RegExp
}

const progressMaxMs = 60_000
const catchUpMaxMs = 60_000

/**
 * A topic with KafkaJS clients at work on it, for as long as a test does something to what is under them; then the
 * judge.
 */
export class TopicUnderLoad {
  readonly topic: string
  readonly group: string
  readonly #braid: RunningBraid
  readonly #kafka: Kafka
  readonly #clients: { readonly process: ClientsProcess; readonly produces: boolean }[] = []
  readonly #moves: MovedEvent[] = []
  readonly #failover: FailoverPolicy | undefined
  #producing = true
  #history: readonly HistoryEvent[] | undefined

  /** Resolves when all clients are at work: producers have answers, the group has joined. */
  static async start(braid: RunningBraid, options: TopicUnderLoadOptions): Promise<TopicUnderLoad> {
    const load = new TopicUnderLoad(braid, options)
    try {
      await load.#start(options)
      return load
    } catch (error) {
      await load.stop()
      throw error
    }
  }

  private constructor(braid: RunningBraid, { topic, failover }: TopicUnderLoadOptions) {
    this.topic = topic
    this.group = `${topic}-readers`
    this.#braid = braid
    this.#failover = failover?.policy
    this.#kafka = new Kafka({ brokers: [...braid.bootstrap], logCreator: new KafkajsLog().creator })
  }

  async #start(options: TopicUnderLoadOptions): Promise<void> {
    const { topic, group } = this
    const { on: cluster, partitions = 6, recordsPerSecond = 600 } = options
    const { clients = [{ name: `${topic}-clients` }], failover } = options
    const { client } = this.#braid
    if (failover === undefined) await client.topics.create({ name: topic, partitions, cluster })
    else await createFailoverTopic(client, { topic, partitions, on: cluster, ...failover })
    await coordinatorReady(this.#kafka, group, topic)
    const producing = clients.filter(({ producers }) => producers !== false).length
    const rate = recordsPerSecond / producing
    await Promise.all(
      clients.map(async ({ name, route, through, producers = {}, members, sessionTimeoutMs }, index) => {
        const joining = members ?? (index === 0 ? 2 : 0)
        const process = await ClientsProcess.start({
          name,
          route: route ?? { bootstrap: this.#braid.bootstrap },
          ...(through === undefined ? {} : { through }),
          historyFile: join(this.#braid.folder, `${name}.history`),
          ...(producers === false
            ? {}
            : { producers: { topic, name, producers: 4, recordsPerSecond: rate, ...producers } }),
          ...(joining === 0
            ? {}
            : {
                group: {
                  ...{ topic, group, members: joining, name },
                  ...(sessionTimeoutMs !== undefined && { sessionTimeoutMs }),
                },
              }),
        })
        this.#clients.push({ process, produces: producers !== false })
      }),
    )
    await this.worksOn()
  }

  async move(to: string): Promise<void> {
    this.#moves.push(await moveTopic(this.#braid.client, this.topic, to))
  }

  /** Moves it, and does something while the migration stands at a point. */
  async moveAnd(to: string, at: MigrationPoint, during: () => Promise<void>): Promise<void> {
    const leader = await this.#braid.leader()
    const held = await leader.holdAt(at)
    const moving = this.move(to)
    moving.catch(() => {}) // awaited below, unless what is done in between fails first
    await Promise.race([held.reached, moving.then(() => Promise.reject(new Error('the move did not stop')))])
    try {
      await during()
    } finally {
      held.goOn()
    }
    await moving
  }

  /** Waits until every producing process has so many more records acknowledged. */
  async worksOn(records = 100): Promise<void> {
    const before = this.#clients.map(({ process }) => process.progress.acknowledged)
    const deadline = performance.now() + progressMaxMs
    const idle = () =>
      this.#clients.filter(
        ({ process, produces }, index) =>
          produces && process.progress.acknowledged < before[index]! + records,
      )
    while (idle().length > 0) {
      if (performance.now() > deadline) {
        const who = await Promise.all(idle().map(({ process }) => process.trouble()))
        throw new Error(
          `no ${records} records more were acknowledged within ${progressMaxMs} ms: ${who.join('; ')}`,
        )
      }
      await sleep(20)
    }
  }

  /** Records that the group has read so far. */
  get received(): number {
    return this.#clients.reduce((sum, { process }) => sum + process.progress.received, 0)
  }

  /** Waits until the group has so many more records. */
  async readsOn(records = 100): Promise<void> {
    const enough = this.received + records
    const deadline = performance.now() + progressMaxMs
    while (this.received < enough) {
      if (performance.now() > deadline)
        throw new Error(`group ${this.group} did not read ${records} records more within ${progressMaxMs} ms`)
      await sleep(20)
    }
  }

  /** No more records; every one that was sent has its answer. */
  async stopProducing(): Promise<void> {
    if (this.#producing) await Promise.all(this.#clients.map(({ process }) => process.stopProducing()))
    this.#producing = false
  }

  /** Ends all clients in order and judges. */
  async judge({ also = [], allowed, ...options }: JudgeOptions = {}): Promise<Verdict> {
    const { topic, group } = this
    const processes = this.#clients.map(({ process }) => process)
    await this.stopProducing()
    const caughtUp = await Promise.all(processes.map((process) => process.caughtUp(catchUpMaxMs)))
    const histories = await Promise.all(processes.map((process) => process.finish()))
    const isAllowed = (event: HistoryEvent) =>
      event.type === 'error' && allowed !== undefined && allowed.test(event.error)
    this.#history = mergeHistories(...histories, this.#moves, also).filter((event) => !isAllowed(event))
    const contents = await readBack(this.#kafka, topic)
    const finalCommits = await readCommits(this.#kafka, group, topic)
    const verdict = checkHistory(this.#history, contents, {
      topic,
      groups: [group],
      finalCommits,
      ...(this.#failover && { failover: this.#failover }),
      ...options,
    })
    const more = await wrongLags({ braid: this.#braid, topic, contents, finalCommits })
    if (!caughtUp.every(Boolean))
      more.unshift(
        `unseen: group ${group} was not at the end of the topic ${catchUpMaxMs} ms after the producers`,
      )
    if (more.length === 0) return verdict
    return { ...verdict, verdict: 'broken', evidence: [...more, ...verdict.evidence] }
  }

  /** How long its producers had no answer when the cluster was lost. Once it was judged. */
  outage(loss: ClusterLoss): Outage {
    if (this.#history === undefined) throw new Error(`topic ${this.topic} has not been judged yet`)
    return outageOfLoss(this.#history, this.topic, loss)
  }

  /** By member: from the loss to the first record that it read after it had joined again. Once it was judged. */
  rejoinedMs({ from }: ClusterLoss): number[] {
    const joined = new Set<string>()
    const readAgain = new Map<string, number>()
    for (const event of this.#history ?? []) {
      if (event.type === 'assigned' && event.at <= from) readAgain.set(event.member, Number.POSITIVE_INFINITY)
      if (event.type === 'assigned' && event.at > from) joined.add(event.member)
      if (event.type !== 'received' || !joined.has(event.member)) continue
      if (readAgain.get(event.member) === Number.POSITIVE_INFINITY)
        readAgain.set(event.member, event.at - from)
    }
    return [...readAgain.values()]
  }

  /** Ends clients without ceremony, for when a test is given up. */
  async stop(): Promise<void> {
    await Promise.all(this.#clients.map(({ process }) => process.stop()))
  }
}
