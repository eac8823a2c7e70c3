/** Ranges without records that are remembered at one time; the oldest is forgotten. */
const EMPTY_RANGES_MAX = 64

interface EmptyRange {
  readonly place: string
  readonly from: bigint
  readonly to: bigint
}

/** What readers of one topic pass over though no route says so: it was seen when they came to it. Physical offsets. */
export class PassedRanges {
  /** At most one entry for each loglet and partition. */
  readonly #overtaken = new Map<string, bigint>()
  readonly #empty: EmptyRange[] = []

  /** Retention has taken a loglet's beginning, up to this offset. */
  overtaken(physicalTopic: string, partition: number, upTo: bigint): void {
    this.#overtaken.set(`${physicalTopic}/${partition}`, upTo)
  }

  /** From one offset to another there is nothing but holes. */
  empty(physicalTopic: string, partition: number, from: bigint, to: bigint): void {
    if (this.#empty.length >= EMPTY_RANGES_MAX) this.#empty.shift()
    this.#empty.push({ place: `${physicalTopic}/${partition}`, from, to })
  }

  /** The offset itself, or the one behind what is passed over. */
  past(physicalTopic: string, partition: number, physical: bigint): bigint {
    if (this.#overtaken.size === 0 && this.#empty.length === 0) return physical
    const place = `${physicalTopic}/${partition}`
    const overtaken = this.#overtaken.get(place)
    let offset = physical
    if (overtaken !== undefined && offset < overtaken) offset = overtaken
    for (const range of this.#empty) {
      if (range.place === place && range.from <= offset && offset < range.to) offset = range.to
    }
    return offset
  }
}
