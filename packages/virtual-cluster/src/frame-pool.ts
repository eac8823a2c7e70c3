import type { FrameMemory } from '@braid/kafka-protocol'

const SMALLEST_BYTES = 64 * 1024

/**
 * Buffers in sizes of powers of two, kept for the next large request. Fresh memory costs more than the copy
 * into it: the kernel has to clear and map every page.
 */
export class FramePool implements FrameMemory {
  readonly #maxBytes: number
  #keptBytes = 0
  readonly #free = new Map<number, Buffer[]>()
  /** Memory that was lent and may come back. What is never given back is simply collected. */
  readonly #lent = new WeakMap<ArrayBufferLike, Buffer>()

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  take(bytes: number): Buffer {
    let size = SMALLEST_BYTES
    while (size < bytes) size *= 2
    const kept = this.#free.get(size)?.pop()
    const buffer = kept ?? Buffer.allocUnsafeSlow(size)
    if (kept !== undefined) this.#keptBytes -= size
    this.#lent.set(buffer.buffer, buffer)
    return buffer
  }

  /** The buffer, or any slice of it. What is not the pool's is left alone. */
  give(slice: Buffer): void {
    const buffer = this.#lent.get(slice.buffer)
    if (buffer === undefined) return
    this.#lent.delete(slice.buffer)
    const size = buffer.length
    if (this.#keptBytes + size > this.#maxBytes) return
    const kept = this.#free.get(size)
    if (kept === undefined) this.#free.set(size, [buffer])
    else kept.push(buffer)
    this.#keptBytes += size
  }
}
