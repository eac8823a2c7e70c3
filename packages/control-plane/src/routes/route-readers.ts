// Everybody who reads the routes of this process: told of each change, shown that we are there, cut off when they do
// not read.
import type { Socket } from 'node:net'
import type { Log } from '../log.ts'
import { Refusal } from '../refusal.ts'
import { FeedBytes } from './feed-bytes.ts'
import type { PublishedRoutes } from './published-routes.ts'
import { audienceKey, RouteAudience } from './route-audience.ts'
import { type CutOffReason, type ReaderSurroundings, RouteReader } from './route-reader.ts'
import type { SnapshotEncoding } from './snapshot-text.ts'

export interface RouteFeedLimits {
  /** More are refused with TOO_MANY_READERS. Each costs about 15 KiB and a file descriptor. */
  readonly readersMax: number
  /** What may wait in the socket of a reader that has caught up; one that is further behind is cut off. */
  readonly queuedMaxBytes: number
  /** A reader to whom we have something to send, and that reads nothing for so long, is cut off. */
  readonly stalledMaxMs: number
  /** Large snapshots are kept for so long after somebody has asked for one. */
  readonly snapshotKeptMs: number
}

export const defaultRouteFeedLimits: RouteFeedLimits = {
  readersMax: 20_000,
  queuedMaxBytes: 8 * 1024 * 1024,
  stalledMaxMs: 30_000,
  snapshotKeptMs: 30_000,
}

/** Sums since the process began. */
export interface RouteFeedCounters {
  /** Readers that came, of whom `resumed` needed no snapshot. */
  opened: number
  resumed: number
  /** Readers that were refused at `readersMax`. */
  refused: number
  cutOff: Record<CutOffReason, number>
  snapshotsMade: number
  writtenBytes: number
}

export interface NewReader {
  readonly socket: Socket
  /** Whoever reads, for the log. */
  readonly address: string
  readonly encoding: SnapshotEncoding
  /** undefined: all. */
  readonly tenants: ReadonlySet<string> | undefined
  /** The token of its last event. */
  readonly since: string | undefined
}

/** One write to each of ten thousand sockets takes a quarter of a second; other things go on in between. */
const sliceMaxMs = 10
/** Heartbeats go out to one part of the readers after the other, by one timer. */
const parts = 8
/** A comment: it may stand between any two lines, so also in a snapshot that is being sent. */
const heartbeat = new FeedBytes(':\n')

export class RouteReaders {
  readonly counters: RouteFeedCounters = {
    opened: 0,
    resumed: 0,
    refused: 0,
    cutOff: { queue: 0, stalled: 0, forgotten: 0 },
    snapshotsMade: 0,
    writtenBytes: 0,
  }
  readonly limits: RouteFeedLimits
  private readonly published: PublishedRoutes
  private readonly heartbeatMs: number
  private readonly audiences = new Map<string, RouteAudience>()
  private readonly byPart = Array.from({ length: parts }, () => new Set<RouteReader>())
  private readonly around: ReaderSurroundings
  private readonly timer: NodeJS.Timeout
  private readonly unsubscribe: () => void
  private beats = 0
  private nextPart = 0
  private telling: 'idle' | 'telling' | 'again' = 'idle'
  private closed = false
  count = 0

  constructor(options: {
    readonly published: PublishedRoutes
    readonly log: Log
    readonly heartbeatMs: number
    readonly limits?: Partial<RouteFeedLimits> | undefined
  }) {
    const { published, log, heartbeatMs } = options
    this.published = published
    this.heartbeatMs = heartbeatMs
    this.limits = { ...defaultRouteFeedLimits, ...options.limits }
    this.around = {
      version: () => published.table.version,
      generation: () => published.generation,
      nowMs: () => performance.now(),
      snapshot: (audience, encoding) => {
        const { text, fresh } = audience.snapshot(encoding, performance.now())
        if (fresh) this.counters.snapshotsMade++
        return text
      },
      queuedMaxBytes: this.limits.queuedMaxBytes,
      cutOff: (reader, reason, queuedBytes) => {
        this.counters.cutOff[reason]++
        log('warn', 'route-feed.reader-too-slow', { reader: reader.address, reason, queuedBytes })
      },
      written: (bytes) => {
        this.counters.writtenBytes += bytes
      },
    }
    this.unsubscribe = published.onChange(() => this.tell())
    this.timer = setInterval(() => this.beat(), Math.max(1, heartbeatMs / parts)).unref()
  }

  /** The version that a token stands for; undefined when it is none of these tenants and this store. */
  versionOf(token: string | undefined, tenants: ReadonlySet<string> | undefined): number | undefined {
    return this.audience(tenants).versionOf(token)
  }

  /** Throws TOO_MANY_READERS, and counts it. */
  checkRoom(): void {
    const { readersMax } = this.limits
    if (this.count < readersMax) return
    this.counters.refused++
    throw new Refusal(
      'TOO_MANY_READERS',
      `${this.count} readers follow the routes here, and ${readersMax} may: read from another control plane, or raise readersMax`,
    )
  }

  /** Everything after the head of the answer is ours to write. */
  add({ socket, address, encoding, tenants, since }: NewReader): void {
    if (this.closed || socket.destroyed) {
      socket.destroy()
      return
    }
    const audience = this.audience(tenants)
    const key = audienceKey(tenants)
    const reader = new RouteReader({ audience, socket, encoding, address }, this.around)
    const part = this.byPart[this.nextPart++ % parts]!
    part.add(reader)
    this.count++
    this.counters.opened++
    audience.readers++
    this.audiences.set(key, audience)
    socket.on('error', () => {})
    socket.once('close', () => {
      reader.close()
      part.delete(reader)
      this.count--
      if (--audience.readers === 0) this.audiences.delete(key)
    })
    const version = audience.resumable(since)
    if (version !== undefined) this.counters.resumed++
    reader.start(version)
  }

  close(): void {
    this.closed = true
    clearInterval(this.timer)
    this.unsubscribe()
    for (const part of this.byPart) for (const reader of part) reader.close()
  }

  private audience(tenants: ReadonlySet<string> | undefined): RouteAudience {
    return this.audiences.get(audienceKey(tenants)) ?? new RouteAudience(this.published, tenants)
  }

  /** In the tick of the change, and in slices where readers are many; what comes meanwhile goes along. */
  private tell(): void {
    if (this.telling !== 'idle') {
      this.telling = 'again'
      return
    }
    this.telling = 'telling'
    queueMicrotask(() => this.tellSlice(this.everybody()))
  }

  private tellSlice(rest: Iterator<RouteReader>): void {
    const untilMs = performance.now() + sliceMaxMs
    for (let next = rest.next(); !next.done; next = rest.next()) {
      next.value.pump()
      if (performance.now() >= untilMs) {
        setImmediate(() => this.tellSlice(rest))
        return
      }
    }
    const again = this.telling === 'again'
    this.telling = 'idle'
    if (again) this.tell()
  }

  private *everybody(): Generator<RouteReader> {
    for (const part of this.byPart) yield* part
  }

  private beat(): void {
    const part = this.byPart[this.beats++ % parts]!
    for (const reader of part) reader.beat(heartbeat, this.heartbeatMs / 2, this.limits.stalledMaxMs)
    if (this.beats % parts === 0) {
      const usedBeforeMs = performance.now() - this.limits.snapshotKeptMs
      for (const audience of this.audiences.values()) audience.forgetSnapshots(usedBeforeMs)
    }
  }
}
