import type { ClusterConnections } from '@braid/kafka-connection'
import type { FrameMemory, RequestHeader } from '@braid/kafka-protocol'
import { type ClusterRoute, type RouteDelta, type RouteTable, sameConnection } from '@braid/routing-model'
import { dispatch } from './api-table.ts'
import { encodeProduceAnswer } from './apis/00-produce.ts'
import { FramePool } from './frame-pool.ts'
import { defaultLimits, type Limits } from './limits.ts'
import { LiveTopic } from './live-topic.ts'
import { type Log, neverThrowing, silent } from './log.ts'
import type { ProducePart } from './produce-part.ts'
import { type ByteSink, Session } from './session.ts'
import type { TopicAdmin } from './topic-admin.ts'
import type { WriteLease } from './write-lease.ts'

/** An address that clients' metadata names as a broker. */
export interface ListenerAddress {
  readonly nodeId: number
  readonly host: string
  readonly port: number
}

/** Which listeners clients are told of. Hints: any listener serves any partition. */
export interface Listeners {
  /** The listener of this access point that leads to a cluster first. */
  towards(cluster: string): ListenerAddress | undefined
  /** Every listener, also those of other access points. */
  all(): readonly ListenerAddress[]
}

export interface EngineOptions {
  /** Whose topics these are. */
  readonly tenant: string
  /** The table in force. Whoever changes it calls `routesChanged`. */
  readonly routes: RouteTable
  /** Makes the connections towards a cluster; `memory` is where they read long answers to. */
  readonly connect: (cluster: ClusterRoute, memory: FrameMemory) => ClusterConnections
  readonly listeners: Listeners
  readonly admin: TopicAdmin
  readonly limits?: Partial<Limits>
  readonly log?: Log
  /** Milliseconds of a clock that never goes back. */
  readonly now?: () => number
  /** Fills with random bytes; producer ids are made of them. */
  readonly randomBytes: (size: number) => Buffer
  /** The right to write to topics that fail over; absent: always held, for callers whose routes have no such topics. */
  readonly lease?: WriteLease | undefined
}

/**
 * The data plane: requests of clients in, requests to clusters out, one answer back. It never learns where
 * its bytes come from; sockets, KafkaJS in the process and tests all feed sessions.
 */
export class Engine {
  readonly tenant: string
  readonly listeners: Listeners
  readonly admin: TopicAdmin
  readonly limits: Limits
  readonly log: Log
  readonly now: () => number
  readonly randomBytes: (size: number) => Buffer
  /** Memory of long requests and answers: given back when a produce is answered, and a fetch's answer sent. */
  readonly frames: FramePool
  routes: RouteTable

  readonly #connect: EngineOptions['connect']
  readonly #clusters = new Map<string, { route: ClusterRoute; connections: ClusterConnections }>()
  readonly #topics = new Map<string, LiveTopic>()
  readonly #sessions = new Set<Session>()
  /** When producer ids were given out, and when routes came into force. */
  readonly #minted = new Map<bigint, number>()
  readonly #routedMs = new Map<string, number>()
  #tableMs: number
  #arrivals = 0

  constructor(options: EngineOptions) {
    this.tenant = options.tenant
    this.routes = options.routes
    this.listeners = options.listeners
    this.admin = options.admin
    this.limits = { ...defaultLimits, ...options.limits }
    this.log = options.log === undefined ? silent : neverThrowing(options.log)
    this.now = options.now ?? (() => performance.now())
    this.randomBytes = options.randomBytes
    this.frames = new FramePool(this.limits.framePoolMaxBytes)
    this.#connect = options.connect
    this.#tableMs = this.now()
  }

  openSession(sink: ByteSink): Session {
    const session = new Session(this, sink)
    this.#sessions.add(session)
    return session
  }

  forgetSession(session: Session): void {
    this.#sessions.delete(session)
  }

  get sessions(): number {
    return this.#sessions.size
  }

  /** The connections towards a cluster of the route table; undefined: no such cluster. */
  cluster(name: string): ClusterConnections | undefined {
    const known = this.#clusters.get(name)
    if (known !== undefined) return known.connections
    const route = this.routes.clusters.get(name)
    if (route === undefined) return undefined
    const connections = this.#connect(route, this.frames)
    this.#clusters.set(name, { route, connections })
    return connections
  }

  /** The cluster that coordinates the tenant's groups; undefined while the route table names none. */
  home(): ClusterConnections | undefined {
    const tenant = this.routes.tenants.get(this.tenant)
    return tenant === undefined ? undefined : this.cluster(tenant.home)
  }

  /** A topic that clients see; undefined: there is none of that name. */
  topic(name: string): LiveTopic | undefined {
    const live = this.#topics.get(name)
    if (live !== undefined) return live
    const route = this.routes.topic(this.tenant, name)
    if (route === undefined) return undefined
    const topic = new LiveTopic(this, route)
    this.#topics.set(name, topic)
    return topic
  }

  /** The table has changed; `delta` undefined: it is another table. */
  routesChanged(routes: RouteTable, delta: RouteDelta | undefined): void {
    this.routes = routes
    for (const [name, { route, connections }] of this.#clusters) {
      const now = routes.clusters.get(name)
      if (now !== undefined && sameConnection(now, route)) continue
      this.#clusters.delete(name)
      connections.close().catch(() => {})
    }
    const changed =
      delta === undefined
        ? [...this.#topics.keys()]
        : [...(delta.topics ?? []), ...(delta.removedTopics ?? [])].map((topic) => topic.name)
    const now = this.now()
    if (delta === undefined) {
      this.#tableMs = now
      this.#routedMs.clear()
    }
    for (const name of changed) {
      if (routes.topic(this.tenant, name) === undefined) this.#routedMs.delete(name)
      else this.#routedMs.set(name, now)
      const live = this.#topics.get(name)
      if (live === undefined) continue
      const route = routes.topic(this.tenant, name)
      if (route === undefined || route.id !== live.route.id) {
        this.#topics.delete(name)
        live.remove()
      } else if (route !== live.route) live.rerouted(route)
    }
  }

  /** A producer id was given out here. */
  minted(producerId: bigint): void {
    if (this.#minted.size >= this.limits.mintedProducersMax) {
      this.#minted.delete(this.#minted.keys().next().value!)
    }
    this.#minted.set(producerId, this.now())
  }

  /** Whether the producer id was made here, and after the topic came to where it is. */
  mintedSince(producerId: bigint, topic: string): boolean {
    const mintedMs = this.#minted.get(producerId)
    return mintedMs !== undefined && mintedMs > (this.#routedMs.get(topic) ?? this.#tableMs)
  }

  nextArrival(): number {
    return ++this.#arrivals
  }

  /** A request of a client. */
  dispatch(session: Session, header: RequestHeader, frame: Buffer): void {
    dispatch(session, header, frame)
  }

  /** A batch has its outcome; with the last one of a request the client is answered. */
  finish(part: ProducePart, error: number, message: string | null = null): void {
    part.error = error
    if (message !== null) part.errorMessage = message
    const { call } = part
    if (--call.open > 0) return
    call.session.complete(call, call.acks === 0 ? [] : encodeProduceAnswer(call))
    // Every batch was answered or never left, so no socket refers to the request's bytes any more.
    this.frames.give(call.frame)
  }

  /** Ends every session and every connection. Bounded by the connections' own close. */
  async close(): Promise<void> {
    for (const session of [...this.#sessions]) {
      session.close()
      session.sink.destroy()
    }
    const closing = [...this.#clusters.values()].map(({ connections }) => connections.close())
    this.#clusters.clear()
    await Promise.allSettled(closing)
  }
}
