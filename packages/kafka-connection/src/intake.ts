import type { FrameMemory } from '@braid/kafka-protocol'

/**
 * Turns what a socket reads into frames, with at most one copy of a byte.
 *
 * Bytes are read to a scratch that all connections of the process share, so an idle connection holds no memory; each
 * frame found there is copied to a buffer of its own, so a frame that somebody keeps holds nothing but itself. (Reads
 * never overlap: Node reads to the buffer and calls back before the next read, of any socket.) Once a long frame's size
 * is known, the rest of it is read straight into its own buffer.
 */
const SCRATCH_BYTES = 128 * 1024
/** From so many missing bytes on, a frame is read to directly. Below, one read may bring the frames behind it as well. */
const DIRECT_MIN_BYTES = 32 * 1024
/** A frame must at least hold its correlation id. */
const FRAME_MIN_BYTES = 4

// Memory that is only claimed costs nothing: pages become real when bytes arrive.
const heap = { take: (bytes: number) => Buffer.allocUnsafeSlow(bytes) }

const scratch = Buffer.allocUnsafeSlow(SCRATCH_BYTES)

export class Intake {
  readonly #maxFrameBytes: number
  readonly #memory: Pick<FrameMemory, 'take'>
  /** Answers false to stop: nothing more is delivered. */
  readonly #onFrame: (frame: Buffer) => boolean
  #size = 0
  #sizeBytes = 0
  #frame: Buffer | undefined
  #have = 0

  constructor(
    maxFrameBytes: number,
    onFrame: (frame: Buffer) => boolean,
    memory: Pick<FrameMemory, 'take'> = heap,
  ) {
    this.#maxFrameBytes = maxFrameBytes
    this.#memory = memory
    this.#onFrame = onFrame
  }

  /** Where the next read goes. */
  buffer(): Buffer {
    const frame = this.#frame
    if (frame === undefined || frame.length - this.#have < DIRECT_MIN_BYTES) return scratch
    return frame.subarray(this.#have)
  }

  /** So many bytes were read to the buffer. Answers what is wrong with them, or undefined. */
  take(bytes: number, buffer: Buffer): string | undefined {
    if (buffer === scratch) return this.#parse(buffer, bytes)
    this.#have += bytes
    if (this.#have === this.#frame!.length) this.#deliver()
    return undefined
  }

  #deliver(): boolean {
    const frame = this.#frame!
    this.#frame = undefined
    this.#have = 0
    return this.#onFrame(frame)
  }

  #parse(from: Buffer, end: number): string | undefined {
    let at = 0
    while (at < end) {
      const frame = this.#frame
      if (frame !== undefined) {
        const bytes = Math.min(frame.length - this.#have, end - at)
        from.copy(frame, this.#have, at, at + bytes)
        this.#have += bytes
        at += bytes
        if (this.#have === frame.length && !this.#deliver()) return undefined
        continue
      }
      if (this.#sizeBytes === 0 && end - at >= 4) {
        this.#size = from.readInt32BE(at)
        at += 4
      } else {
        this.#size = (this.#size << 8) | from[at++]!
        if (++this.#sizeBytes < 4) continue
        this.#sizeBytes = 0
      }
      const size = this.#size
      this.#size = 0
      if (size < FRAME_MIN_BYTES) return `an answer of ${size} bytes, less than its header`
      if (size > this.#maxFrameBytes)
        return `an answer of ${size} bytes, more than maxFrameBytes (${this.#maxFrameBytes})`
      this.#frame =
        size < DIRECT_MIN_BYTES ? Buffer.allocUnsafe(size) : this.#memory.take(size).subarray(0, size)
    }
    return undefined
  }
}
