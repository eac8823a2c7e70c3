import type { ClusterConnections } from '@braid/kafka-connection'
import type { FrameMemory, RequestHeader } from '@braid/kafka-protocol'
import { type ClusterRoute, type RouteDelta, type RouteTable, sameConnection } from '@braid/routing-model'
import { dispatch } from './api-table.ts'
import { encodeProduceAnswer } from './apis/00-produce.ts'
import { type ClusterSightings, noSightings } from './cluster-pulses.ts'
import { CommitMirror } from './commit-mirror.ts'
import { FramePool } from './frame-pool.ts'
import { GroupHome } from './home.ts'
import { defaultLimits, type Limits } from './limits.ts'
import { LiveTopic } from './live-topic.ts'
import { type Log, neverThrowing, silent } from './log.ts'
import type { ProducePart } from './produce-part.ts'
import { lostWith } from './route-turns.ts'
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
  /** One of another access point that leads there, for what this one cannot do for now; each time perhaps another's. */
  elsewhere?(cluster: string): ListenerAddress | undefined
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
  /** Whether clusters answer, as far as anybody looks. */
  readonly sightings?: ClusterSightings | undefined
}

export interface TopicCounts {
  readonly topic: string
  /** Records that producers were told are there. */
  readonly acknowledgedRecords: number
  /** Records in answers to consumers. */
  readonly deliveredRecords: number
  /** Batches that wait here for a loglet that takes them. */
  readonly heldBatches: number
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
  /** The way to the tenant's groups. */
  readonly groups: GroupHome
  readonly mirror: CommitMirror
  routes: RouteTable
  /** The version of the routes before the change that is being taken in. */
  versionBefore: number

  readonly #connect: EngineOptions['connect']
  readonly #clusters = new Map<string, { route: ClusterRoute; connections: ClusterConnections }>()
  readonly #topics = new Map<string, LiveTopic>()
  readonly #sessions = new Set<Session>()
  readonly #lease: WriteLease | undefined
  readonly #leaveLease: () => void
  /** Topics with batches that wait for the lease. */
  readonly #awaitingLease = new Set<LiveTopic>()
  /** Topics with batches in flight that departed before one of their loglets went away or came back. */
  readonly #unsettled = new Set<LiveTopic>()
  /** Clusters that are given up for now. */
  #fenced: ReadonlySet<string>
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
    const sightings = options.sightings ?? noSightings
    this.groups = new GroupHome(this, sightings)
    this.mirror = new CommitMirror(this, options.lease, sightings)
    this.#tableMs = this.now()
    this.versionBefore = this.routes.version
    this.#fenced = fencedOf(this.routes)
    this.#lease = options.lease
    this.#leaveLease = options.lease?.onGranted(() => this.#leaseGranted()) ?? (() => {})
  }

  /** Whether topics that fail over may be written to, as far as the write lease goes. */
  get leaseHeld(): boolean {
    return this.#lease === undefined || this.#lease.holds(this.now())
  }

  /** The topic has batches that leave when the lease is granted. */
  awaitLease(topic: LiveTopic): void {
    this.#awaitingLease.add(topic)
  }

  #leaseGranted(): void {
    const waiting = [...this.#awaitingLease]
    this.#awaitingLease.clear()
    for (const topic of waiting) topic.pumpAll()
  }

  /** The topic has batches in flight that departed before one of its loglets went away or came back. */
  unsettled(topic: LiveTopic): void {
    this.#unsettled.add(topic)
  }

  /**
   * A version of the routes such that every batch that departed under an earlier one has its outcome, or its connection
   * is gone. Only versions count in which a loglet went away or came back: the others nobody has to wait for.
   */
  get settledVersion(): number {
    let version = this.routes.version
    for (const topic of this.#unsettled) {
      const unsettled = topic.unsettledVersion
      if (unsettled === undefined) this.#unsettled.delete(topic)
      else version = Math.min(version, unsettled)
    }
    return version
  }

  /** What went through here, by topic, since each is known; a topic that is deleted is left out. */
  counts(): readonly TopicCounts[] {
    return Array.from(
      this.#topics.values(),
      ({ name, acknowledgedRecords, deliveredRecords, heldBatches }) => ({
        topic: name,
        acknowledgedRecords,
        deliveredRecords,
        heldBatches,
      }),
    )
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
    const fencedBefore = this.#fenced
    this.routes = routes
    this.#fenced = fencedOf(routes)
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
    const fencesMoved = this.#fencesMoved(fencedBefore)
    if (fencesMoved.size > 0) for (const topic of this.#topics.values()) topic.refenced()
    // Before anything leaves again: whatever is under way to a cluster that is given up has its outcome now.
    const givenUp = this.#lostIn(changed)
    for (const cluster of fencesMoved) if (this.#fenced.has(cluster)) givenUp.add(cluster)
    for (const cluster of givenUp) this.#cut(cluster)
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
    if (fencesMoved.size > 0) for (const topic of this.#topics.values()) topic.pumpAll()
    this.versionBefore = routes.version
    // Last: who waits for home goes on with the names that topics have there.
    this.mirror.routed()
    this.groups.routed()
  }

  #fencesMoved(before: ReadonlySet<string>): Set<string> {
    const all = new Set([...before, ...this.#fenced])
    return new Set([...all].filter((cluster) => before.has(cluster) !== this.#fenced.has(cluster)))
  }

  /** Clusters that loglets of these topics are lost with, and were not before. */
  #lostIn(changed: readonly string[]): Set<string> {
    const lost = new Set<string>()
    for (const name of changed) {
      const before = this.#topics.get(name)?.route
      const after = this.routes.topic(this.tenant, name)
      if (before === undefined || after === undefined) continue
      for (const cluster of lostWith(before, after)) lost.add(cluster)
    }
    return lost
  }

  /**
   * Ends every connection to a cluster, those of sessions too, so that nobody waits for what it does not answer. The
   * next need opens anew.
   */
  #cut(cluster: string): void {
    const why = 'the cluster was given up'
    const known = this.#clusters.get(cluster)
    if (known === undefined) return
    this.#clusters.delete(cluster)
    known.connections.destroy(why)
    this.log('warn', 'cluster-cut', { cluster, why })
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
    this.#leaveLease()
    for (const session of [...this.#sessions]) {
      session.close()
      session.sink.destroy()
    }
    this.groups.close()
    await this.mirror.close()
    const closing = [...this.#clusters.values()].map(({ connections }) => connections.close())
    this.#clusters.clear()
    await Promise.allSettled(closing)
  }
}

const fencedOf = (routes: RouteTable): ReadonlySet<string> =>
  new Set([...routes.clusters.values()].filter(({ fenced }) => fenced === true).map(({ name }) => name))
