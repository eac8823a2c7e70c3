export interface FrameStart {
  /** Where in the piece. */
  readonly at: number
  /** With the four bytes of its length; Infinity while these have not all come. */
  readonly frameBytes: number
}

/** Where frames (four bytes of length, then as many bytes) start in a stream that comes in pieces of any size. */
export class FrameBounds {
  #bodyLeft = 0
  #length = 0
  #lengthBytes = 0

  /** The frames that start in the next piece. */
  startsIn(piece: Buffer): FrameStart[] {
    const starts: FrameStart[] = []
    for (let at = 0; at < piece.length; ) {
      if (this.#bodyLeft > 0) {
        const skipped = Math.min(this.#bodyLeft, piece.length - at)
        this.#bodyLeft -= skipped
        at += skipped
        continue
      }
      const start = this.#lengthBytes === 0 ? at : undefined
      while (this.#lengthBytes < 4 && at < piece.length) {
        this.#length = (this.#length << 8) | piece.readUInt8(at++)
        this.#lengthBytes++
      }
      const known = this.#lengthBytes === 4
      if (start !== undefined)
        starts.push({ at: start, frameBytes: known ? this.#length + 4 : Number.POSITIVE_INFINITY })
      if (!known) break
      this.#bodyLeft = Math.max(0, this.#length)
      this.#length = 0
      this.#lengthBytes = 0
    }
    return starts
  }
}
