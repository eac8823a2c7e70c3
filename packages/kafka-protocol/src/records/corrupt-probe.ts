import { BATCH_LENGTH_FROM, MAGIC_V2 } from './batch-header.ts'

const PROBE_BYTES = 70

/**
 * A batch of one record whose CRC is wrong: a broker appends nothing, and answers CORRUPT_MESSAGE while the partition
 * takes appends, but MESSAGE_TOO_LARGE once max.message.bytes is below 70, since it checks sizes first. So it tells
 * whether a topic is sealed without writing to it.
 */
export function corruptProbe(): Buffer {
  const b = Buffer.alloc(PROBE_BYTES)
  b.writeInt32BE(PROBE_BYTES - BATCH_LENGTH_FROM, 8)
  b.writeInt32BE(-1, 12)
  b[16] = MAGIC_V2
  b.writeBigInt64BE(-1n, 43)
  b.writeInt16BE(-1, 51)
  b.writeInt32BE(-1, 53)
  b.writeInt32BE(1, 57)
  return b
}
