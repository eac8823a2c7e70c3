import type { ConnectionError } from './errors.ts'

/**
 * `frame` is the whole answer without its 4 size bytes, `bodyAt` where the body starts (behind the header).
 * The frame is the callee's: it may be kept, nothing writes to it again. With an error, `frame` is empty.
 */
export type OnAnswer = (error: ConnectionError | null, frame: Buffer, bodyAt: number) => void

const FIRST_CAPACITY = 16

/**
 * The requests under way on one connection, oldest first. Kafka answers in order, so correlation ids are consecutive
 * and an id is its own place in the ring: nothing is allocated per request.
 */
export class InFlight {
  #answers: (OnAnswer | undefined)[] = new Array(FIRST_CAPACITY).fill(undefined)
  #timeoutsMs = new Float64Array(FIRST_CAPACITY)
  #flexible = new Uint8Array(FIRST_CAPACITY)
  #mask = FIRST_CAPACITY - 1
  #head: number
  #count = 0

  constructor(firstCorrelationId = 0) {
    this.#head = firstCorrelationId | 0
  }

  get count(): number {
    return this.#count
  }

  /** Correlation id that the next answer must carry. */
  get headCorrelationId(): number {
    return this.#head
  }

  get headTimeoutMs(): number {
    return this.#timeoutsMs[this.#head & this.#mask]!
  }

  /** Whether the oldest request's answer has tags in its header. */
  get headFlexible(): boolean {
    return this.#flexible[this.#head & this.#mask] === 1
  }

  /** Answers the correlation id. */
  push(onAnswer: OnAnswer, timeoutMs: number, flexibleAnswer: boolean): number {
    if (this.#count > this.#mask) this.#grow()
    const correlationId = (this.#head + this.#count) | 0
    const at = correlationId & this.#mask
    this.#answers[at] = onAnswer
    this.#timeoutsMs[at] = timeoutMs
    this.#flexible[at] = flexibleAnswer ? 1 : 0
    this.#count++
    return correlationId
  }

  /** Takes the oldest; there must be one. */
  shift(): OnAnswer {
    const at = this.#head & this.#mask
    const onAnswer = this.#answers[at]!
    this.#answers[at] = undefined
    this.#head = (this.#head + 1) | 0
    this.#count--
    return onAnswer
  }

  #grow(): void {
    const capacity = (this.#mask + 1) * 2
    const mask = capacity - 1
    const answers: (OnAnswer | undefined)[] = new Array(capacity).fill(undefined)
    const timeoutsMs = new Float64Array(capacity)
    const flexible = new Uint8Array(capacity)
    for (let i = 0; i < this.#count; i++) {
      const id = (this.#head + i) | 0
      answers[id & mask] = this.#answers[id & this.#mask]
      timeoutsMs[id & mask] = this.#timeoutsMs[id & this.#mask]!
      flexible[id & mask] = this.#flexible[id & this.#mask]!
    }
    this.#answers = answers
    this.#timeoutsMs = timeoutsMs
    this.#flexible = flexible
    this.#mask = mask
  }
}
