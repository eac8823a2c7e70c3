// One reader of the routes, at the other end of a socket.
//
//     start() ──> snapshot ──whole──> behind ──caught up──> live
//          └──resumes──────────────────^                     changes are written as they come
//
// A reader in `snapshot` or `behind` is written to as fast as it reads, and nothing waits for it in memory but a
// chunk that all readers share. One that is live is written to at once; what it does not read is bounded.
import type { Socket } from 'node:net'
import { type FeedBytes, gzipHeader } from './feed-bytes.ts'
import type { RouteAudience } from './route-audience.ts'
import type { SnapshotEncoding, SnapshotText } from './snapshot-text.ts'

type ReaderState =
  | { readonly state: 'snapshot'; readonly text: SnapshotText; next: number }
  | { readonly state: 'behind'; version: number }
  | { readonly state: 'live'; version: number }
  | { readonly state: 'closed' }

/** What a reader needs of those who keep it. */
export interface ReaderSurroundings {
  /** Of the routes as they are published. */
  version(): number
  /** Another one: whatever a reader has is of another table. */
  generation(): number
  nowMs(): number
  snapshot(audience: RouteAudience, encoding: SnapshotEncoding): SnapshotText
  readonly queuedMaxBytes: number
  /** The reader has not read what was sent: it has been cut off. */
  cutOff(reader: RouteReader, reason: CutOffReason, queuedBytes: number): void
  written(bytes: number): void
}

/** `queue`: too much waits in its socket. `stalled`: it reads nothing. `forgotten`: it needs changes that are not kept. */
export type CutOffReason = 'queue' | 'stalled' | 'forgotten'

export class RouteReader {
  readonly audience: RouteAudience
  readonly address: string
  private readonly socket: Socket
  private readonly encoding: SnapshotEncoding
  private readonly around: ReaderSurroundings
  private now: ReaderState = { state: 'closed' }
  private generation: number
  private sentBytes = 0
  private readBytes = 0
  private readAtMs: number
  private writtenAtMs: number

  constructor(
    parts: {
      readonly audience: RouteAudience
      readonly socket: Socket
      readonly encoding: SnapshotEncoding
      readonly address: string
    },
    around: ReaderSurroundings,
  ) {
    this.audience = parts.audience
    this.socket = parts.socket
    this.encoding = parts.encoding
    this.address = parts.address
    this.around = around
    this.generation = around.generation()
    this.readAtMs = this.writtenAtMs = around.nowMs()
    this.socket.on('drain', this.pump)
  }

  /** `version`: what it has already; undefined asks for a snapshot. */
  start(version: number | undefined): void {
    if (this.encoding === 'gzip') this.write(gzipHeader)
    if (version === undefined) this.fromSnapshot()
    else {
      this.send(this.audience.resumed(version))
      this.now = { state: 'behind', version }
    }
    this.pump()
  }

  /** Writes what it has not been sent. */
  readonly pump = (): void => {
    if (this.now.state === 'closed') return
    if (this.generation !== this.around.generation()) this.startAnew()
    if (this.now.state === 'snapshot') this.pumpSnapshot(this.now)
    if (this.now.state === 'behind' || this.now.state === 'live') this.pumpChanges(this.now)
  }

  /** Shows that we are there, unless something else did; and looks whether the reader is. */
  beat(heartbeat: FeedBytes, quietMs: number, stalledMaxMs: number): void {
    if (this.now.state === 'closed') return
    const nowMs = this.around.nowMs()
    const queuedBytes = this.socket.writableLength
    const readBytes = this.sentBytes - queuedBytes
    if (queuedBytes === 0 || readBytes > this.readBytes) {
      this.readBytes = readBytes
      this.readAtMs = nowMs
    } else if (nowMs - this.readAtMs >= stalledMaxMs) {
      this.cutOff('stalled')
      return
    }
    if (queuedBytes === 0 && nowMs - this.writtenAtMs >= quietMs) this.send(heartbeat)
  }

  /** Nothing is written any more. */
  close(): void {
    if (this.now.state === 'snapshot') this.now.text.forget(this.pump)
    this.now = { state: 'closed' }
    this.socket.destroy()
  }

  private fromSnapshot(): void {
    const text = this.around.snapshot(this.audience, this.encoding)
    this.now = { state: 'snapshot', text, next: 0 }
  }

  private startAnew(): void {
    this.generation = this.around.generation()
    if (this.now.state !== 'snapshot') this.fromSnapshot()
    // Half an event is sent, and nothing can follow it: it comes back by itself.
    else if (this.now.next > 0) this.close()
    else {
      this.now.text.forget(this.pump)
      this.fromSnapshot()
    }
  }

  private pumpSnapshot(now: ReaderState & { state: 'snapshot' }): void {
    const { text } = now
    while (now.next < text.chunks.length) {
      if (this.socket.writableNeedDrain) return
      this.write(text.chunks[now.next++]!)
    }
    if (text.state === 'making') text.wait(this.pump)
    else if (text.state === 'failed') this.cutOff('forgotten')
    else this.now = { state: 'behind', version: text.version }
  }

  private pumpChanges(now: ReaderState & { state: 'behind' | 'live' }): void {
    while (now.version < this.around.version()) {
      if (now.state === 'behind' && this.socket.writableNeedDrain) return
      if (now.state === 'live' && this.socket.writableLength > this.around.queuedMaxBytes) {
        this.cutOff('queue')
        return
      }
      const changes = this.audience.after(now.version)
      if (changes === undefined) {
        this.cutOff('forgotten')
        return
      }
      this.send(changes.bytes)
      now.version = changes.version
    }
    if (now.state === 'behind') this.now = { state: 'live', version: now.version }
  }

  private cutOff(reason: CutOffReason): void {
    const queuedBytes = this.socket.writableLength
    this.close()
    this.around.cutOff(this, reason, queuedBytes)
  }

  private send(bytes: FeedBytes): void {
    this.write(this.encoding === 'gzip' ? bytes.gzip : bytes.plain)
  }

  private write(bytes: Buffer): void {
    this.sentBytes += bytes.length
    this.writtenAtMs = this.around.nowMs()
    this.around.written(bytes.length)
    this.socket.write(bytes)
  }
}
