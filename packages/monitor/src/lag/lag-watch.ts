import type { RouteTable } from '@braid/routing-model'
import type { Clusters } from '../clusters/cluster-set.ts'
import type { Find } from '../findings.ts'
import { type GroupState, stateOf, type Window, windowAfter, worstOf } from './group-state.ts'
import { KnownBounds } from './known-bounds.ts'
import { lagOf } from './lag-of.ts'
import { holesOf, type PartitionLag, takeLag } from './take-lag.ts'
import { UnreadSince } from './unread-since.ts'

/** A group on a topic: the sum, and the worst, of its partitions. */
export interface GroupLag {
  readonly tenant: string
  readonly group: string
  readonly topic: string
  readonly records: bigint
  /** Of the partition that is furthest behind; undefined when nobody can tell now. */
  readonly seconds: number | undefined
  readonly state: GroupState
  readonly partial: boolean
  /** Records that its commits have passed since this monitor looks. */
  readonly delivered: bigint
}

export interface LagWatchParts {
  readonly clusters: Clusters
  readonly find: Find
  readonly now: () => number
  readonly timeoutMs: number
}

/** Partitions of groups that are remembered; the others are measured, and have no state. */
const WINDOWS_MAX = 200_000

export class LagWatch {
  readonly #parts: LagWatchParts
  readonly #bounds = new KnownBounds()
  readonly #since = new UnreadSince()
  readonly #windows = new Map<string, Window>()
  #groups: ReadonlyMap<string, GroupLag> = new Map()
  #missing: readonly string[] = []

  constructor(parts: LagWatchParts) {
    this.#parts = parts
  }

  get groups(): Iterable<GroupLag> {
    return this.#groups.values()
  }

  /** Coordinators that the latest round did not hear. */
  get missing(): readonly string[] {
    return this.#missing
  }

  async round(table: RouteTable): Promise<void> {
    const { clusters, timeoutMs, now } = this.#parts
    const { lags, missing } = await takeLag({ table, clusters, bounds: this.#bounds, timeoutMs })
    await this.#since.refresh(lags, clusters, timeoutMs)
    this.#bounds.forgetAllBut(table)
    this.#missing = missing
    const seen = new Set<string>()
    const groups = new Map<string, GroupLag>()
    for (const [key, ofGroup] of Map.groupBy(lags, groupKey)) {
      const delivered = (this.#groups.get(key)?.delivered ?? 0n) + this.#deliveredBy(ofGroup)
      groups.set(key, this.#groupLag(ofGroup, delivered, now(), seen))
    }
    // What was not heard is as it was, as long as its topic is there.
    const mayBeThere = (tenant: string, topic: string) =>
      missing.length > 0 && table.topic(tenant, topic) !== undefined
    for (const [key, group] of this.#groups)
      if (!groups.has(key) && mayBeThere(group.tenant, group.topic)) groups.set(key, group)
    for (const key of this.#windows.keys()) {
      if (seen.has(key)) continue
      const [, tenant = '', topic = ''] = key.split('/', 3)
      if (!mayBeThere(tenant, topic)) this.#windows.delete(key)
    }
    this.#tellChanges(groups)
    this.#groups = groups
  }

  /** Records between what was committed before and now, as both see the same logs. */
  #deliveredBy(lags: readonly PartitionLag[]): bigint {
    let delivered = 0n
    for (const lag of lags) {
      const before = this.#windows.get(partitionKey(lag))?.samples.at(-1)?.committed
      if (before === undefined || before >= lag.committed) continue
      const { starts, ends } = this.#bounds.of(lag.route, lag.partition)
      const chain = lag.route.chain(lag.partition)
      delivered += lagOf(chain, ends, starts, before, holesOf(lag.route, lag.partition)).records - lag.records
    }
    return delivered
  }

  #groupLag(lags: readonly PartitionLag[], delivered: bigint, nowMs: number, seen: Set<string>): GroupLag {
    const { tenant, group, topic } = lags[0]!
    let records = 0n
    let seconds: number | undefined
    const states: GroupState[] = []
    for (const lag of lags) {
      records += lag.records
      const behind = this.#since.secondsBehind(lag, nowMs)
      if (behind !== undefined) seconds = Math.max(seconds ?? 0, behind)
      const key = partitionKey(lag)
      seen.add(key)
      const before = this.#windows.get(key)
      if (before === undefined && this.#windows.size >= WINDOWS_MAX) continue
      const window = windowAfter(before, { atMs: nowMs, committed: lag.committed, lag: lag.records })
      this.#windows.set(key, window)
      states.push(stateOf(window, lag.hasMembers))
    }
    const partial = lags.some((lag) => lag.partial)
    return { tenant, group, topic, records, seconds, state: worstOf(states), partial, delivered }
  }

  #tellChanges(groups: ReadonlyMap<string, GroupLag>): void {
    for (const [key, { tenant, group, topic, records, seconds, state, partial }] of groups) {
      const before = this.#groups.get(key)?.state ?? 'OK'
      if (state === before) continue
      const about = { tenant, group, topic }
      const evidence = { records: Number(records), seconds: seconds ?? null, partial, before }
      const behind = `${records} records of ${topic} are unread`
      if (state === 'STALL') {
        const detail = `group ${group} has members and does not get on: ${behind}`
        this.#parts.find({ kind: 'LAG_STALLED', severity: 'error', ...about, detail, evidence })
      } else if (state === 'STOP') {
        const detail = `group ${group} has no members: ${behind}`
        this.#parts.find({ kind: 'LAG_STOPPED', severity: 'warning', ...about, detail, evidence })
      } else if (before === 'STALL' || before === 'STOP') {
        const detail = `group ${group} gets on again: ${behind}`
        this.#parts.find({ kind: 'LAG_OK', severity: 'info', ...about, detail, evidence })
      }
    }
  }
}

// A group's id may hold anything, and is last.
const groupKey = ({ tenant, topic, group }: PartitionLag): string => `${tenant}/${topic}/${group}`
const partitionKey = (lag: PartitionLag): string => `${lag.partition}/${groupKey(lag)}`
