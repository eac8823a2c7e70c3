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

/**
 * What the sealed loglets say of a batch. `knownToActive`: the active loglet's broker has accepted this
 * producer before, so that it enforces the order itself.
 */
export function judge(
  sealed: ProducerState | undefined,
  batch: { readonly epoch: number; readonly sequence: number },
  knownToActive: boolean | undefined,
): Verdict {
  if (sealed === undefined) return 'forward'
  if (batch.epoch < sealed.epoch) return 'fenced'
  if (batch.epoch > sealed.epoch) {
    // After an epoch bump only sequence 0 may come first; the broker that knows the epoch enforces the rest.
    if (batch.sequence === 0) return 'forward'
  } else {
    const distance = sequenceDistance(nextSequence(sealed.lastSequence), batch.sequence)
    if (distance === 0) return 'forward'
    if (distance < 0) return 'landed'
  }
  if (knownToActive === true) return 'forward'
  return knownToActive === undefined ? 'ask' : 'gap'
}

/** What one partition knows of its producers across the chain. */
export class PartitionProducers {
  /** From the sealed loglets, the newest that knows a PID winning. Undefined until they were read. */
  sealed: Map<bigint, ProducerState> | undefined = undefined
  /** PIDs that the active loglet's broker is known to know. Oldest forgotten first. */
  readonly #active = new Set<bigint>()
  readonly #activeMax: number

  constructor(activeMax: number) {
    this.#activeMax = activeMax
  }

  knownToActive(producerId: bigint): boolean {
    return this.#active.has(producerId)
  }

  rememberActive(producerId: bigint): void {
    if (this.#active.has(producerId)) return
    if (this.#active.size >= this.#activeMax) this.#active.delete(this.#active.keys().next().value!)
    this.#active.add(producerId)
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

/** The verdict on a batch, from what is known without asking anyone; undefined: sealed loglets are not read yet. */
export function judgeNow(topic: LiveTopic, part: ProducePart): Verdict | undefined {
  const producers = topic.producers(part.partition)
  if (producers.sealed === undefined) return undefined
  const state = producers.sealed.get(part.producerId)
  if (state === undefined) return 'forward'
  return judge(
    state,
    { epoch: part.producerEpoch, sequence: part.baseSequence },
    producers.knownToActive(part.producerId) || undefined,
  )
}
