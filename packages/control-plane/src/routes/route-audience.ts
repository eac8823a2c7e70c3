// Those who are told the same: the readers of one set of tenants, or of all. What they are sent is made once.
import { createHash } from 'node:crypto'
import { deltaFor } from '@braid/routing-model'
import { FeedBytes } from './feed-bytes.ts'
import type { PublishedRoutes } from './published-routes.ts'
import { type SnapshotEncoding, SnapshotText } from './snapshot-text.ts'

/** Changes go out in groups that end at the same versions for everybody, so that readers who come back share them. */
const groupVersions = 100

/** A snapshot of an earlier version, with the changes since, is as good as a new one, as long as they are few. */
const reusedMinBytes = 256 * 1024
const changesPerSnapshotMax = 1 / 4

export interface Changes {
  readonly bytes: FeedBytes
  /** They lead to this version. */
  readonly version: number
}

export class RouteAudience {
  /** undefined: all. */
  readonly tenants: ReadonlySet<string> | undefined
  private readonly published: PublishedRoutes
  private readonly suffix: string
  private readonly changes = new Map<number, Changes>()
  private changesAt = ''
  private readonly snapshots = new Map<
    SnapshotEncoding,
    { text: SnapshotText; generation: number; usedAtMs: number }
  >()
  readers = 0

  constructor(published: PublishedRoutes, tenants: ReadonlySet<string> | undefined) {
    this.published = published
    this.tenants = tenants
    this.suffix = tenants === undefined ? '' : `:${digest(tenants)}`
  }

  /** What a reader of this audience resumes with: it is worth nothing to one of another. */
  token(version: number): string {
    return `${this.published.storeId}:${version}${this.suffix}`
  }

  /** The version that a token stands for; undefined when it is none of this audience and this store. */
  versionOf(token: string | undefined): number | undefined {
    const version = Number(token?.split(':')[1])
    return Number.isSafeInteger(version) && version >= 0 && token === this.token(version)
      ? version
      : undefined
  }

  /** The version from which a reader with this token needs no snapshot; undefined when it needs one. */
  resumable(token: string | undefined): number | undefined {
    const version = this.versionOf(token)
    return version === undefined || this.published.keptAfter(version) === undefined ? undefined : version
  }

  resumed(version: number): FeedBytes {
    return new FeedBytes(this.event('resumed', version, JSON.stringify({ version })))
  }

  /** The first group of changes after a version that is not the newest; undefined when they are no longer kept. */
  after(version: number): Changes | undefined {
    const at = `${this.published.generation}:${this.published.table.version}`
    if (this.changesAt !== at) {
      this.changes.clear()
      this.changesAt = at
    }
    const made = this.changes.get(version)
    if (made !== undefined) return made
    const kept = this.published.keptAfter(version)
    if (kept === undefined) return undefined
    const text: string[] = []
    let to = version
    for (const delta of kept) {
      const { tenants } = this
      const json = tenants === undefined ? delta.json : JSON.stringify(deltaFor(delta.parsed, tenants))
      to = delta.version
      text.push(this.event('delta', to, json))
      if (to % groupVersions === 0) break
    }
    const changes = { bytes: new FeedBytes(text.join('')), version: to }
    this.changes.set(version, changes)
    return changes
  }

  /** Of the table now, or an earlier one that `after` leads on from. */
  snapshot(encoding: SnapshotEncoding, nowMs: number): { text: SnapshotText; fresh: boolean } {
    const kept = this.snapshots.get(encoding)
    if (kept !== undefined && this.isGood(kept)) {
      kept.usedAtMs = nowMs
      return { text: kept.text, fresh: false }
    }
    const { table, generation } = this.published
    const text = new SnapshotText(table, this.tenants, this.token(table.version), encoding)
    this.snapshots.set(encoding, { text, generation, usedAtMs: nowMs })
    return { text, fresh: true }
  }

  /** Lets go of snapshots that nobody has asked for since. */
  forgetSnapshots(usedBeforeMs: number): void {
    for (const [encoding, { usedAtMs }] of this.snapshots) {
      if (usedAtMs < usedBeforeMs) this.snapshots.delete(encoding)
    }
  }

  private isGood({ text, generation }: { text: SnapshotText; generation: number }): boolean {
    const { published } = this
    if (generation !== published.generation || text.state === 'failed') return false
    if (text.version === published.table.version) return true
    const since = published.keptAfter(text.version)
    if (since === undefined) return false
    if (text.state === 'making') return true
    if (text.bytes < reusedMinBytes) return false
    let characters = 0
    for (const { json } of since) characters += json.length
    return characters <= text.bytes * changesPerSnapshotMax
  }

  private event(name: 'resumed' | 'delta', version: number, json: string): string {
    return `event: ${name}\nid: ${this.token(version)}\ndata: ${json}\n\n`
  }
}

/** One name for a set of tenants, in whatever order they were asked for. */
export function audienceKey(tenants: ReadonlySet<string> | undefined): string {
  return tenants === undefined ? '*' : [...tenants].sort().join(',')
}

function digest(tenants: ReadonlySet<string>): string {
  return createHash('sha256').update(audienceKey(tenants)).digest('hex').slice(0, 12)
}
