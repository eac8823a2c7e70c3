import { RoutingError } from './routing-error.ts'

/**
 * Ranges of a physical partition that are no part of the topic, though they lie within a loglet: batches that a producer
 * wrote again, to a later loglet, while the cluster of this one was lost. By partition: from, to, from, to ... ascending;
 * `from` inclusive, `to` exclusive. Batches are never split, so a hole is whole batches.
 */
export type Holes = ReadonlyMap<number, BigInt64Array>

/** JSON form: by partition, in decimal digits. */
export type HolesJson = Readonly<Record<string, readonly string[]>>

/** More than so many in one partition, and something is wrong with how they were found. */
export const HOLES_MAX_PER_PARTITION = 100_000

/** Where the hole that holds the offset ends; the offset itself when none does. */
export function pastHole(holes: Holes | undefined, partition: number, physical: bigint): bigint {
  const ranges = holes?.get(partition)
  if (ranges === undefined) return physical
  let offset = physical
  // The ranges ascend; those that touch are passed together.
  for (let i = firstEndingAfter(ranges, physical); i < ranges.length; i += 2) {
    if (ranges[i]! > offset) break
    offset = ranges[i + 1]!
  }
  return offset
}

/** Index of the first range whose end is after the offset. */
function firstEndingAfter(ranges: BigInt64Array, offset: bigint): number {
  let low = 0
  let high = ranges.length / 2
  while (low < high) {
    const middle = (low + high) >> 1
    if (ranges[middle * 2 + 1]! > offset) high = middle
    else low = middle + 1
  }
  return low * 2
}

/** How many offsets of [from, to) are in holes. */
export function holesWithin(holes: Holes | undefined, partition: number, from: bigint, to: bigint): bigint {
  const ranges = holes?.get(partition)
  if (ranges === undefined) return 0n
  let within = 0n
  for (let i = firstEndingAfter(ranges, from); i < ranges.length && ranges[i]! < to; i += 2) {
    const start = ranges[i]! > from ? ranges[i]! : from
    const end = ranges[i + 1]! < to ? ranges[i + 1]! : to
    if (end > start) within += end - start
  }
  return within
}

export function holesToJson(holes: Holes): HolesJson {
  return Object.fromEntries([...holes].map(([partition, ranges]) => [partition, Array.from(ranges, String)]))
}

/** Undefined when there are none. @throws BAD_ROUTE unless they are ranges that ascend. */
export function holesFromJson(
  json: HolesJson | undefined,
  partitions: number,
  what: string,
): Holes | undefined {
  if (json === undefined) return undefined
  const holes = new Map<number, BigInt64Array>()
  for (const [key, texts] of Object.entries(json)) {
    const partition = Number(key)
    const bad = (why: string) => new RoutingError('BAD_ROUTE', `${what}: holes of partition ${key}: ${why}`)
    if (!Number.isInteger(partition) || partition < 0 || partition >= partitions)
      throw bad('there is no such one')
    if (!Array.isArray(texts) || texts.length % 2 !== 0 || texts.length > 2 * HOLES_MAX_PER_PARTITION)
      throw bad(`they are pairs of offsets, at most ${HOLES_MAX_PER_PARTITION}`)
    let before = -1n
    const ranges = BigInt64Array.from(texts, (text: unknown, i) => {
      if (typeof text !== 'string' || !/^\d{1,18}$/.test(text))
        throw bad(`${JSON.stringify(text)} is no offset`)
      const offset = BigInt(text)
      if (i % 2 === 0 ? offset < before : offset <= before) throw bad('they do not ascend')
      before = offset
      return offset
    })
    if (ranges.length > 0) holes.set(partition, ranges)
  }
  return holes.size === 0 ? undefined : holes
}

export function sameHoles(a: Holes | undefined, b: Holes | undefined): boolean {
  if (a === b) return true
  if (a === undefined || b === undefined || a.size !== b.size) return false
  return [...a].every(([partition, ranges]) => {
    const others = b.get(partition)
    return others?.length === ranges.length && ranges.every((offset, i) => offset === others[i])
  })
}
