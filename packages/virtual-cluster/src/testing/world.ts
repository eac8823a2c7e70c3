import type { ClusterConnections } from '@braid/kafka-connection'
import { encodeBatch, produce } from '@braid/kafka-protocol'
import { type RouteDelta, RouteTable, TopicRoute } from '@braid/routing-model'
import { Engine, type Listeners } from '../engine.ts'
import type { Limits } from '../limits.ts'
import type { TopicAdmin } from '../topic-admin.ts'
import type { WriteLease } from '../write-lease.ts'
import { dataApis } from './broker-apis.ts'
import { FakeConnections } from './fake-connections.ts'
import { FakeKafka } from './fake-kafka.ts'
import type { FakeLog } from './fake-log.ts'
import type { TestClient } from './test-client.ts'

export interface LogLine {
  readonly level: string
  readonly event: string
  readonly fields: Readonly<Record<string, unknown>>
}

/** An engine with its own, perhaps older, copy of the routes. */
export class TestEngine {
  readonly engine: Engine
  readonly lease: WriteLease | undefined
  readonly lines: LogLine[] = []
  readonly connections = new Map<string, FakeConnections>()
  readonly #table: RouteTable
  readonly #coming: RouteDelta[] = []

  constructor(world: World, limits: Partial<Limits>, admin: TopicAdmin, lease: WriteLease | undefined) {
    this.lease = lease
    this.#table = world.table.copy()
    this.engine = new Engine({
      tenant: 'default',
      routes: this.#table,
      connect: ({ name }) => {
        const connections = new FakeConnections(world.kafka(name))
        this.connections.set(name, connections)
        return connections as unknown as ClusterConnections
      },
      listeners,
      admin,
      limits,
      log: (level, event, fields) => this.lines.push({ level, event, fields }),
      now: () => Date.now(),
      randomBytes: (size) => Buffer.alloc(size, 7),
      lease,
    })
  }

  tell(delta: RouteDelta): void {
    this.#coming.push(delta)
  }

