import type { TopicRoute } from '@braid/routing-model'
import type { ActiveState, ProducerState } from './handover.ts'
import type { LiveTopic } from './live-topic.ts'
import { logletIndex } from './loglet-index.ts'
import type { ProducePart } from './produce-part.ts'
import {
  activeProducers,
  finality,
  findBatch,
  type ReadProducers,
  readProducers,
  withoutStrays,
} from './sealed-producers.ts'
import { sequenceDistance } from './sequence.ts'

/**
 * What one topic's sealed loglets know of producers, read once each and kept: it is final. Those that are lost cannot be
 * read; of what they know, what was acknowledged here is kept until they return.
 */
export class TopicProducers {
  readonly #topic: LiveTopic
  /** Physical topics whose producers are merged. */
  readonly #merged = new Set<string>()
  /** Per partition, the newest sealed loglet that knows a PID winning. */
  readonly #states: Map<bigint, ProducerState>[]
  #reading: Promise<void> | undefined
  /** Read when the first refusal was seen, before the cut was known. */
  #ahead:
    | { readonly physicalTopic: string; readonly read: Promise<Map<number, ReadProducers> | undefined> }
    | undefined

  constructor(topic: LiveTopic) {
    this.#topic = topic
    this.#states = Array.from({ length: topic.route.partitions }, () => new Map<bigint, ProducerState>())
  }

  /** The loglets that are sealed by now have nothing in the partitions that were added. */
  grow(partitions: number): void {
    while (this.#states.length < partitions) this.#states.push(new Map())
  }

  /** Undefined while a loglet that can be asked was not. */
  sealed(partition: number): ReadonlyMap<bigint, ProducerState> | undefined {
    return this.#unread() === undefined ? this.#states[partition] : undefined
  }

  /** The active loglet refuses: what it knows will be asked for as soon as the switch is known. */
  readAhead(): void {
    const { route, engine, active } = this.#topic
    const cluster = engine.cluster(route.cluster(route.active))
    if (cluster === undefined || this.#ahead?.physicalTopic === active) return
    const read = readProducers(
      cluster,
      active,
      everyPartition(route.partitions),
      engine.limits.brokerTimeoutMs,
    )
    this.#ahead = { physicalTopic: active, read: read.catch(() => undefined) }
  }

  /**
   * The chain has a new active loglet, and `before` is what the one before was known to know. That is read, if it was
   * not read ahead; where it is lost, what was known is all there is.
   */
  switched(
    physicalTopic: string,
    before: Iterable<readonly [partition: number, ReadonlyMap<bigint, ActiveState>]>,
  ): void {
    const { route } = this.#topic
    const index = logletIndex(route, physicalTopic)
    if (index >= 0 && route.away(index)?.state === 'lost') {
      const cluster = route.cluster(index)
      for (const [partition, known] of before) {
        const states = this.#states[partition]!
        for (const [pid, { epoch, lastSequence }] of known)
          states.set(pid, { epoch, lastSequence, cluster, physicalTopic, isFinal: false })
      }
    }
    // Without idempotent producers nobody asks; with them the held queues do.
    if (this.#ahead !== undefined) this.read().catch(() => {})
  }

  /** A lost loglet's broker has answered late that it has this batch. */
  appendedToLost(part: ProducePart, index: number): void {
    const { route } = this.#topic
    const states = this.#states[part.partition]!
    const known = states.get(part.producerId)
    const physicalTopic = route.physicalTopic(index)
    if (this.#merged.has(physicalTopic) || (known !== undefined && known.physicalTopic !== physicalTopic))
      return
    const { producerEpoch: epoch, lastSequence } = part
    if (known?.epoch === epoch && sequenceDistance(known.lastSequence, lastSequence) <= 0) return
    const cluster = route.cluster(index)
    states.set(part.producerId, { epoch, lastSequence, cluster, physicalTopic, isFinal: false })
  }

  /** Reads the sealed loglets that were not read yet. @throws ConnectionError when one cannot be read. */
  read(): Promise<void> {
    this.#reading ??= this.#readAll().finally(() => {
      this.#reading = undefined
    })
    return this.#reading
  }

  async #readAll(): Promise<void> {
    const { engine } = this.#topic
    // A route that changes while one is read may make more loglets to read, or fewer.
    for (let index = this.#unread(); index !== undefined; index = this.#unread()) {
      const { route } = this.#topic
      const physicalTopic = route.physicalTopic(index)
      const cluster = engine.cluster(route.cluster(index))
      if (cluster === undefined) throw new Error(`cluster ${route.cluster(index)} is not in the route table`)
      this.#merge(physicalTopic, await this.#readLoglet(cluster, physicalTopic, cutsOf(route, index)))
    }
    this.#topic.sealedKnown()
  }

  /** The first sealed loglet that can be asked and was not. */
  #unread(): number | undefined {
    const { route } = this.#topic
    for (let index = 0; index < route.active; index++) {
      if (!this.#merged.has(route.physicalTopic(index)) && route.away(index)?.state !== 'lost') return index
    }
    return undefined
  }

  /** Loglets return in any order: what an older one says does not replace what a newer one said. */
  #merge(physicalTopic: string, loglet: readonly ReadonlyMap<bigint, ProducerState>[]): void {
    const { route } = this.#topic
    const own = logletIndex(route, physicalTopic)
    loglet.forEach((producers, partition) => {
      const states = this.#states[partition]!
      for (const [pid, state] of producers) {
        const known = states.get(pid)
        if (known === undefined || logletIndex(route, known.physicalTopic) <= own) states.set(pid, state)
      }
    })
    this.#merged.add(physicalTopic)
  }

