import type { Socket } from 'node:net'
import { FrameBounds } from './frame-bounds.ts'

/** One direction of a link, shared by its connections. */
export interface FlowConditions {
  open: boolean
  delayMs: number
  jitterMs: number
  bytesPerSecond: number
  /** When the last byte that was given to this direction leaves it. */
  busyUntilMs: number
}

export interface FlowOwner {
  /** Asked at the start of every frame: cut this one? */
  cutFrame(): { afterBytes: number; done: () => void } | undefined
  reset(): void
}

type Item = { readonly dueMs: number } & (
  | { readonly kind: 'bytes'; readonly bytes: Buffer }
  | { readonly kind: 'end' }
  | { readonly kind: 'reset' }
)

/** Above this the source is not read: the sender then feels a full link. */
const HELD_MAX_BYTES = 4 * 1024 * 1024
/** With limited bandwidth, bytes leave in slices of about this time. */
const SLICE_MS = 20

/** Bytes, ends and resets of one connection in one direction, in order, each when it is due and the link is open. */
export class Flow {
  readonly #source: Socket
  readonly #target: Socket
  readonly #conditions: FlowConditions
  readonly #owner: FlowOwner
  readonly #frames = new FrameBounds()
  readonly #held: Item[] = []
  #heldBytes = 0
  #lastDueMs = 0
  #timer: NodeJS.Timeout | undefined
  #stopped = false
  /** The frame that is being cut short: how much of what comes is still forwarded. */
  #cutting: { leftBytes: number; readonly done: () => void } | undefined

  constructor(source: Socket, target: Socket, conditions: FlowConditions, owner: FlowOwner) {
    this.#source = source
    this.#target = target
    this.#conditions = conditions
    this.#owner = owner
    source.on('data', (bytes: Buffer) => this.#take(bytes))
    source.once('end', () => this.#hold({ kind: 'end', dueMs: this.#due(0) }))
    source.once('error', () => this.#hold({ kind: 'reset', dueMs: this.#due(0) }))
    target.on('drain', () => this.#forward())
  }

  conditionsChanged(): void {
    this.#forward()
  }

  stop(): void {
    this.#stopped = true
    clearTimeout(this.#timer)
    this.#held.length = 0
  }

  #take(bytes: Buffer): void {
    const { bytesPerSecond } = this.#conditions
    const slice = Number.isFinite(bytesPerSecond)
      ? Math.ceil((bytesPerSecond * SLICE_MS) / 1_000)
      : bytes.length
    for (let at = 0; at < bytes.length; at += slice) {
      const part = bytes.subarray(at, at + slice)
      this.#hold({ kind: 'bytes', bytes: part, dueMs: this.#due(part.length) })
    }
  }

  #due(bytes: number): number {
    const conditions = this.#conditions
    const sentMs =
      Math.max(conditions.busyUntilMs, performance.now()) + (bytes / conditions.bytesPerSecond) * 1_000
    conditions.busyUntilMs = sentMs
    // Never before what was taken earlier: a stream has one order.
    this.#lastDueMs = Math.max(
      this.#lastDueMs,
      sentMs + conditions.delayMs + Math.random() * conditions.jitterMs,
    )
    return this.#lastDueMs
  }

  #hold(item: Item): void {
    if (this.#stopped) return
    this.#held.push(item)
    if (item.kind === 'bytes') this.#heldBytes += item.bytes.length
    if (this.#heldBytes > HELD_MAX_BYTES) this.#source.pause()
    this.#forward()
  }

  #forward(): void {
    clearTimeout(this.#timer)
    while (!this.#stopped && this.#conditions.open && !this.#target.writableNeedDrain) {
      const [item] = this.#held
      if (item === undefined) break
      const waitMs = item.dueMs - performance.now()
      if (waitMs > 0) {
        this.#timer = setTimeout(() => this.#forward(), Math.ceil(waitMs))
        return
      }
      this.#held.shift()
      this.#deliver(item)
    }
    if (this.#heldBytes <= HELD_MAX_BYTES && !this.#stopped) this.#source.resume()
  }

  #deliver(item: Item): void {
    if (item.kind === 'end') this.#target.end()
    else if (item.kind === 'reset') this.#owner.reset()
    else {
      this.#heldBytes -= item.bytes.length
      this.#write(item.bytes)
    }
  }

  #write(bytes: Buffer): void {
    if (this.#cutting === undefined) {
      for (const { at, frameBytes } of this.#frames.startsIn(bytes)) {
        const cut = this.#owner.cutFrame()
        if (cut === undefined) continue
        // A frame whose length is not there yet is cut behind its length at the latest.
        const forwarded = Math.min(cut.afterBytes, Number.isFinite(frameBytes) ? frameBytes - 1 : 4)
        this.#cutting = { leftBytes: at + forwarded, done: cut.done }
        break
      }
    }
    const cutting = this.#cutting
    if (cutting === undefined || cutting.leftBytes > bytes.length) {
      if (cutting !== undefined) cutting.leftBytes -= bytes.length
      this.#target.write(bytes)
      return
    }
    this.#stopped = true
    this.#target.write(bytes.subarray(0, cutting.leftBytes), () => {
      this.#owner.reset()
      cutting.done()
    })
  }
}
