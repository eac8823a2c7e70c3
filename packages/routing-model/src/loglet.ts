import { RoutingError } from './routing-error.ts'

/**
 * A range of one physical partition, at a place in a logical one.
 *
 *     physical   start ............ end      on `cluster`, in `topic`-`partition`
 *     logical    base  ............ base + (end - start)
 *
 * `end` is the cut: the first physical offset that is no longer part of it. Without an `end` the loglet is
 * open, and takes appends; or its cluster was lost with it, and nobody knows where it ends (`away`).
 */
export interface Loglet {
  readonly cluster: string
  /** The physical topic. */
  readonly topic: string
  readonly partition: number
  /** First physical offset, inclusive. */
  readonly start: bigint
  /** The cut, exclusive. Absent while the loglet is open. */
  readonly end?: bigint
  /** Logical offset of `start`. */
  readonly base: bigint
  /** Its cluster was given up and has not returned. */
  readonly away?: LogletAway
}

/**
 * A loglet on a cluster that was given up.
 *
 *     lost ──sealed, its end read──> returning ──what stands twice is left out──> (sealed, as any other)
 *
 * `lost`: its records and what it knows of producers cannot be asked for; its end may be unknown. `returning`: its end
 * is final and it can be asked; batches that it may have are compared with it before they are written elsewhere.
 * In both, readers who come to it do as the topic's policy says: `wait` until it is back (strict), or `skip` it
 * (available).
 */
export interface LogletAway {
  readonly state: 'lost' | 'returning'
  readonly readers: 'wait' | 'skip'
}

/** First logical offset after the loglet; undefined while it is open. */
export function logicalEnd(loglet: Loglet): bigint | undefined {
  return loglet.end === undefined ? undefined : loglet.base + (loglet.end - loglet.start)
}

/** The logical offset of a physical one. Throws OUT_OF_RANGE outside [start, end). */
export function toLogical(loglet: Loglet, physical: bigint): bigint {
  if (physical < loglet.start || (loglet.end !== undefined && physical >= loglet.end)) {
    throw new RoutingError(
      'OUT_OF_RANGE',
      `physical offset ${physical} is not in ${describeLoglet(loglet)}; a stray beyond the cut has no logical offset`,
    )
  }
  return physical - loglet.start + loglet.base
}

/** The physical offset of a logical one. Throws OUT_OF_RANGE when it lies in another loglet: locate first. */
export function toPhysical(loglet: Loglet, logical: bigint): bigint {
  const end = logicalEnd(loglet)
  if (logical < loglet.base || (end !== undefined && logical >= end)) {
    throw new RoutingError('OUT_OF_RANGE', `offset ${logical} is not in ${describeLoglet(loglet)}`)
  }
  return logical - loglet.base + loglet.start
}

/** `kafka-a: orders-3 [0, 1200) at 0`, as messages name it. */
export function describeLoglet(loglet: Loglet): string {
  const end = loglet.end?.toString() ?? (loglet.away === undefined ? 'open' : 'lost')
  return `${loglet.cluster}: ${loglet.topic}-${loglet.partition} [${loglet.start}, ${end}) at ${loglet.base}`
}
