import { once } from 'node:events'
import net from 'node:net'
import {
  type AnyApi,
  type Api,
  apis,
  apiVersions,
  createPartitions,
  createTopics,
  encodeBatch,
  errorCodes,
  FrameReader,
  fetch,
  listGroups,
  listOffsets,
  metadata,
  offsetFetch,
  produce,
  Reader,
  readRequestHeader,
  recordCount,
  responseHeaderBytes,
  setBaseOffset,
  Writer,
} from '@braid/kafka-protocol'

interface FakeBatch {
  readonly base: bigint
  readonly next: bigint
  readonly bytes: Buffer
}

/** One partition: batches with their offsets, and where retention has got to. */
export class FakeLog {
  readonly leader: number
  start = 0n
  end = 0n
  readonly batches: FakeBatch[] = []

  constructor(leader: number) {
    this.leader = leader
  }

  append(bytes: Buffer): bigint {
    const base = this.end
    const copy = Buffer.from(bytes)
    setBaseOffset(copy, 0, base)
    this.end += BigInt(recordCount(copy, 0))
    this.batches.push({ base, next: this.end, bytes: copy })
    return base
  }

  write(count: number, timestamp = 0n, producerId = -1n): void {
    const records = Array.from({ length: count }, () => ({ value: Buffer.from('x'), timestamp }))
    this.append(encodeBatch({ records, producerId }))
  }

  from(offset: bigint): Buffer {
    return Buffer.concat(this.batches.filter(({ next }) => next > offset).map(({ bytes }) => bytes))
  }
}

type AnswerOf = (request: never, broker: number) => unknown

/** As much of Kafka as a monitor asks, in memory, on loopback ports. */
export class FakeCluster {
  readonly topics = new Map<string, FakeLog[]>()
  /** group -> committed, by `topic/partition`; the group has members when it is in `members`. */
  readonly groups = new Map<string, Map<string, bigint>>()
  readonly members = new Set<string>()
  /** Answered to every produce instead of taking it. */
  refuseProduces: number | undefined
  /** Breaks the connection of every fetch. */
  refusesFetches = false
  fetches = 0
  /** How many produces came, by topic. */
  readonly produced = new Map<string, number>()
  readonly #brokers: FakeBroker[] = []
  readonly #answers: ReadonlyMap<number, AnswerOf>

