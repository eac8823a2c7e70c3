import { ProtocolError } from './protocol-error.ts'

export interface FrameReaderOptions {
  /** A frame that claims more is refused before anything is allocated for it. */
  readonly maxFrameBytes: number
  /** Where frames that do not lie in a chunk whole are put together; the process's heap when absent. */
  readonly memory?: FrameMemory
  /** Chunks are used again after `push`: no frame may be a slice of one. */
  readonly chunksAreReused?: boolean
}

/** Lends buffers, so that a stream of large frames does not ask the system for memory each time. */
export interface FrameMemory {
  /** At least so many bytes; their content does not matter. */
  take(bytes: number): Buffer
  /** A buffer that `take` gave, and that nobody refers to any more. */
  give(buffer: Buffer): void
}

const heap: FrameMemory = { take: (bytes) => Buffer.allocUnsafeSlow(bytes), give: () => {} }

/** A frame up to this size gets its buffer at once; a larger one has to arrive to be believed. */
const EAGER_BYTES = 1 << 20
/** From so many missing bytes on it is worth reading straight into the frame. */
const DIRECT_MIN_BYTES = 32 * 1024
const GROWTH = 4

/**
 * Cuts a stream into frames (an int32 size, then so many bytes). A frame that lies in a chunk whole is a slice of the
 * chunk, any other is copied once as it arrives; one above a megabyte gets memory in proportion to what has arrived.
 *
 *     between frames --size known--> in frame --last byte--> between frames
 *     either --impossible size--> broken (every later push throws the same error)
 */
export class FrameReader {
  private readonly maxFrameBytes: number
  private readonly memory: FrameMemory
  private readonly slices: boolean
  private readonly sizeBytes = Buffer.alloc(4)
  private sizeHave = 0
  private frame: Buffer | null = null
  private frameBytes = 0
  private frameHave = 0
  private broken: ProtocolError | null = null

  constructor(options: FrameReaderOptions) {
    this.maxFrameBytes = options.maxFrameBytes
    this.memory = options.memory ?? heap
    this.slices = options.chunksAreReused !== true
  }

  /** Bytes that are kept until their frame is complete. */
  get pendingBytes(): number {
    return this.sizeHave + this.frameHave
  }

  /** @throws ProtocolError FRAME_TOO_LARGE or BAD_LENGTH: the stream is then lost, close it. */
  push(chunk: Buffer, onFrame: (frame: Buffer) => void): void {
    if (this.broken !== null) throw this.broken
    let at = 0
    while (at < chunk.length) {
      if (this.frame === null) {
        if (this.sizeHave === 0 && chunk.length - at >= 4) {
          const bytes = this.checkSize(chunk.readInt32BE(at))
          at += 4
          if (chunk.length - at >= bytes) {
            const frame = this.slices ? chunk.subarray(at, at + bytes) : this.copyOf(chunk, at, bytes)
            at += bytes
            onFrame(frame)
            continue
          }
          this.begin(bytes)
        } else {
          this.sizeBytes[this.sizeHave++] = chunk[at++]!
          if (this.sizeHave < 4) continue
          this.sizeHave = 0
          this.begin(this.checkSize(this.sizeBytes.readInt32BE(0)))
        }
      }
      at += this.fill(chunk, at)
      this.deliver(onFrame)
    }
  }

  /**
   * Where the next bytes of the stream may be read to instead of to a chunk, so that they are not copied: the
   * missing part of a large frame, or as much of it as has memory. Null: read to a chunk, and `push` it.
   */
  direct(): Buffer | null {
    if (this.frame === null || this.broken !== null) return null
    if (this.frameHave === this.frame.length) this.grow(this.frameHave + 1)
    const end = Math.min(this.frame.length, this.frameBytes)
    return end - this.frameHave < DIRECT_MIN_BYTES ? null : this.frame.subarray(this.frameHave, end)
  }

  /** So many bytes were read to what `direct` gave last. */
  readDirectly(bytes: number, onFrame: (frame: Buffer) => void): void {
    this.frameHave += bytes
    this.deliver(onFrame)
  }

  private deliver(onFrame: (frame: Buffer) => void): void {
    if (this.frame === null || this.frameHave < this.frameBytes) return
    const frame = this.frame.subarray(0, this.frameBytes)
    this.frame = null
    this.frameHave = 0
    onFrame(frame)
  }

  private copyOf(chunk: Buffer, at: number, bytes: number): Buffer {
    const frame =
      bytes < DIRECT_MIN_BYTES ? Buffer.allocUnsafe(bytes) : this.memory.take(bytes).subarray(0, bytes)
    chunk.copy(frame, 0, at, at + bytes)
    return frame
  }

  private begin(bytes: number): void {
    this.frameBytes = bytes
    this.frameHave = 0
    this.frame =
      bytes < DIRECT_MIN_BYTES ? Buffer.allocUnsafe(bytes) : this.memory.take(Math.min(bytes, EAGER_BYTES))
  }

  private fill(chunk: Buffer, at: number): number {
    const bytes = Math.min(this.frameBytes - this.frameHave, chunk.length - at)
    const end = this.frameHave + bytes
    if (end > this.frame!.length) this.grow(end)
    chunk.copy(this.frame!, this.frameHave, at, at + bytes)
    this.frameHave = end
    return bytes
  }

  private grow(end: number): void {
    const frame = this.frame!
    const larger = this.memory.take(Math.min(this.frameBytes, Math.max(end, frame.length * GROWTH)))
    frame.copy(larger, 0, 0, this.frameHave)
    this.memory.give(frame)
    this.frame = larger
  }

  private checkSize(bytes: number): number {
    if (bytes >= 0 && bytes <= this.maxFrameBytes) return bytes
    this.broken =
      bytes < 0
        ? new ProtocolError('BAD_LENGTH', 0, `a frame of ${bytes} bytes`)
        : new ProtocolError('FRAME_TOO_LARGE', 0, `a frame of ${bytes} bytes, at most ${this.maxFrameBytes}`)
    throw this.broken
  }
}
