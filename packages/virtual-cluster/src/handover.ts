import type { LiveTopic } from './live-topic.ts'
import type { ProducePart } from './produce-part.ts'
import { laterBy, nextSequence, sequenceDistance } from './sequence.ts'

/**
 * Exactly once across a cut.
 *
 * A broker knows a producer by (PID, epoch, sequence); a new cluster does not know the PID and accepts any
 * first sequence. So the newest sealed loglet that knows the PID decides what may come next. What a sealed
 * loglet knows is final, and kept.
 */
export interface ProducerState {
  readonly epoch: number
  readonly lastSequence: number
  /** The physical topic (a sealed loglet) that knows it, and its cluster. */
  readonly cluster: string
  readonly physicalTopic: string
  /** False: it knows at least this. Its cluster was lost, and this is what was acknowledged here. */
  readonly isFinal: boolean
}

export type Verdict =
  /** Send it to the active loglet; its broker enforces the order from here. */
  | 'forward'
  /** At or below the last sequence: it landed before the cut. */
  | 'landed'
  /** Earlier batches of this producer are still on their way. */
  | 'gap'
  /** Only the active loglet's broker can tell: ask it. */
  | 'ask'
  /** An older epoch than the one that wrote last. */
  | 'fenced'

/** What the active loglet's broker was last known to know of a producer. */
export interface ActiveState {
  readonly epoch: number
  readonly lastSequence: number
  /** So many sequences up to the last are known to be there. */
  readonly records: number
}

/**
 * What the sealed loglets say of a batch. `active`: what the active loglet's broker knows of this producer, which
 * then enforces the order itself; null: it does not know it; undefined: it was not asked.
 */
export function judge(
  sealed: ProducerState | undefined,
  batch: { readonly epoch: number; readonly sequence: number },
  active: ActiveState | null | undefined,
): Verdict {
  if (sealed === undefined) {
    // Known nowhere: a broker would take any sequence, but a producer starts at 0, so others are on their way.
    if (batch.sequence === 0) return 'forward'
  } else if (batch.epoch < sealed.epoch) return 'fenced'
  else if (batch.epoch > sealed.epoch) {
    // After an epoch bump only sequence 0 may come first; the broker that knows the epoch enforces the rest.
    if (batch.sequence === 0) return 'forward'
  } else {
    const distance = sequenceDistance(nextSequence(sealed.lastSequence), batch.sequence)
    if (distance === 0) return 'forward'
    if (distance < 0) return reached(active, batch) ? 'forward' : 'landed'
  }
  if (active) return 'forward'
  return active === undefined ? 'ask' : 'gap'
}

/**
 * Whether the batch follows what the active loglet has, or is among it: then its broker keeps the order, and tells a
 * repetition. Also where the sealed loglets would say otherwise, because sequences come round after 2^31 records.
 */
export function reached(
  active: ActiveState | null | undefined,
  batch: { readonly epoch: number; readonly sequence: number },
): boolean {
  if (!active || active.epoch !== batch.epoch) return false
  const ahead = sequenceDistance(nextSequence(active.lastSequence), batch.sequence)
  return ahead >= 0 || -ahead <= active.records
}

/** What one partition knows of its producers across the chain. */
export class PartitionProducers {
  /**
   * From the sealed loglets, the newest that knows a PID winning. Undefined while one that can be asked was not: then
   * only what follows the active loglet's last may go there.
   */
  sealed: ReadonlyMap<bigint, ProducerState> | undefined
  /** PIDs that the active loglet's broker is known to know. Oldest forgotten first. */
  #active = new Map<bigint, KnownProducer>()
  readonly #activeMax: number

  constructor(activeMax: number, sealed?: ReadonlyMap<bigint, ProducerState>) {
    this.#activeMax = activeMax
    this.sealed = sealed
  }

  active(producerId: bigint): ActiveState | undefined {
    return this.#active.get(producerId)
  }

  knownToActive(producerId: bigint): boolean {
    return this.#active.has(producerId)
  }

  /** The active loglet's broker has these sequences of the producer, up to `lastSequence`. */
  rememberActive(producerId: bigint, epoch: number, lastSequence: number, records: number): void {
    const known = this.#active.get(producerId)
    if (known !== undefined) {
      known.advance(epoch, lastSequence, records)
      return
    }
    if (this.#active.size >= this.#activeMax) this.#active.delete(this.#active.keys().next().value!)
    this.#active.set(producerId, new KnownProducer(epoch, lastSequence, records))
  }

  /** There is another active loglet, whose broker knows nobody yet. Answers what the one before was known to know. */
  switched(): ReadonlyMap<bigint, ActiveState> {
    const before = this.#active
    this.#active = new Map()
    return before
  }

  /**
   * PIDs that are being introduced to the active loglet's broker, with how many of their batches are on the
   * way. Until the first is answered nothing that comes after may leave: the broker would accept it first.
   */
  readonly #introduced = new Map<bigint, number>()

  introducing(producerId: bigint): boolean {
    return this.#introduced.has(producerId)
  }

  introduce(producerId: bigint): void {
    this.#introduced.set(producerId, (this.#introduced.get(producerId) ?? 0) + 1)
  }

  introduced(producerId: bigint): void {
    const left = (this.#introduced.get(producerId) ?? 0) - 1
    if (left > 0) this.#introduced.set(producerId, left)
    else this.#introduced.delete(producerId)
  }
}

/** Changed with every acknowledgement: what a lost loglet knows can be asked for no more. */
class KnownProducer implements ActiveState {
  epoch: number
  lastSequence: number
  records: number

  constructor(epoch: number, lastSequence: number, records: number) {
    this.epoch = epoch
    this.lastSequence = lastSequence
    this.records = records
  }

  advance(epoch: number, lastSequence: number, records: number): void {
    if (epoch === this.epoch) {
      const ahead = laterBy(this.lastSequence, lastSequence)
      if (ahead === 0) return
      this.records += ahead
    } else if (epoch > this.epoch) {
      this.epoch = epoch
      this.records = records
    } else return
    this.lastSequence = lastSequence
  }
}

/** The verdict on a batch, from what is known without asking anyone; undefined: sealed loglets are not read yet. */
export function judgeNow(topic: LiveTopic, part: ProducePart): Verdict | undefined {
  const producers = topic.producers(part.partition)
  const { sealed } = producers
  const active = producers.active(part.producerId)
  const batch = { epoch: part.producerEpoch, sequence: part.baseSequence }
  if (sealed !== undefined) return judge(sealed.get(part.producerId), batch, active)
  // What follows the last that the active loglet has cannot be in an earlier one alone.
  if (reached(active, batch)) return 'forward'
  // Nor can a producer be known there whose id was made after they were sealed.
  return topic.engine.mintedSince(part.producerId, topic.name) ? judge(undefined, batch, active) : undefined
}
