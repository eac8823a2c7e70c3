import type { ActiveState, ProducerState } from './handover.ts'
import type { LiveTopic } from './live-topic.ts'
import type { ProducePart } from './produce-part.ts'
import {
  activeProducers,
  finality,
  findBatch,
  type ReadProducers,
  readProducers,
  withoutStrays,
} from './sealed-producers.ts'

/** What one topic's sealed loglets know of producers, read once each and kept: it is final. */
export class TopicProducers {
  readonly #topic: LiveTopic
  /** Physical topics whose producers are merged, in the order of the chain. */
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

  /** The chain has a new active loglet. Reads the one before, if it was not read ahead. */
  switched(): void {
    // Without idempotent producers nobody asks; with them the held queues do.
    if (this.#ahead !== undefined) this.read().catch(() => {})
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
    for (let again = true; again; ) {
      const { route, active } = this.#topic
      for (let index = 0; index < route.active; index++) {
        const physicalTopic = route.physicalTopic(index)
        if (this.#merged.has(physicalTopic)) continue
        const cluster = engine.cluster(route.cluster(index))
        if (cluster === undefined)
          throw new Error(`cluster ${route.cluster(index)} is not in the route table`)
        const cuts = everyPartition(route.partitions).map((partition) => route.end(index, partition))
        const loglet = await this.#readLoglet(cluster, physicalTopic, cuts)
        loglet.forEach((producers, partition) => {
          const states = this.#states[partition]!
          for (const [pid, state] of producers) states.set(pid, state)
        })
        this.#merged.add(physicalTopic)
      }
      // A switch while reading makes one more loglet to read.
      again = this.#topic.active !== active
    }
    for (let partition = 0; partition < this.#states.length; partition++) {
      this.#topic.producers(partition).sealed = this.#states[partition]!
    }
  }

  async #readLoglet(
    cluster: NonNullable<ReturnType<LiveTopic['engine']['cluster']>>,
    physicalTopic: string,
    cuts: readonly bigint[],
  ): Promise<ReadonlyMap<bigint, ProducerState>[]> {
    const timeoutMs = this.#topic.engine.limits.brokerTimeoutMs
    const final: (ReadonlyMap<bigint, ProducerState> | undefined)[] = cuts.map(() => undefined)
    const take = async (read: Map<number, ReadProducers>) => {
      for (const [partition, producers] of read) {
        if (final[partition] !== undefined) continue
        const cut = cuts[partition]!
        switch (finality(producers, cut)) {
          case 'final':
            final[partition] = producers.producers
            break
          case 'strays':
            final[partition] = await withoutStrays(
              cluster,
              physicalTopic,
              partition,
              cut,
              producers,
              timeoutMs,
            )
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

  /** Whether a sealed loglet knows the producer, among those that were read. */
  knows(partition: number, producerId: bigint): boolean {
    return this.#states[partition]!.has(producerId)
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
   * be looked for (a client treats it as appended at an unknown offset).
   */
  async placeOf(partition: number, part: ProducePart): Promise<bigint> {
    const { engine, route } = this.#topic
    const state = this.#states[partition]!.get(part.producerId)
    if (state === undefined) return -1n
    let index = route.active - 1
    while (index >= 0 && route.physicalTopic(index) !== state.physicalTopic) index--
    const cluster = engine.cluster(state.cluster)
    if (index < 0 || cluster === undefined) return -1n
    const start = route.start(index, partition)
    const physical = await findBatch(
      cluster,
      state.physicalTopic,
      partition,
      { producerId: part.producerId, epoch: part.producerEpoch, sequence: part.baseSequence },
      { from: start, to: route.end(index, partition) },
      engine.limits.duplicateScanMaxBytes,
      engine.limits.brokerTimeoutMs,
    )
    return physical === undefined ? -1n : physical - start + route.base(index, partition)
  }
}

const everyPartition = (partitions: number): number[] =>
  Array.from({ length: partitions }, (_, index) => index)
