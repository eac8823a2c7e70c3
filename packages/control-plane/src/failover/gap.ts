// Where the loglet after a lost one begins: beyond anything that the lost one can hold, whatever was written to it last.
// Nobody can look there any more, so it is taken from what was seen while it could be asked, with much to spare: offsets
// are 64 bit, and a gap costs nothing.

/** The least that is left free. */
const gapMin = 1_000_000n
/** A rate that nobody has measured, of one partition: more than a broker takes. */
const unknownRecordsPerSecond = 1_000_000
/** Beyond the moment that is known. */
const aheadSeconds = 60
/** Before it there was no Kafka. */
const kafkaSince = Date.UTC(2011, 0)

export interface KnownOfTopic {
  /** Logical, by partition; -1n where it was not told. */
  readonly ends: readonly bigint[]
  /** When they were so, ms since 1970. */
  readonly at: number
  /** How long ago that is, by a clock that nobody sets. */
  readonly ageMs: number
  /** The most that any partition was seen to grow, records/s; null when it was looked at only once. */
  readonly peakRecordsPerSecond: number | null
}

export interface GapQuestion {
  readonly known: KnownOfTopic | undefined
  /** Where the lost loglet begins, logical, by partition: it is not before that. */
  readonly bases: readonly bigint[]
  /** ms since 1970; null: it was adopted, and nobody knows. */
  readonly createdAt: number | null
  /** ms since 1970 */
  readonly now: number
}

/** The base on every partition, a whole number of millions. */
export function baseAfterLost({ known, bases, createdAt, now }: GapQuestion): bigint {
  const madeMs = Math.max(0, now - (createdAt ?? kafkaSince))
  const peak = known?.peakRecordsPerSecond ?? unknownRecordsPerSecond
  let base = 0n
  for (const [partition, start] of bases.entries()) {
    const end = known?.ends[partition] ?? -1n
    // One that did not tell, or was added since, has had all the time that there was.
    const told = end >= 0n
    const rate = told ? peak : Math.max(peak, unknownRecordsPerSecond)
    // What it did since it was looked at nobody has seen: a topic that was quiet may have been filled by then.
    const unseen = (Math.max(peak, unknownRecordsPerSecond) * (told ? known!.ageMs : madeMs)) / 1_000
    const beyond = max(end, start) + max(gapMin, BigInt(Math.ceil(rate * aheadSeconds + unseen)))
    base = max(base, beyond)
  }
  return roundUp(base)
}

const max = (a: bigint, b: bigint): bigint => (a > b ? a : b)

const roundUp = (offset: bigint): bigint => ((offset + gapMin - 1n) / gapMin) * gapMin
