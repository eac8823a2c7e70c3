/**
 * Sequence numbers of idempotent producers: 0 to 2^31 - 1, then 0 again
 * (Kafka's DefaultRecordBatch.incrementSequence).
 */
const MODULUS = 2 ** 31

export const laterSequence = (sequence: number, records: number): number => (sequence + records) % MODULUS

export const nextSequence = (sequence: number): number => laterSequence(sequence, 1)

/** How far `sequence` lies after `from`, in -2^30 to 2^30 - 1. */
export function sequenceDistance(from: number, sequence: number): number {
  const forward = (sequence - from + MODULUS) % MODULUS
  return forward >= MODULUS / 2 ? forward - MODULUS : forward
}
