import type { TopicRoute } from '@braid/routing-model'

/** How many records the loglets of a topic took so far, by `cluster/physicalTopic`. Retention takes none away. */
export type LogRecords = ReadonlyMap<string, LogletRecords>

export interface LogletRecords {
  readonly records: bigint
  /** false: nobody knows its end now. */
  readonly certain: boolean
  readonly active: boolean
}

/** `ends`: the high watermarks of the active loglet, by partition; undefined where a leader did not answer. */
export function logRecords(route: TopicRoute, ends: readonly (bigint | undefined)[]): LogRecords {
  const all = new Map<string, LogletRecords>()
  for (let i = 0; i < route.depth; i++) {
    const active = i === route.active
    let records = 0n
    let certain = route.away(i) === undefined
    for (let partition = 0; partition < route.partitions; partition++) {
      const start = route.start(i, partition)
      const end = active ? ends[partition] : route.end(i, partition)
      if (end === undefined || end < start) certain = false
      else records += end - start - route.holesWithin(i, partition, start, end)
    }
    all.set(`${route.cluster(i)}/${route.physicalTopic(i)}`, { records, certain, active })
  }
  return all
}

export interface Growth {
  readonly records: bigint
  /** Records that were there and are not any more, though nothing was cut: a log that was truncated. */
  readonly vanished: bigint
  readonly certain: boolean
}

/** How many records came between two looks. Loglets that came in between are counted from their beginning. */
export function growthBetween(before: LogRecords, after: LogRecords): Growth {
  let records = 0n
  let vanished = 0n
  let certain = true
  for (const [key, now] of after) {
    const then = before.get(key)
    if (!now.certain || then?.certain === false) certain = false
    const grown = now.records - (then?.records ?? 0n)
    records += grown
    if (grown < 0n && now.certain && then?.certain === true) vanished -= grown
  }
  // One that took records and is gone: what it took in between is not known.
  for (const [key, then] of before) if (then.active && !after.has(key)) certain = false
  return { records, vanished, certain }
}