  private constructor() {
    const answers: [{ readonly key: number }, AnswerOf][] = [
      [apiVersions, () => ({ errorCode: 0, apiKeys: spokenVersions })],
      [metadata, (request: Asked<typeof metadata>) => this.#metadata(request)],
      [createTopics, (request: Asked<typeof createTopics>) => this.#createTopics(request)],
      [createPartitions, (request: Asked<typeof createPartitions>) => this.#createPartitions(request)],
      [produce, (request: Asked<typeof produce>) => this.#produce(request)],
      [fetch, (request: Asked<typeof fetch>) => this.#fetch(request)],
      [listOffsets, (request: Asked<typeof listOffsets>) => this.#listOffsets(request)],
      [listGroups, (_: never, broker: number) => this.#listGroups(broker)],
      [offsetFetch, (request: Asked<typeof offsetFetch>) => this.#offsetFetch(request)],
    ]
    this.#answers = new Map(answers.map(([api, answer]) => [api.key, answer]))
  }

  static async start(brokers = 1): Promise<FakeCluster> {
    const cluster = new FakeCluster()
    for (let id = 1; id <= brokers; id++) await cluster.addBroker()
    return cluster
  }

  async addBroker(): Promise<void> {
    const id = this.#brokers.length + 1
    const broker = new FakeBroker((apiKey, request) => this.#answers.get(apiKey)?.(request as never, id))
    await broker.listen()
    this.#brokers.push(broker)
  }

  get bootstrap(): string[] {
    return this.#brokers.map(({ port }) => `127.0.0.1:${port}`)
  }

  createTopic(name: string, partitions: number): FakeLog[] {
    const brokers = this.#brokers.length
    const logs = Array.from({ length: partitions }, (_, p) => new FakeLog((p % brokers) + 1))
    this.topics.set(name, logs)
    return logs
  }

  commit(group: string, topic: string, partition: number, offset: bigint): void {
    const commits = this.groups.get(group) ?? new Map<string, bigint>()
    this.groups.set(group, commits.set(`${topic}/${partition}`, offset))
  }

  /** Every connection breaks, and nobody listens. */
  async stop(): Promise<void> {
    await Promise.all(this.#brokers.map((broker) => broker.stop()))
  }

  /** At the same addresses, with what it had. */
  async startAgain(): Promise<void> {
    await Promise.all(this.#brokers.map((broker) => broker.listen()))
  }

  stopBroker(id: number): Promise<void> {
    return this.#brokers[id - 1]!.stop()
  }

  #metadata({ topics }: Asked<typeof metadata>) {
    const names = topics === null ? [...this.topics.keys()] : topics.map(({ name }) => name ?? '')
    return {
      brokers: this.#brokers.map(({ port }, i) => ({ nodeId: i + 1, host: '127.0.0.1', port })),
      controllerId: 1,
      topics: names.map((name) => ({
        name,
        errorCode: this.topics.has(name) ? 0 : errorCodes.UNKNOWN_TOPIC_OR_PARTITION,
        partitions: (this.topics.get(name) ?? []).map(({ leader }, partitionIndex) => ({
          errorCode: 0,
          partitionIndex,
          leaderId: leader,
          replicaNodes: [leader],
          isrNodes: [leader],
        })),
      })),
    }
  }

  #createTopics({ topics }: Asked<typeof createTopics>) {
    return {
      topics: topics.map(({ name, assignments }) => {
        const errorCode = this.topics.has(name) ? errorCodes.TOPIC_ALREADY_EXISTS : 0
        if (errorCode === 0)
          this.topics.set(
            name,
            assignments.map(({ brokerIds }) => new FakeLog(brokerIds[0]!)),
          )
        return { name, errorCode }
      }),
    }
  }

  #createPartitions({ topics }: Asked<typeof createPartitions>) {
    return {
      results: topics.map(({ name, assignments }) => {
        for (const { brokerIds } of assignments ?? []) this.topics.get(name)!.push(new FakeLog(brokerIds[0]!))
        return { name, errorCode: 0 }
      }),
    }
  }

  #produce({ topicData }: Asked<typeof produce>) {
    return {
      responses: topicData.map(({ name, partitionData }) => {
        this.produced.set(name, (this.produced.get(name) ?? 0) + 1)
        return {
          name,
          partitionResponses: partitionData.map(({ index, records }) => {
            const log = this.topics.get(name)?.[index]
            const errorCode =
              log === undefined ? errorCodes.UNKNOWN_TOPIC_OR_PARTITION : (this.refuseProduces ?? 0)
            return { index, errorCode, baseOffset: errorCode === 0 ? log!.append(records!) : -1n }
          }),
        }
      }),
    }
  }

  #fetch({ topics }: Asked<typeof fetch>) {
    this.fetches++
    if (this.refusesFetches) return undefined
    return {
      responses: topics.map(({ topic, partitions }) => ({
        topic,
        partitions: partitions.map(({ partition, fetchOffset }) => {
          const log = this.topics.get(topic)![partition]!
          const found = { partitionIndex: partition, highWatermark: log.end, abortedTransactions: null }
          return fetchOffset < log.start || fetchOffset > log.end
            ? { ...found, errorCode: errorCodes.OFFSET_OUT_OF_RANGE, records: null }
            : { ...found, errorCode: 0, records: log.from(fetchOffset) }
        }),
      })),
    }
  }

  #listOffsets({ topics }: Asked<typeof listOffsets>) {
    return {
      topics: topics.map(({ name, partitions }) => ({
        name,
        partitions: partitions.map(({ partitionIndex, timestamp }) => {
          const log = this.topics.get(name)?.[partitionIndex]
          if (log === undefined) return { partitionIndex, errorCode: errorCodes.UNKNOWN_TOPIC_OR_PARTITION }
          return { partitionIndex, errorCode: 0, offset: timestamp === -2n ? log.start : log.end }
        }),
      })),
    }
  }

  #listGroups(broker: number) {
    // The first broker coordinates all groups.
    const groups = broker === 1 ? [...this.groups.keys()] : []
    return {
      errorCode: 0,
      groups: groups.map((groupId) => ({
        groupId,
        protocolType: 'consumer',
        groupState: this.members.has(groupId) ? 'Stable' : 'Empty',
      })),
    }
  }

  #offsetFetch({ groups }: Asked<typeof offsetFetch>) {
    return {
      groups: groups.map(({ groupId }) => ({
        groupId,
        errorCode: 0,
        topics: [...Map.groupBy(this.groups.get(groupId) ?? [], ([key]) => key.split('/')[0]!)].map(
          ([name, commits]) => ({
            name,
            partitions: commits.map(([key, committedOffset]) => ({
              partitionIndex: Number(key.split('/')[1]),
              committedOffset,
              metadata: null,
              errorCode: 0,
            })),
          }),
        ),
      })),
    }
  }
}

type Asked<A> = A extends Api<infer _QI, infer _A, infer Q, infer _AI> ? Q : never

const spokenVersions = ([...apis.values()] as AnyApi[]).map(({ key, minVersion, maxVersion }) => ({
  apiKey: key,
  minVersion,
  maxVersion,
}))

class FakeBroker {
  port = 0
  readonly #answer: (apiKey: number, request: unknown) => unknown
  readonly #sockets = new Set<net.Socket>()
  #server: net.Server | undefined

  constructor(answer: (apiKey: number, request: unknown) => unknown) {
    this.#answer = answer
  }

  async listen(): Promise<void> {
    this.#server = net.createServer({ noDelay: true }, (socket) => {
      this.#sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => this.#sockets.delete(socket))
      const frames = new FrameReader({ maxFrameBytes: 1 << 24 })
      socket.on('data', (chunk) => frames.push(chunk, (frame) => this.#take(socket, frame)))
    })
    this.#server.listen(this.port, '127.0.0.1')
    await once(this.#server, 'listening')
    this.port = (this.#server.address() as net.AddressInfo).port
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    const server = this.#server
    this.#server = undefined
    if (server === undefined) return
    server.close()
    await once(server, 'close')
  }

  #take(socket: net.Socket, frame: Buffer): void {
    const { apiKey, apiVersion, correlationId, bodyAt } = readRequestHeader(frame)
    const api = apis.get(apiKey) as AnyApi | undefined
    const answer = api && this.#answer(apiKey, api.decodeRequest(new Reader(frame, bodyAt), apiVersion))
    if (api === undefined || answer === undefined) return void socket.destroy()
    const writer = new Writer()
    api.encodeResponse(writer, apiVersion, answer as never)
    const body = Buffer.concat([responseHeaderBytes(apiKey, apiVersion, correlationId), writer.finish()])
    const size = Buffer.alloc(4)
    size.writeInt32BE(body.length)
    socket.write(Buffer.concat([size, body]))
  }
}