  async #readLoglet(
    cluster: NonNullable<ReturnType<LiveTopic['engine']['cluster']>>,
    physicalTopic: string,
    cuts: readonly Cut[],
  ): Promise<ReadonlyMap<bigint, ProducerState>[]> {
    const timeoutMs = this.#topic.engine.limits.brokerTimeoutMs
    const final: (ReadonlyMap<bigint, ProducerState> | undefined)[] = cuts.map(() => undefined)
    const take = async (read: Map<number, ReadProducers>) => {
      for (const [partition, producers] of read) {
        if (final[partition] !== undefined) continue
        const { end, recovered } = cuts[partition]!
        switch (finality(producers, end)) {
          case 'final':
            final[partition] = producers.producers
            break
          case 'strays':
            final[partition] = recovered
              ? producers.producers
              : await withoutStrays(cluster, physicalTopic, partition, end, producers, timeoutMs)
            break
          case 'too-early':
        }
      }
    }
    if (this.#ahead?.physicalTopic === physicalTopic) {
      const read = await this.#ahead.read
      this.#ahead = undefined
      if (read !== undefined) await take(read)
    }
    const missing = everyPartition(cuts.length).filter((partition) => final[partition] === undefined)
    if (missing.length > 0) await take(await readProducers(cluster, physicalTopic, missing, timeoutMs))
    return final.map((producers, partition) => {
      if (producers !== undefined) return producers
      throw new Error(
        `what ${physicalTopic}-${partition} on cluster ${cluster.name} knows of producers could not be read`,
      )
    })
  }

  /**
   * Whether a batch that leaves a gap behind what is known of its producer has one missing before it. Not where nobody
   * knows the producer, nor where what comes before may be in a loglet that is lost.
   */
  provesGap(partition: number, producerId: bigint): boolean {
    const state = this.#states[partition]!.get(producerId)
    if (state?.isFinal !== true) return false
    return !this.#isLostFrom(logletIndex(this.#topic.route, state.physicalTopic) + 1)
  }

  /** Whether one of the sealed loglets from `index` on is lost, and was not read before. */
  #isLostFrom(from: number): boolean {
    const { route } = this.#topic
    for (let index = from; index < route.active; index++) {
      if (route.away(index)?.state === 'lost' && !this.#merged.has(route.physicalTopic(index))) return true
    }
    return false
  }

  /** @throws ConnectionError when the active loglet's leader cannot be asked. */
  activeProducers(partition: number): Promise<ReadonlyMap<bigint, ActiveState>> {
    const { engine, route, active } = this.#topic
    const cluster = engine.cluster(route.cluster(route.active))
    if (cluster === undefined)
      throw new Error(`cluster ${route.cluster(route.active)} is not in the route table`)
    return activeProducers(cluster, active, partition, engine.limits.brokerTimeoutMs)
  }

  /**
   * The logical offset of a batch that landed in a sealed loglet; -1n when it stands too far from the end to
   * be looked for, or where nobody can look (a client treats it as appended at an unknown offset).
   */
  async placeOf(partition: number, part: ProducePart): Promise<bigint> {
    const { engine, route } = this.#topic
    const state = this.#states[partition]!.get(part.producerId)
    if (state === undefined) return -1n
    const index = logletIndex(route, state.physicalTopic)
    // If a later one that is lost has it too, that is where it will stand.
    if (index < 0 || route.away(index)?.state === 'lost' || this.#isLostFrom(index)) return -1n
    // What was written again while this one was lost stands in the active one.
    const active = this.#topic.producers(partition).active(part.producerId)
    if (active?.epoch === part.producerEpoch && isBeforeGap(route, index, partition)) return -1n
    const cluster = engine.cluster(state.cluster)
    if (cluster === undefined) return -1n
    const start = route.start(index, partition)
    const end = route.end(index, partition)
    const physical = await findBatch(
      cluster,
      state.physicalTopic,
      partition,
      { producerId: part.producerId, epoch: part.producerEpoch, sequence: part.baseSequence },
      { from: start, to: end },
      engine.limits.duplicateScanMaxBytes,
      engine.limits.brokerTimeoutMs,
    )
    // Behind the cut it was copied on, and in a hole it was written again: it stands at another offset.
    const isHere =
      physical !== undefined && physical < end && route.pastHole(index, partition, physical) === physical
    return isHere ? physical - start + route.base(index, partition) : -1n
  }
}

/** Where a loglet ends in a partition, physically. */
interface Cut {
  readonly end: bigint
  /**
   * It was lost and has returned: what stands behind its cut was copied to a later loglet, so whoever wrote it must not
   * write it again. Behind the cut of one that was never lost stand strays, which were not acknowledged.
   */
  readonly recovered: boolean
}

const cutsOf = (route: TopicRoute, index: number): Cut[] =>
  everyPartition(route.partitions).map((partition) => ({
    end: route.end(index, partition),
    recovered: isBeforeGap(route, index, partition),
  }))

/** Only a loglet that is or was lost is followed by a gap. */
function isBeforeGap(route: TopicRoute, index: number, partition: number): boolean {
  const records = route.end(index, partition) - route.start(index, partition)
  return route.base(index, partition) + records < route.base(index + 1, partition)
}

const everyPartition = (partitions: number): number[] =>
  Array.from({ length: partitions }, (_, index) => index)
