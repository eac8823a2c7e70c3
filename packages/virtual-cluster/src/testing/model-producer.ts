import { decodeBatch, errorCodes, isRetriable } from '@braid/kafka-protocol'
import type { FakeLog } from './fake-log.ts'
import type { TestClient } from './test-client.ts'
import { batch, produceTo } from './world.ts'

const MODULUS = 2 ** 31

interface Sent {
  readonly value: string
  readonly sequence: number
  state: 'waiting' | 'in flight' | 'acknowledged'
  offset: bigint
}

/**
 * A producer that writes one-record batches to one partition as Kafka's own does: in order, up to `inFlightMax`
 * unanswered, repeated on errors that pass and when the connection is lost, by whichever client it is told to use.
 */
export class ModelProducer {
  readonly name: string
  readonly sent: Sent[] = []
  readonly errors: string[] = []
  readonly partition: number
  readonly pid: bigint | undefined
  readonly first: number
  readonly #inFlightMax: number

  constructor(options: {
    name: string
    partition: number
    pid?: bigint
    first?: number
    inFlightMax: number
  }) {
    this.name = options.name
    this.partition = options.partition
    this.pid = options.pid
    this.first = options.first ?? 0
    this.#inFlightMax = options.inFlightMax
  }

  get idempotent(): boolean {
    return this.pid !== undefined
  }

  get inFlight(): number {
    return this.sent.filter(({ state }) => state === 'in flight').length
  }

  get done(): boolean {
    return this.sent.every(({ state }) => state === 'acknowledged')
  }

  /** A repetition that is due, else one more record. False: nothing may be sent now. */
  send(client: TestClient, more: boolean): boolean {
    const unacknowledged = this.sent.filter(({ state }) => state !== 'acknowledged')
    let next = unacknowledged.find(({ state }) => state === 'waiting')
    if (next === undefined) {
      if (!more || unacknowledged.length >= this.#inFlightMax) return false
      const sequence = (this.first + this.sent.length) % MODULUS
      next = { value: `${this.name}-${this.sent.length}`, sequence, state: 'waiting', offset: -1n }
      this.sent.push(next)
    }
    if (this.inFlight >= this.#inFlightMax) return false
    this.#produce(client, next)
    return true
  }

  #produce(client: TestClient, record: Sent): void {
    record.state = 'in flight'
    const first = this.sent.find(({ state }) => state !== 'acknowledged')
    const bytes = batch({
      ...(this.pid !== undefined && { pid: this.pid, sequence: record.sequence }),
      values: [record.value],
    })
    produceTo(client, 'orders', this.partition, bytes).then(
      ({ error, offset }) => {
        if (error === 0) {
          record.state = 'acknowledged'
          record.offset = offset
          return
        }
        record.state = 'waiting'
        // A batch that was sent with none before it unanswered must never hear that one is missing.
        const outOfOrder = error === errorCodes.OUT_OF_ORDER_SEQUENCE_NUMBER && first !== record
        if (!outOfOrder && !isRetriable(error)) this.errors.push(`${record.value}: error ${error}`)
      },
      () => {
        record.state = 'waiting'
      },
    )
  }

  /** What is wrong with what the chain holds; empty when all is well. */
  faults(chain: readonly Stored[]): string[] {
    const faults = [...this.errors]
    const mine = chain.filter(({ value }) => value.startsWith(`${this.name}-`))
    const seen = new Map<string, bigint[]>()
    for (const { value, offset } of mine) seen.set(value, [...(seen.get(value) ?? []), offset])
    for (const { value, state, offset } of this.sent) {
      const places = seen.get(value) ?? []
      if (state === 'acknowledged' && places.length === 0)
        faults.push(`${value} lost, acknowledged at ${offset}`)
      if (this.idempotent && places.length > 1) faults.push(`${value} stands at ${places.join(' and ')}`)
      if (state === 'acknowledged' && offset >= 0n && places.length > 0 && !places.includes(offset)) {
        faults.push(`${value} was acknowledged at ${offset} and stands at ${places.join(' and ')}`)
      }
    }
    const order = mine.map(({ value }) => Number(value.slice(this.name.length + 1)))
    const firsts = order.filter((n, index) => order.indexOf(n) === index)
    if (firsts.some((n, index) => index > 0 && n < firsts[index - 1]!))
      faults.push(`${this.name} reordered: ${order}`)
    return faults
  }
}

export interface Stored {
  readonly value: string
  readonly offset: bigint
}

/** The values in a range of a physical log, by logical offset. */
export function valuesOf(log: FakeLog, start: bigint, end: bigint, base: bigint): Stored[] {
  const stored: Stored[] = []
  for (const { baseOffset, bytes } of log.batches) {
    if (baseOffset < start || baseOffset >= end) continue
    for (const record of decodeBatch(bytes, 0).records) {
      stored.push({ value: record.value?.toString() ?? '', offset: record.offset - start + base })
    }
  }
  return stored
}
