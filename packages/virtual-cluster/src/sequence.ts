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

/** More records of one producer are never on their way at one time. */
const ON_THEIR_WAY_MAX = 2 ** 24

/**
 * How much later one last sequence is than another, both of them answers that may have overtaken each other; 0 when it
 * is not. Only what is a little earlier is: elsewhere the producer may have gone on as far as it likes.
 */
export function laterBy(last: number, sequence: number): number {
  const forward = (sequence - last + MODULUS) % MODULUS
  return MODULUS - forward <= ON_THEIR_WAY_MAX ? 0 : forward
}
