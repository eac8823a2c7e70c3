import { errorCodes } from '@braid/kafka-protocol'
import type { TopicRoute } from '@braid/routing-model'
import { Departures } from './departures.ts'
import type { Engine } from './engine.ts'
import { forward } from './forward.ts'
import { type ActiveState, judgeNow, PartitionProducers } from './handover.ts'
import { HeldQueue } from './held.ts'
import { logletIndex } from './loglet-index.ts'
import { PassedRanges } from './passed-ranges.ts'
import type { ProducePart } from './produce-part.ts'
import { meaningOf } from './refusal.ts'
import { hasTurned } from './route-turns.ts'
import type { Session } from './session.ts'
import { TopicProducers } from './topic-producers.ts'

/** How a batch's journey to a broker ended, seen from the access point. */
export type SendOutcome =
  | { readonly kind: 'answered'; readonly error: number }
  /** The connection was lost; `sent` says whether the broker may have read the batch. */
  | { readonly kind: 'lost'; readonly sent: boolean; readonly message: string }

/**
 * What the engine keeps of one topic besides its route: the order of its batches.
 *
 * A partition's batches go to one loglet at a time. A batch for the next loglet leaves only when the batches
 * that went to the one before are all answered, so a switch never reorders what came through one access
 * point, whichever listener it came by.
 *
 * A topic that fails over is written to only while the write lease is held and its cluster is not given up.
 */
export class LiveTopic {
  readonly engine: Engine
  readonly name: string
  route: TopicRoute
  /** Names the active loglet's physical topic; compared by identity on the hot path. */
  active: string
  /** Sessions that produced to this topic, to warm their connections before a switch. */
  readonly writers = new Set<Session>()
  /** Fetches that wait, woken when what they wait for is elsewhere. */
  readonly waitingFetches = new Set<{ wake(): void; isElsewhere(topic: LiveTopic): boolean }>()
  /** Last high watermark seen, logical, per partition. */
  highWatermarks: BigInt64Array
  readonly producersOfSealed: TopicProducers
  readonly passed = new PassedRanges()
  removed = false
  /** It fails over: writing to it takes the lease. */
  leased: boolean
  /** The active loglet's cluster is given up for now. */
  fenced = false
  /** Records that producers were told are there, and records in answers to consumers, since this topic is known. */
  acknowledgedRecords = 0
  deliveredRecords = 0

  readonly #departures: Departures
  readonly #held: (HeldQueue | undefined)[]
  readonly #producers: (PartitionProducers | undefined)[]
  #heldBytes = 0
  #heldCount = 0
  readonly #blocked = new Set<Session>()
  #refusedSinceMs = 0
  #refusedBatches = 0

  constructor(engine: Engine, route: TopicRoute) {
    this.engine = engine
    this.name = route.name
    this.route = route
    this.active = route.physicalTopic(route.active)
    this.highWatermarks = new BigInt64Array(route.partitions)
    this.leased = route.failover !== 'none'
    this.#departures = new Departures(route.partitions)
    this.#held = new Array<HeldQueue | undefined>(route.partitions).fill(undefined)
    this.#producers = new Array<PartitionProducers | undefined>(route.partitions).fill(undefined)
    this.producersOfSealed = new TopicProducers(this)
    this.refenced()
  }

  producers(partition: number): PartitionProducers {
    let known = this.#producers[partition]
    if (known === undefined) {
      known = new PartitionProducers(
        this.engine.limits.knownProducersMaxPerPartition,
        this.producersOfSealed.sealed(partition),
      )
      this.#producers[partition] = known
    }
    return known
  }

  inflight(partition: number): number {
    return this.#departures.inflight(partition)
  }

  /** Whether the batches in flight went to another loglet than the one that is active now. */
  inflightElsewhere(partition: number): boolean {
    return this.#departures.elsewhere(partition, this.active)
  }

  /** The route version until which a loglet was away, or there, with batches in flight that still are. */
  get unsettledVersion(): number | undefined {
    return this.#departures.unsettledVersion
  }

  /** Nothing may be written to it now: it fails over, and the lease is not held or its cluster is given up. */
  get barred(): boolean {
    return this.leased && (this.fenced || !this.engine.leaseHeld)
  }

  /** Looks up whether the active loglet's cluster is given up. */
  refenced(): void {
    this.fenced = this.engine.routes.clusters.get(this.route.cluster(this.route.active))?.fenced === true
  }

  /**
   * A batch has come. True: it may leave at once, and is counted as in flight. False: it is held, in order,
   * or it has its outcome already.
   */
  admit(part: ProducePart): boolean {
    const partition = part.partition
    const held = this.#held[partition]
    if (held !== undefined) {
      this.hold(part)
      held.pump()
      return false
    }
    if (this.inflightElsewhere(partition) || !this.#mayLeave(part)) {
      this.hold(part)
      this.#held[partition]!.pump()
      return false
    }
    this.depart(part)
    return true
  }

