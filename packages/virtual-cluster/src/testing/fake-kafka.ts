import { ConnectionError } from '@braid/kafka-connection'
import { type AnyApi, apis, errorCodes, Reader, responseHeaderBytes, Writer } from '@braid/kafka-protocol'
import { FakeConnection, type FakeRequest } from './fake-connection.ts'
import { FakeLog } from './fake-log.ts'

export interface FakeTopic {
  readonly partitions: FakeLog[]
  /** Broker id by partition; -1: none. */
  readonly leaders: number[]
}

/** What a broker answers: the response, or nothing yet (a fetch that waits). */
export type Answer = Readonly<Record<string, unknown>> | 'not yet'
export type Handler = (
  request: never,
  at: { readonly brokerId: number; readonly sent: FakeRequest },
) => Answer

type Stage = 'process' | 'deliver'

/**
 * A Kafka cluster in memory. It keeps what Kafka keeps: one request of a connection at a time, answers in order,
 * appends checked as a broker checks them. When each request is processed and each answer delivered is the
 * test's to say: at once by default, or by `stop` and `go`, or step by step in `manual` mode.
 */
export class FakeKafka {
  readonly name: string
  readonly topics = new Map<string, FakeTopic>()
  readonly brokerIds: number[]
  readonly connections = new Set<FakeConnection>()
  readonly handlers = new Map<number, Handler>()
  /** Every request that was processed, as API name and version. */
  readonly log: string[] = []
  /** Refuses new connections. */
  down = false
  manual = false
  /** Nothing comes from it: no request is answered, no connection opened, and none of its ends is noticed. */
  silent = false
  /** Of the requests on a connection that the other side closes, so many had reached the broker. */
  reached = 0
  /** In manual mode, connections that are being opened. */
  readonly opening: (() => void)[] = []
  readonly #stopped = new Set<string>()

  constructor(name: string, brokers = 1) {
    this.name = name
    this.brokerIds = Array.from({ length: brokers }, (_, index) => index + 1)
  }

  createTopic(name: string, partitions: number): FakeTopic {
    const topic = {
      partitions: Array.from({ length: partitions }, () => new FakeLog()),
      leaders: Array.from({ length: partitions }, (_, p) => this.brokerIds[p % this.brokerIds.length]!),
    }
    this.topics.set(name, topic)
    return topic
  }

  partition(topic: string, partition: number): FakeLog {
    return this.topics.get(topic)!.partitions[partition]!
  }

  seal(topic: string): void {
    for (const log of this.topics.get(topic)!.partitions) log.maxMessageBytes = 1
  }

  unseal(topic: string): void {
    for (const log of this.topics.get(topic)!.partitions) log.maxMessageBytes = 1_048_588
  }

  /** Which broker coordinates a group. */
  coordinatorOf: (groupId: string) => number = () => this.brokerIds[0]!

  /** Requests of an API wait, before they are processed or before they are answered. */
  stop(stage: Stage, apiKey: number): void {
    this.#stopped.add(`${stage} ${apiKey}`)
  }

  go(stage: Stage, apiKey: number): void {
    this.#stopped.delete(`${stage} ${apiKey}`)
    this.changed()
  }

  isStopped(stage: Stage, apiKey: number): boolean {
    return this.silent || this.#stopped.has(`${stage} ${apiKey}`)
  }

  /** Something that a waiting request may wait for has happened. */
  changed(): void {
    if (this.manual) return
    for (const connection of this.connections) connection.run()
  }

  async open(cluster: string, brokerId: number): Promise<FakeConnection> {
    await new Promise<void>((resolve) => {
      if (this.manual) this.opening.push(resolve)
      else setImmediate(resolve)
    })
    if (this.down || this.silent || !this.brokerIds.includes(brokerId)) {
      throw new ConnectionError('CONNECT_FAILED', `${cluster} broker ${brokerId} cannot be reached`, {
        cluster,
      })
    }
    const connection = new FakeConnection(this, cluster, brokerId)
    this.connections.add(connection)
    return connection
  }

  /** The whole answer frame to a request, or undefined while it waits. Leaves its traces in the logs. */
  process(sent: FakeRequest, brokerId: number): Buffer | undefined {
    const api = apis.get(sent.apiKey) as AnyApi
    const handler = this.handlers.get(sent.apiKey)
    if (handler === undefined) throw new Error(`${this.name} has no handler for ${api.name}`)
    const request = api.decodeRequest(new Reader(sent.body), sent.version)
    const answer = handler(request as never, { brokerId, sent })
    if (answer === 'not yet') return undefined
    this.log.push(`${api.name} v${sent.version}`)
    const w = new Writer()
    w.raw(responseHeaderBytes(sent.apiKey, sent.version, sent.correlationId))
    api.encodeResponse(w, sent.version, answer)
    return w.finish()
  }

  /** NOT_LEADER_OR_FOLLOWER where another broker leads, UNKNOWN_TOPIC_OR_PARTITION where there is none. */
  partitionError(topic: string, partition: number, brokerId: number): number {
    const leader = this.topics.get(topic)?.leaders[partition]
    if (leader === undefined) return errorCodes.UNKNOWN_TOPIC_OR_PARTITION
    return leader === brokerId ? 0 : errorCodes.NOT_LEADER_OR_FOLLOWER
  }
}
