import type { FinalCommit, StoredRecord } from './contents.ts'
import type { Elsewhere } from './elsewhere.ts'
import type { HistoryEvent } from './event.ts'
import type { Findings } from './findings.ts'

type Place = 'fresh' | { last: bigint }

/** Times of a history between which a group's home died. */
export interface HomeLoss {
  readonly from: number
  /** No commit was acknowledged by it after this, and none yet by the standby home. */
  readonly to: number
  /** Commits that it acknowledged in its last so many ms may be forgotten: they travel behind. None before. */
  readonly forgottenMaxMs: number
}

export interface GroupJudgeOptions {
  readonly topic: string
  readonly standingAt: (partition: number, offset: bigint) => StoredRecord | undefined
  readonly isLost: (id: string) => boolean
  readonly elsewhere: Elsewhere
  readonly findings: Findings
  readonly homeLosses: readonly HomeLoss[]
}

/**
 * What a group's members saw. Between assignments a member reads forward only; an assignment starts at the group's
 * committed offset, so it may repeat what was not committed and nothing else; whatever is read at an offset is what
 * stands there.
 */
export class GroupJudge {
  readonly #topic: string
  readonly #standingAt: GroupJudgeOptions['standingAt']
  readonly #isLost: GroupJudgeOptions['isLost']
  readonly #elsewhere: Elsewhere
  readonly #findings: Findings
  /** Those that are still to come, the earliest first. */
  readonly #homeLosses: HomeLoss[]
  /** By group, member and partition: how far it has read since it was assigned. */
  readonly #places = new Map<string, Place>()
  /** By group, member and partition: what the group had committed when the partition was assigned. */
  readonly #startsAt = new Map<string, bigint>()
  /** By group and partition: the highest acknowledged commit. */
  readonly #committed = new Map<string, bigint>()
  /** By group and partition: acknowledged commits with their times, kept while a home is yet to be lost. */
  readonly #commits = new Map<string, { at: number; offset: bigint }[]>()
  /** By group, generation and partition. */
  readonly #committedByGeneration = new Map<string, bigint>()
  /** By group: records read where they stand, and read where they stood before a failover. */
  readonly #seen = new Map<string, Set<string>>()
  readonly #seenBefore = new Map<string, Set<string>>()

  constructor(options: GroupJudgeOptions) {
    this.#topic = options.topic
    this.#standingAt = options.standingAt
    this.#isLost = options.isLost
    this.#elsewhere = options.elsewhere
    this.#findings = options.findings
    this.#homeLosses = [...options.homeLosses].sort((left, right) => left.to - right.to)
  }

  hasSeen(group: string, id: string): boolean {
    return (this.#seen.get(group)?.has(id) ?? false) || (this.#seenBefore.get(group)?.has(id) ?? false)
  }

  /** Records that a group read on a lost cluster and again where they stand now. */
  get readTwice(): number {
    let count = 0
    for (const [group, ids] of this.#seenBefore) {
      for (const id of ids) if (this.#seen.get(group)?.has(id)) count++
    }
    return count
  }

  /** Events in the order of time. */
  take(event: HistoryEvent): void {
    while (this.#homeLosses[0] !== undefined && event.at > this.#homeLosses[0].to) {
      this.#homeIsLost(this.#homeLosses.shift()!)
    }
    if (event.type === 'assigned' && event.topic === this.#topic) {
      for (const partition of event.partitions) {
        const place = `${event.group}\n${event.member}\n${partition}`
        this.#places.set(place, 'fresh')
        const committed = this.#committed.get(`${event.group}\n${partition}`)
        if (committed !== undefined) this.#startsAt.set(place, committed)
      }
    }
    if (event.type === 'received' && event.topic === this.#topic) {
      event.offsets.forEach((offset, index) => {
        this.#takeRecord(event.group, event.member, event.partition, offset, event.ids[index] ?? '')
      })
    }
    if (event.type === 'committed' && event.topic === this.#topic) {
      event.partitions.forEach((partition, index) => {
        this.#takeCommit(event.at, event.group, event.generation, partition, event.offsets[index]!)
      })
    }
  }

  /** Commits that were acknowledged are where the coordinator stands in the end, or behind it. */
  checkFinalCommits(finalCommits: readonly FinalCommit[]): void {
    for (const { group, partition, offset } of finalCommits) {
      const committed = this.#committed.get(`${group}\n${partition}`)
      if (committed !== undefined && offset < committed) {
        this.#findings.found(
          'commitsLost',
          `group ${group} had committed ${partition}/${committed}, and stands at ${offset} in the end`,
        )
      }
    }
  }

  #takeRecord(group: string, member: string, partition: number, offset: bigint, id: string): void {
    const key = `${group}\n${member}\n${partition}`
    const place = this.#places.get(key) ?? 'fresh'
    const start = this.#startsAt.get(key)
    if (place === 'fresh' && start !== undefined && offset < start) {
      this.#findings.found(
        'commitsLost',
        `${member} of group ${group} starts at ${partition}/${offset}, though ${start} was committed`,
      )
    }
    if (place !== 'fresh' && offset <= place.last) {
      this.#findings.found(
        'offsetsBack',
        `${member} of group ${group} read ${partition}/${offset} after ${partition}/${place.last}`,
      )
    }
    this.#places.set(key, { last: offset })
    const standing = this.#standingAt(partition, offset)
    const stoodHere =
      this.#elsewhere.isRecovered(id, partition, offset) || this.#elsewhere.isRepeated(id, partition, offset)
    const seenIn = stoodHere ? this.#seenBefore : this.#seen
    const seen = seenIn.get(group) ?? new Set()
    seen.add(id)
    seenIn.set(group, seen)
    if (standing?.id !== id && !stoodHere && !this.#isLost(id)) {
      this.#findings.found(
        'offsetsReused',
        `${member} of group ${group} read ${id} at ${partition}/${offset}, where ${standing?.id ?? 'nothing'} stands`,
      )
    }
  }

  #takeCommit(at: number, group: string, generation: number, partition: number, offset: bigint): void {
    const ofGeneration = `${group}\n${generation}\n${partition}`
    const before = this.#committedByGeneration.get(ofGeneration)
    if (before !== undefined && offset < before) {
      this.#findings.found(
        'commitsLost',
        `generation ${generation} of group ${group} committed ${partition}/${offset} after ${before}`,
      )
      return
    }
    this.#committedByGeneration.set(ofGeneration, offset)
    const key = `${group}\n${partition}`
    const highest = this.#committed.get(key)
    if (highest === undefined || offset > highest) this.#committed.set(key, offset)
    if (this.#homeLosses.length === 0) return
    const commits = this.#commits.get(key)
    if (commits === undefined) this.#commits.set(key, [{ at, offset }])
    else commits.push({ at, offset })
  }

  /** What has to be remembered of the commits so far, and generations are counted anew. */
  #homeIsLost({ from, forgottenMaxMs }: HomeLoss): void {
    this.#committedByGeneration.clear()
    this.#committed.clear()
    for (const [key, commits] of this.#commits) {
      for (const { at, offset } of commits) {
        if (at > from - forgottenMaxMs) continue
        const highest = this.#committed.get(key)
        if (highest === undefined || offset > highest) this.#committed.set(key, offset)
      }
    }
  }
}