  /** The quick checks of the hot path; the held queue works out what to do when one of them fails. */
  #mayLeave(part: ProducePart): boolean {
    if (this.barred) return false
    if (part.idempotent && judgeNow(this, part) !== 'forward') return false
    const connections = this.engine.cluster(this.route.cluster(this.route.active))
    if (connections === undefined) return false
    part.brokerId = connections.leader(this.active, part.partition)
    return part.brokerId >= 0
  }

  /** Counts a batch as in flight to the active loglet. */
  depart(part: ProducePart): void {
    this.#departures.depart(part, this.active)
    if (part.idempotent) {
      const producers = this.producers(part.partition)
      part.introduces = !producers.knownToActive(part.producerId)
      if (part.introduces) producers.introduce(part.producerId)
    }
  }

  hold(part: ProducePart): void {
    const session = part.call.session
    let held = this.#held[part.partition]
    if (held === undefined) {
      held = new HeldQueue(this, part.partition)
      this.#held[part.partition] = held
    }
    if (part.heldSinceMs === 0) part.heldSinceMs = this.engine.now()
    held.insert(part)
    this.#heldCount++
    this.#heldBytes += part.records.length
    if (this.#heldBytes > this.engine.limits.heldMaxBytesPerTopic && !this.#blocked.has(session)) {
      this.#blocked.add(session)
      session.block()
    }
  }

  /** A batch has left the held queue, to a broker or to its outcome. */
  unheld(part: ProducePart): void {
    this.#heldCount--
    this.#heldBytes -= part.records.length
    if (this.#blocked.size > 0 && this.#heldBytes <= this.engine.limits.heldMaxBytesPerTopic / 2) {
      for (const session of this.#blocked) session.unblock()
      this.#blocked.clear()
    }
  }

  /** A queue that a late answer pumps once more must not take away the one that came after it. */
  emptied(partition: number, queue: HeldQueue): void {
    if (this.#held[partition] === queue) this.#held[partition] = undefined
  }

  get heldBatches(): number {
    return this.#heldCount
  }

  /** A batch that was in flight is accounted for: with its outcome, or back in the queue. */
  arrived(part: ProducePart, outcome: SendOutcome, physicalOffset: bigint): void {
    const partition = part.partition
    this.#departures.arrived(part)
    if (part.introduces) {
      part.introduces = false
      this.producers(partition).introduced(part.producerId)
    }
    if (outcome.kind === 'answered' && outcome.error === 0) this.#appended(part, physicalOffset)
    else if (part.call.session.closed) this.engine.finish(part, errorCodes.NETWORK_EXCEPTION)
    else if (this.removed) this.engine.finish(part, errorCodes.UNKNOWN_TOPIC_OR_PARTITION)
    else this.#refused(part, outcome)
    const held = this.#held[partition]
    if (held !== undefined) held.pump()
  }

  #appended(part: ProducePart, physicalOffset: bigint): void {
    const { route, active } = this
    const index = part.sentTo === active ? route.active : logletIndex(route, part.sentTo)
    if (index < 0) {
      // The loglet was retired between the append and its answer. Retired means emptied by retention.
      this.engine.finish(part, errorCodes.UNKNOWN_SERVER_ERROR)
      return
    }
    if (index < route.active && this.#isBeyond(index, part, physicalOffset)) {
      // Appended beyond the cut: no loglet holds it, so it is not acknowledged but written again.
      this.engine.log('warn', 'append-beyond-cut', {
        topic: this.name,
        partition: part.partition,
        physicalTopic: part.sentTo,
        physicalOffset,
        cut: route.end(index, part.partition),
      })
      this.hold(part)
      return
    }
    if (index === route.active) {
      // It was held, and is taken now: if the loglet was sealed, the migration was rolled back.
      if (part.heldSinceMs !== 0) this.#unsealed(part.partition)
      if (part.idempotent) {
        this.producers(part.partition).rememberActive(
          part.producerId,
          part.producerEpoch,
          part.lastSequence,
          part.recordCount,
        )
      }
    } else if (part.idempotent && route.away(index)?.state === 'lost') {
      this.producersOfSealed.appendedToLost(part, index)
    }
    part.baseOffset = physicalOffset - route.start(index, part.partition) + route.base(index, part.partition)
    this.acknowledged(part)
  }

  /** Whether a sealed loglet ends before the batch. One that is lost reaches to the next one's base, for all we know. */
  #isBeyond(index: number, part: ProducePart, physicalOffset: bigint): boolean {
    const { route } = this
    const { partition } = part
    const end = route.end(index, partition)
    if (end >= 0n) return physicalOffset >= end
    const next = physicalOffset + BigInt(part.recordCount) - route.start(index, partition)
    return next + route.base(index, partition) > route.base(index + 1, partition)
  }

  /** A producer is told that its batch is there. */
  acknowledged(part: ProducePart): void {
    this.acknowledgedRecords += part.recordCount
    this.engine.finish(part, 0)
  }

  #refused(part: ProducePart, outcome: SendOutcome): void {
    const decision = meaningOf(this, part, outcome)
    if (decision === 'give-up') {
      const error = outcome.kind === 'answered' ? outcome.error : errorCodes.NETWORK_EXCEPTION
      this.engine.finish(part, error, outcome.kind === 'lost' ? outcome.message : null)
      return
    }
    this.hold(part)
    const held = this.#held[part.partition]!
    if (decision === 'sealed') {
      held.sealedBy(part.sentTo)
      // A refusal that comes after the switch says nothing of the loglet that is active now.
      if (part.sentTo === this.active) this.#sealSeen(part.sentTo)
    } else if (decision === 'retry' && part.sentTo === this.active) held.backOff()
  }

  #sealSeen(physicalTopic: string): void {
    this.#refusedBatches++
    if (this.#refusedSinceMs !== 0) return
    this.#refusedSinceMs = this.engine.now()
    this.engine.log('info', 'refused', { topic: this.name, physicalTopic })
    // Read ahead what the sealed loglet knows of producers: it is needed as soon as the switch is known.
    this.producersOfSealed.readAhead()
  }

  #unsealed(partition: number): void {
    this.#refusedSinceMs = 0
    this.#refusedBatches = 0
    this.#held[partition]?.unsealed()
  }

  /** Partitions are only ever added. */
  #grow(partitions: number): void {
    const highWatermarks = new BigInt64Array(partitions)
    highWatermarks.set(this.highWatermarks)
    this.highWatermarks = highWatermarks
    this.#departures.grow(partitions)
    for (let partition = this.#held.length; partition < partitions; partition++) {
      this.#held.push(undefined)
      this.#producers.push(undefined)
    }
    this.producersOfSealed.grow(partitions)
  }

  /** A newer route of this topic is in force. */
  rerouted(route: TopicRoute): void {
    const before = this.route
    this.route = route
    if (route.partitions > before.partitions) this.#grow(route.partitions)
    this.leased = route.failover !== 'none'
    this.refenced()
    if (route.prepared !== undefined && route.prepared.topic !== before.prepared?.topic) {
      this.#warm(route.prepared.cluster, route.prepared.topic)
    }
    const turned = hasTurned(before, route)
    if (turned && this.#departures.turned(this.engine.versionBefore)) this.engine.unsettled(this)
    if (route.physicalTopic(route.active) !== this.active) this.#switched(before)
    else if (turned || route.depth !== before.depth) this.sealedKnown()
    for (const fetch of [...this.waitingFetches]) if (fetch.isElsewhere(this)) fetch.wake()
    this.pumpAll()
  }

  /** There is another active loglet. */
  #switched(before: TopicRoute): void {
    const { route } = this
    const refusedSinceMs = this.#refusedSinceMs
    if (refusedSinceMs !== 0) {
      this.engine.log('info', 'switch', {
        topic: this.name,
        from: before.cluster(before.active),
        to: route.cluster(route.active),
        refusalToSwitchMs: Math.round((this.engine.now() - refusedSinceMs) * 100) / 100,
        refusedBatches: this.#refusedBatches,
        heldBatches: this.#heldCount,
      })
    }
    this.#refusedSinceMs = 0
    this.#refusedBatches = 0
    const from = this.active
    this.active = route.physicalTopic(route.active)
    const known: [number, ReadonlyMap<bigint, ActiveState>][] = []
    for (const [partition, producers] of this.#producers.entries()) {
      if (producers !== undefined) known.push([partition, producers.switched()])
    }
    this.producersOfSealed.switched(from, known)
    this.sealedKnown()
    for (const held of this.#held) held?.switched()
  }

  /** What the sealed loglets know of producers is read, or there are others to read. */
  sealedKnown(): void {
    for (const [partition, producers] of this.#producers.entries()) {
      if (producers !== undefined) producers.sealed = this.producersOfSealed.sealed(partition)
    }
  }

  /** Lets every held partition go on, and sends what may leave together. */
  pumpAll(): void {
    if (this.#heldCount === 0) return
    const leaving: ProducePart[] = []
    for (const held of this.#held) held?.pump(leaving)
    if (leaving.length > 0) forward(this.engine, leaving)
  }

  /** The topic was deleted: what waits is answered. */
  remove(): void {
    this.removed = true
    for (const held of this.#held) held?.failAll(errorCodes.UNKNOWN_TOPIC_OR_PARTITION)
    for (const fetch of [...this.waitingFetches]) fetch.wake()
  }

  /** Metadata and connections for where the topic goes next; whatever fails here is met again in time. */
  #warm(cluster: string, physicalTopic: string): void {
    const connections = this.engine.cluster(cluster)
    if (connections === undefined) return
    connections.refreshMetadata([physicalTopic]).then(
      () => {
        const leaders = new Set<number>()
        for (let partition = 0; partition < this.route.partitions; partition++) {
          leaders.add(connections.leader(physicalTopic, partition))
        }
        leaders.delete(-1)
        for (const session of this.writers) {
          for (const leader of leaders) session.upstreams.warm('produce', cluster, leader)
        }
      },
      () => {},
    )
  }
}
