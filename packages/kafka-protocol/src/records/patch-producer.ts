import { batchBytes } from './batch-header.ts'
import { crc32cPatch } from './crc32c.ts'

export interface ProducerFields {
  readonly producerId: bigint
  readonly producerEpoch: number
  readonly baseSequence: number
}

const PRODUCER_AT = 43
const PRODUCER_BYTES = 14
const CRC_AT = 17

/** Old xor new of the 14 bytes; shared, since nothing awaits while it is in use. */
const difference = Buffer.alloc(PRODUCER_BYTES)

/** Rewrites who produced a batch, and its CRC to match, without reading the records. The batch must have been checked. */
export function patchProducer(b: Buffer, at: number, fields: ProducerFields): void {
  const from = at + PRODUCER_AT
  b.copy(difference, 0, from, from + PRODUCER_BYTES)
  b.writeBigInt64BE(fields.producerId, from)
  b.writeInt16BE(fields.producerEpoch, from + 8)
  b.writeInt32BE(fields.baseSequence, from + 10)
  for (let i = 0; i < PRODUCER_BYTES; i++) difference[i] = difference[i]! ^ b[from + i]!
  const bytesAfter = batchBytes(b, at) - PRODUCER_AT - PRODUCER_BYTES
  b.writeUInt32BE(crc32cPatch(b.readUInt32BE(at + CRC_AT), difference, bytesAfter), at + CRC_AT)
}
