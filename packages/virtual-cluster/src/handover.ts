import type { LiveTopic } from './live-topic.ts'
import type { ProducePart } from './produce-part.ts'
import { nextSequence, sequenceDistance } from './sequence.ts'

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
    if (distance < 0) return beyond(active, batch) ? 'forward' : 'landed'
  }
  if (active) return 'forward'
  return active === undefined ? 'ask' : 'gap'
}

/** Whether the active loglet is past what the sealed ones know: sequences come round after 2^31 records. */
export function beyond(
  active: ActiveState | null | undefined,
  batch: { readonly epoch: number; readonly sequence: number },
): boolean {
  if (!active || active.epoch !== batch.epoch) return false
  return sequenceDistance(nextSequence(active.lastSequence), batch.sequence) >= 0
}

/** What one partition knows of its producers across the chain. */
export class PartitionProducers {
  /** From the sealed loglets, the newest that knows a PID winning. Undefined until they were read. */
  sealed: Map<bigint, ProducerState> | undefined = undefined
  /** PIDs that the active loglet's broker is known to know. Oldest forgotten first. */
  readonly #active = new Map<bigint, ActiveState>()
  readonly #activeMax: number

  constructor(activeMax: number) {
    this.#activeMax = activeMax
  }

  active(producerId: bigint): ActiveState | undefined {
    return this.#active.get(producerId)
  }

  knownToActive(producerId: bigint): boolean {
    return this.#active.has(producerId)
  }

  rememberActive(producerId: bigint, state: ActiveState): void {
    if (this.#active.size >= this.#activeMax && !this.#active.has(producerId)) {
      this.#active.delete(this.#active.keys().next().value!)
    }
    this.#active.set(producerId, state)
  }

  /** The active loglet was sealed: what its broker knew is now to be read as final. */
  reset(): void {
    this.sealed = undefined
    this.#active.clear()
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

const NONE: ReadonlyMap<bigint, ProducerState> = new Map()

/** The verdict on a batch, from what is known without asking anyone; undefined: sealed loglets are not read yet. */
export function judgeNow(topic: LiveTopic, part: ProducePart): Verdict | undefined {
  const producers = topic.producers(part.partition)
  const sealed = topic.route.depth === 1 ? NONE : producers.sealed
  const active = producers.active(part.producerId)
  const batch = { epoch: part.producerEpoch, sequence: part.baseSequence }
  if (sealed !== undefined) return judge(sealed.get(part.producerId), batch, active)
  // What follows the last that the active loglet has cannot be in an earlier one.
  if (beyond(active, batch)) return 'forward'
  // Nor can a producer be known there whose id was made after they were sealed.
  return topic.engine.mintedSince(part.producerId, topic.name) ? judge(undefined, batch, active) : undefined
}
