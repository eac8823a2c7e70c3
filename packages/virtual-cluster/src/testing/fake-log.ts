import {
  baseSequence,
  batchBytes,
  crc,
  crc32c,
  errorCodes,
  lastOffsetDelta,
  producerEpoch,
  producerId,
  setBaseOffset,
} from '@braid/kafka-protocol'
import { nextSequence } from '../sequence.ts'

const MODULUS = 2 ** 31
/** Batches of a producer that a broker recognizes when they are repeated. */
const RECOGNIZED = 5
const CRC_FROM = 21

interface Known {
  epoch: number
  lastSequence: number
  recent: { readonly first: number; readonly last: number; readonly offset: bigint }[]
}

export interface StoredBatch {
  readonly baseOffset: bigint
  readonly nextOffset: bigint
  readonly bytes: Buffer
}

export interface Appended {
  readonly error: number
  readonly baseOffset: bigint
}

/** One partition of one physical topic, with the rules that a broker enforces on appends. */
export class FakeLog {
  readonly batches: StoredBatch[] = []
  readonly producers = new Map<bigint, Known>()
  start = 0n
  end = 0n
  /** The topic's `max.message.bytes`. A seal sets it to 1. */
  maxMessageBytes = 1_048_588

  /** What a broker checks before it takes the log's lock: size first, then the CRC. */
  validate(records: Buffer): number {
    if (records.length > this.maxMessageBytes) return errorCodes.MESSAGE_TOO_LARGE
    if (crc32c(records, CRC_FROM) !== crc(records, 0)) return errorCodes.CORRUPT_MESSAGE
    return 0
  }

  append(records: Buffer): Appended {
    const refused = this.validate(records)
    return refused === 0 ? this.appendValidated(records) : { error: refused, baseOffset: -1n }
  }

  appendValidated(records: Buffer): Appended {
    const pid = producerId(records, 0)
    const first = baseSequence(records, 0)
    const last = (first + lastOffsetDelta(records, 0)) % MODULUS
    if (pid >= 0n) {
      const epoch = producerEpoch(records, 0)
      const known = this.producers.get(pid)
      if (known !== undefined && epoch < known.epoch) return refusal(errorCodes.INVALID_PRODUCER_EPOCH)
      if (known !== undefined && epoch > known.epoch) {
        if (first !== 0) return refusal(errorCodes.OUT_OF_ORDER_SEQUENCE_NUMBER)
        this.producers.set(pid, { epoch, lastSequence: last, recent: [] })
      } else if (known !== undefined) {
        const repeated = known.recent.find((batch) => batch.first === first && batch.last === last)
        if (repeated !== undefined) return { error: 0, baseOffset: repeated.offset }
        if (first !== nextSequence(known.lastSequence)) {
          return refusal(errorCodes.OUT_OF_ORDER_SEQUENCE_NUMBER)
        }
      } else this.producers.set(pid, { epoch, lastSequence: last, recent: [] })
      const now = this.producers.get(pid)!
      now.lastSequence = last
      now.recent = [...now.recent, { first, last, offset: this.end }].slice(-RECOGNIZED)
    }
    const bytes = Buffer.from(records)
    const baseOffset = this.end
    setBaseOffset(bytes, 0, baseOffset)
    this.end = baseOffset + BigInt(lastOffsetDelta(records, 0) + 1)
    this.batches.push({ baseOffset, nextOffset: this.end, bytes })
    return { error: 0, baseOffset }
  }

  /** Whole batches from the one that holds `offset`, at least one, up to `maxBytes`. */
  read(offset: bigint, maxBytes: number): Buffer {
    const found: Buffer[] = []
    let bytes = 0
    for (const batch of this.batches) {
      if (batch.nextOffset <= offset) continue
      const size = batchBytes(batch.bytes, 0)
      if (found.length > 0 && bytes + size > maxBytes) break
      found.push(batch.bytes)
      bytes += size
    }
    return Buffer.concat(found)
  }

  /** As retention does: batches that end at or before `offset` are gone. */
  deleteBefore(offset: bigint): void {
    this.start = offset
    while (this.batches.length > 0 && this.batches[0]!.nextOffset <= offset) this.batches.shift()
  }
}

const refusal = (error: number): Appended => ({ error, baseOffset: -1n })
