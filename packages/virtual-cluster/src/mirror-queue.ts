/** A commit that home has taken and the standby home has not. Names of topics are the standby home's. */
export interface MirroredCommit {
  readonly topic: string
  readonly partition: number
  readonly offset: bigint
  readonly metadata: string | null
}

interface Waiting {
  readonly group: string
  commit: MirroredCommit
  /** Since when the standby home is behind for this partition: a later commit does not change it. */
  sinceMs: number
  /** Of the latest commit. */
  putMs: number
  /** When a later commit came while an earlier one was on its way; undefined: none did. */
  overtakenMs: number | undefined
}

interface Group {
  readonly keys: Set<string>
  /** The one errand that is on its way. */
  sending: Errand | undefined
  /** The group was deleted at home, at this time. */
  deletedMs: number | undefined
  /** In a row. */
  failures: number
  notBeforeMs: number
}

/** One group's request on its way. */
export type Errand = { readonly group: string } & (
  | { readonly kind: 'commit'; readonly commits: readonly MirroredCommit[] }
  | { readonly kind: 'delete' }
)

/** Entries of one request. */
const COMMITS_PER_ERRAND = 1_000

/**
 * What waits to be mirrored: of each partition of each group the latest commit, the oldest first. One errand of a group
 * at a time, so that a later commit is never overtaken by an earlier one.
 */
export class MirrorQueue {
  readonly #commitsMax: number
  /** The one that has waited longest is the first. */
  readonly #waiting = new Map<string, Waiting>()
  readonly #groups = new Map<string, Group>()

  constructor(commitsMax: number) {
    this.#commitsMax = commitsMax
  }

  /** Answers how many of the oldest had to make room. */
  put(group: string, commit: MirroredCommit, nowMs: number): number {
    const key = keyOf(group, commit)
    const known = this.#waiting.get(key)
    if (known !== undefined) {
      known.commit = commit
      known.putMs = nowMs
      if (this.#groups.get(group)!.sending !== undefined) known.overtakenMs ??= nowMs
      return 0
    }
    this.#waiting.set(key, { group, commit, sinceMs: nowMs, putMs: nowMs, overtakenMs: undefined })
    this.#group(group).keys.add(key)
    let dropped = 0
    while (this.#waiting.size > this.#commitsMax) {
      this.#drop(this.#waiting.keys().next().value!)
      dropped++
    }
    return dropped
  }

  /** The group was deleted at home: what waits of it is void. False when there is no room to say so elsewhere. */
  delete(group: string, nowMs: number): boolean {
    if (this.#groups.size >= this.#commitsMax && !this.#groups.has(group)) return false
    const entry = this.#group(group)
    for (const key of entry.keys) this.#waiting.delete(key)
    entry.keys.clear()
    entry.deletedMs = nowMs
    entry.failures = 0
    entry.notBeforeMs = 0
    return true
  }

  /** The groups that have something to send now. */
  due(nowMs: number): string[] {
    const due: string[] = []
    for (const [name, group] of this.#groups) {
      if (group.sending === undefined && group.notBeforeMs <= nowMs) due.push(name)
    }
    return due
  }

  /** What is to be sent for the group; `settled` has to follow. Undefined: nothing, any more. */
  take(name: string): Errand | undefined {
    const group = this.#groups.get(name)
    if (group === undefined || group.sending !== undefined) return undefined
    group.sending = this.#errand(name, group)
    return group.sending
  }

  #errand(name: string, group: Group): Errand {
    if (group.deletedMs !== undefined) return { group: name, kind: 'delete' }
    const commits: MirroredCommit[] = []
    for (const key of group.keys) {
      if (commits.length >= COMMITS_PER_ERRAND) break
      const waiting = this.#waiting.get(key)!
      waiting.overtakenMs = undefined
      commits.push(waiting.commit)
    }
    return { group: name, kind: 'commit', commits }
  }

  /** An errand has ended. `done`: what needs not be sent again; the rest waits for another try. */
  settled(
    errand: Errand,
    done: readonly MirroredCommit[] | 'deleted',
    retryAtMs: (failures: number) => number,
  ): void {
    const group = this.#groups.get(errand.group)
    // Everything was forgotten meanwhile.
    if (group === undefined || group.sending !== errand) return
    group.sending = undefined
    if (errand.kind === 'delete' && done === 'deleted') group.deletedMs = undefined
    if (done !== 'deleted') for (const commit of done) this.#done(errand.group, group, commit)
    const all = errand.kind === 'delete' ? done === 'deleted' : done.length === errand.commits.length
    group.failures = all ? 0 : group.failures + 1
    group.notBeforeMs = all ? 0 : retryAtMs(group.failures)
    this.#groups.delete(errand.group)
    // At the end of the line: others have waited for it.
    if (group.keys.size > 0 || group.deletedMs !== undefined) this.#groups.set(errand.group, group)
  }

  /** Drops what failed and is older than this, a deletion too; answers how many. */
  expire(name: string, beforeMs: number): number {
    const group = this.#groups.get(name)
    if (group === undefined || group.sending !== undefined) return 0
    let dropped = 0
    for (const key of [...group.keys]) {
      if (this.#waiting.get(key)!.putMs >= beforeMs) continue
      this.#drop(key)
      dropped++
    }
    if (group.deletedMs !== undefined && group.deletedMs < beforeMs) {
      group.deletedMs = undefined
      dropped++
    }
    if (group.keys.size === 0 && group.deletedMs === undefined) this.#groups.delete(name)
    return dropped
  }

  /** Home has moved: nothing of what waits is of today's. Answers how many commits that were. */
  clear(): number {
    const dropped = this.#waiting.size
    this.#waiting.clear()
    this.#groups.clear()
    return dropped
  }

  get size(): number {
    return this.#waiting.size
  }

  /** Nothing waits, and nothing is on its way. */
  get isIdle(): boolean {
    return this.#groups.size === 0
  }

  /** For how long the standby home has been behind; null: it is not. */
  lagMs(nowMs: number): number | null {
    const oldest = this.#waiting.values().next().value
    return oldest === undefined ? null : Math.max(0, Math.round(nowMs - oldest.sinceMs))
  }

  #group(name: string): Group {
    let group = this.#groups.get(name)
    if (group === undefined) {
      group = { keys: new Set(), sending: undefined, deletedMs: undefined, failures: 0, notBeforeMs: 0 }
      this.#groups.set(name, group)
    }
    return group
  }

  #done(name: string, group: Group, commit: MirroredCommit): void {
    const key = keyOf(name, commit)
    const waiting = this.#waiting.get(key)
    if (waiting === undefined) return
    this.#waiting.delete(key)
    if (waiting.commit === commit) {
      group.keys.delete(key)
      return
    }
    // A later one has come: it waits since then.
    waiting.sinceMs = waiting.overtakenMs ?? waiting.putMs
    waiting.overtakenMs = undefined
    this.#waiting.set(key, waiting)
  }

  #drop(key: string): void {
    const { group } = this.#waiting.get(key)!
    this.#waiting.delete(key)
    const entry = this.#groups.get(group)
    entry?.keys.delete(key)
    if (entry !== undefined && entry.keys.size === 0 && entry.deletedMs === undefined) {
      if (entry.sending === undefined) this.#groups.delete(group)
    }
  }
}

const keyOf = (group: string, { topic, partition }: MirroredCommit): string =>
  `${group}\n${topic}\n${partition}`
