import type { FinalCommit, StoredRecord } from './contents.ts'
import type { HistoryEvent } from './event.ts'
import type { Findings } from './findings.ts'

type Place = 'fresh' | { last: bigint }

/**
 * What a group's members saw. Between assignments a member reads forward only; an assignment starts at the group's
 * committed offset, so it may repeat what was not committed and nothing else; whatever is read at an offset is what
 * stands there.
 */
export class GroupJudge {
  readonly #topic: string
  readonly #standingAt: (partition: number, offset: bigint) => StoredRecord | undefined
  readonly #isLost: (id: string) => boolean
  readonly #findings: Findings
  /** By group, member and partition: how far it has read since it was assigned. */
  readonly #places = new Map<string, Place>()
  /** By group, member and partition: what the group had committed when the partition was assigned. */
  readonly #startsAt = new Map<string, bigint>()
  /** By group and partition: the highest acknowledged commit. */
  readonly #committed = new Map<string, bigint>()
  /** By group, generation and partition. */
  readonly #committedByGeneration = new Map<string, bigint>()
  readonly #seen = new Map<string, Set<string>>()

  constructor(
    topic: string,
    standingAt: (partition: number, offset: bigint) => StoredRecord | undefined,
    isLost: (id: string) => boolean,
    findings: Findings,
  ) {
    this.#topic = topic
    this.#standingAt = standingAt
    this.#isLost = isLost
    this.#findings = findings
  }

  hasSeen(group: string, id: string): boolean {
    return this.#seen.get(group)?.has(id) ?? false
  }

  /** Events in the order of time. */
  take(event: HistoryEvent): void {
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
        this.#takeCommit(event.group, event.generation, partition, event.offsets[index]!)
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
    const seen = this.#seen.get(group) ?? new Set()
    seen.add(id)
    this.#seen.set(group, seen)
    const standing = this.#standingAt(partition, offset)
    if (standing?.id !== id && !this.#isLost(id)) {
      this.#findings.found(
        'offsetsReused',
        `${member} of group ${group} read ${id} at ${partition}/${offset}, where ${standing?.id ?? 'nothing'} stands`,
      )
    }
  }

  #takeCommit(group: string, generation: number, partition: number, offset: bigint): void {
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
  }
}