  /** The next change of routes that this engine has not heard of. False: there is none. */
  learnNext(): boolean {
    const delta = this.#coming.shift()
    if (delta === undefined) return false
    this.#table.apply(delta)
    this.engine.routesChanged(this.#table, delta)
    return true
  }

  learnAll(): void {
    while (this.learnNext()) {}
  }

  /** As after a time without news: another table, of the newest version. */
  learnAtOnce(): void {
    for (const delta of this.#coming.splice(0)) this.#table.apply(delta)
    this.engine.routesChanged(this.#table, undefined)
  }

  get behind(): number {
    return this.#coming.length
  }

  logged(event: string): LogLine[] {
    return this.lines.filter((line) => line.event === event)
  }
}

/** Clusters in memory, the control plane's routes over them, and access points that hear of changes when told. */
export class World {
  readonly table: RouteTable
  readonly engines: TestEngine[] = []
  readonly #kafkas = new Map<string, FakeKafka>()

  constructor(options: { readonly clusters?: readonly string[]; readonly brokers?: number } = {}) {
    const names = options.clusters ?? ['a', 'b', 'c']
    for (const name of names) {
      const kafka = new FakeKafka(name, options.brokers ?? 1)
      dataApis(kafka)
      this.#kafkas.set(name, kafka)
    }
    this.table = RouteTable.fromJSON({
      version: 1,
      clusters: names.map((name, index) => ({ name, number: index + 1, bootstrap: [`${name}:9092`] })),
      tenants: [{ name: 'default', home: names[0]! }],
      accessPoints: [],
      topics: [],
    })
  }

  kafka(name: string): FakeKafka {
    return this.#kafkas.get(name)!
  }

  get kafkas(): Iterable<FakeKafka> {
    return this.#kafkas.values()
  }

  /** Without a lease, an engine that always holds it. */
  engine(limits: Partial<Limits> = {}, admin: TopicAdmin = noAdmin, lease?: WriteLease): TestEngine {
    const engine = new TestEngine(this, limits, admin, lease)
    this.engines.push(engine)
    return engine
  }

  createTopic(name: string, partitions = 1, cluster = 'a', maxMessageBytes = 1_048_588): void {
    const topic = `${name}.0`
    this.kafka(cluster).createTopic(topic, partitions)
    this.change(
      TopicRoute.create({
        tenant: 'default',
        name,
        id: `id-${name}`,
        partitions,
        maxMessageBytes,
        homeTopic: topic,
        cluster,
        topic,
      }),
    )
  }

  route(name: string): TopicRoute {
    return this.table.topic('default', name)!
  }

  seal(name: string): void {
    const route = this.route(name)
    this.kafka(route.cluster(route.active)).seal(route.physicalTopic(route.active))
  }

  unseal(name: string): void {
    const route = this.route(name)
    this.kafka(route.cluster(route.active)).unseal(route.physicalTopic(route.active))
  }

  /** Where the log ends now is the cut; engines hear of it by `learn`. */
  switchTo(name: string, cluster: string, gap = 0n): void {
    const route = this.route(name)
    const cuts = Array.from({ length: route.partitions }, (_, p) => this.log(name, route.active, p).end)
    const topic = this.createNext(name, cluster)
    this.change(route.sealedAndAppended(cuts, { cluster, topic }, gap))
  }

  /** A fresh physical topic for the next loglet. */
  createNext(name: string, cluster: string): string {
    const route = this.route(name)
    const topic = `${name}.${Number(route.physicalTopic(route.active).split('.').at(-1)) + 1}`
    this.kafka(cluster).createTopic(topic, route.partitions)
    return topic
  }

  retireFirst(name: string): void {
    this.change(this.route(name).retiredFirst())
  }

  removeTopic(name: string): void {
    this.publish({ removedTopics: [{ tenant: 'default', name }] })
  }

  change(route: TopicRoute): void {
    this.publish({ topics: [route.toJSON()] })
  }

  /** All engines hear of every change. */
  learnAll(): void {
    for (const engine of this.engines) engine.learnAll()
  }

  log(name: string, index: number, partition: number): FakeLog {
    const route = this.route(name)
    return this.kafka(route.cluster(index)).partition(route.physicalTopic(index), partition)
  }

  /** Engines hear of it by `learn`. */
  publish(change: Omit<RouteDelta, 'from' | 'to'>): void {
    const delta = { ...change, from: this.table.version, to: this.table.version + 1 }
    this.table.apply(delta)
    for (const engine of this.engines) engine.tell(delta)
  }
}

export const listeners: Listeners = {
  towards: (cluster) => ({ nodeId: cluster.charCodeAt(0), host: `${cluster}.test`, port: 9092 }),
  all: () => ['a', 'b', 'c'].map((cluster) => listeners.towards(cluster)!),
  elsewhere: (cluster) => ({ nodeId: 1_000 + cluster.charCodeAt(0), host: `${cluster}.other`, port: 9092 }),
}

const noAdmin: TopicAdmin = {
  createTopic: () => Promise.reject(new Error('no topics are made here')),
  deleteTopic: () => Promise.reject(new Error('no topics are deleted here')),
}

/** A batch of `count` records whose values are `value`, `value+1`, ... */
export function batch(options: {
  readonly pid?: bigint
  readonly epoch?: number
  readonly sequence?: number
  readonly values?: readonly string[]
}): Buffer {
  const { pid, epoch = 0, sequence = 0, values = ['v'] } = options
  return encodeBatch({
    records: values.map((value) => ({ value: Buffer.from(value) })),
    ...(pid !== undefined && { producerId: pid, producerEpoch: epoch, baseSequence: sequence }),
  })
}

export interface Produced {
  readonly error: number
  readonly offset: bigint
  readonly message: string | null
}

/** Produces one batch to one partition and waits for its outcome. */
export async function produceTo(
  client: TestClient,
  topic: string,
  partition: number,
  records: Buffer,
  options: { readonly acks?: number; readonly version?: number } = {},
): Promise<Produced> {
  const answer = await client.ask(produce, options.version ?? 8, {
    transactionalId: null,
    acks: options.acks ?? -1,
    timeoutMs: 1_000,
    topicData: [{ name: topic, partitionData: [{ index: partition, records }] }],
  })
  const { errorCode, baseOffset, errorMessage } = answer.responses[0]!.partitionResponses[0]!
  return { error: errorCode, offset: baseOffset, message: errorMessage }
}
