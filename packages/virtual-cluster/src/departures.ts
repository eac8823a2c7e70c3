import type { ProducePart } from './produce-part.ts'

/** What departed before a turn, and has no outcome yet. */
interface Unsettled {
  readonly turn: number
  readonly version: number
  left: number
}

/**
 * The batches of one topic that are in flight: how many of each partition, and to which loglet.
 *
 * When a loglet goes away or comes back, that is a turn: whoever compares what the loglets hold has to know that
 * nothing which departed before it is still on its way. Counted only then, so that departing costs nothing.
 */
export class Departures {
  #inflight: Int32Array
  readonly #sentTo: string[]
  #turn = 0
  /** Oldest first. The older ones are settled first, because the younger ones count their batches too. */
  #unsettled: Unsettled[] = []

  constructor(partitions: number) {
    this.#inflight = new Int32Array(partitions)
    this.#sentTo = new Array<string>(partitions).fill('')
  }

  depart(part: ProducePart, physicalTopic: string): void {
    part.sentTo = physicalTopic
    part.turn = this.#turn
    this.#sentTo[part.partition] = physicalTopic
    this.#inflight[part.partition]!++
  }

  arrived(part: ProducePart): void {
    this.#inflight[part.partition]!--
    if (part.turn !== this.#turn) this.#settled(part.turn)
  }

  inflight(partition: number): number {
    return this.#inflight[partition]!
  }

  /** Whether the batches in flight went to another loglet. */
  elsewhere(partition: number, physicalTopic: string): boolean {
    return this.#inflight[partition]! > 0 && this.#sentTo[partition] !== physicalTopic
  }

  /** A loglet went away or came back; `version` of the routes was in force until then. False: nothing is in flight. */
  turned(version: number): boolean {
    let left = 0
    for (const count of this.#inflight) left += count
    if (left === 0) return false
    this.#turn++
    this.#unsettled.push({ turn: this.#turn, version, left })
    return true
  }

  /** The version that was in force until the oldest turn that batches are in flight since; undefined: none are. */
  get unsettledVersion(): number | undefined {
    return this.#unsettled[0]?.version
  }

  #settled(turn: number): void {
    for (const unsettled of this.#unsettled) if (unsettled.turn > turn) unsettled.left--
    this.#unsettled = this.#unsettled.filter(({ left }) => left > 0)
  }

  grow(partitions: number): void {
    const inflight = new Int32Array(partitions)
    inflight.set(this.#inflight)
    this.#inflight = inflight
    while (this.#sentTo.length < partitions) this.#sentTo.push('')
  }
}
