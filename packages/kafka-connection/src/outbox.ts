/** What the outbox needs of a socket. */
export interface Sink {
  cork(): void
  uncork(): void
  write(bytes: Buffer): boolean
  /** bytes handed over that the kernel has not taken yet */
  readonly writableLength: number
}

/** Parts up to this size are copied, so that a request of small parts is one piece; larger ones are passed as they are. */
export const COPY_MAX_BYTES = 4 * 1024
const PAGE_BYTES = 32 * 1024
const FREE_PAGES_MAX = 32

/** Pages are the process's: a connection has one only from its first byte of a tick to its flush. */
const freePages: Buffer[] = []

/**
 * Collects what one connection sends within a tick. Small parts are joined on pages, large ones keep their place between
 * the pages; the flush is one system call either way.
 */
export class Outbox {
  #pages: Buffer[] = []
  #page: Buffer | undefined
  /** on the page: [from, to) is not in `#pieces` yet */
  #from = 0
  #to = 0
  #pieces: Buffer[] = []
  #bytes = 0

  /** not flushed yet */
  get bytes(): number {
    return this.#bytes
  }

  /** A place to write `bytes` (at most COPY_MAX_BYTES) to, at `at` of the page answered. */
  reserve(bytes: number): Buffer {
    if (this.#page === undefined || this.#to + bytes > PAGE_BYTES) this.#turnPage()
    this.#to += bytes
    this.#bytes += bytes
    return this.#page!
  }

  /** Where the place that was reserved last ends on its page. */
  get reservedEnd(): number {
    return this.#to
  }

  add(part: Buffer): void {
    const bytes = part.length
    if (bytes <= COPY_MAX_BYTES) {
      const page = this.reserve(bytes)
      page.set(part, this.#to - bytes)
    } else {
      this.#closePiece()
      this.#pieces.push(part)
      this.#bytes += bytes
    }
  }

  flush(sink: Sink): void {
    this.#closePiece()
    const pieces = this.#pieces
    this.#bytes = 0
    if (pieces.length === 1) {
      sink.write(pieces[0]!)
    } else if (pieces.length > 1) {
      sink.cork()
      for (const piece of pieces) sink.write(piece)
      sink.uncork()
    }
    pieces.length = 0
    // Bytes that the kernel has taken already (nearly always) leave their pages free. Otherwise the socket still
    // refers to them, and the collector takes them when it is done.
    if (sink.writableLength === 0) {
      if (this.#page !== undefined && freePages.length < FREE_PAGES_MAX) freePages.push(this.#page)
      for (const page of this.#pages) if (freePages.length < FREE_PAGES_MAX) freePages.push(page)
    }
    this.#page = undefined
    this.#pages.length = 0
    this.#from = 0
    this.#to = 0
  }

  clear(): void {
    this.#pieces.length = 0
    this.#pages.length = 0
    this.#page = undefined
    this.#from = 0
    this.#to = 0
    this.#bytes = 0
  }

  #closePiece(): void {
    if (this.#to === this.#from) return
    this.#pieces.push(this.#page!.subarray(this.#from, this.#to))
    this.#from = this.#to
  }

  #turnPage(): void {
    this.#closePiece()
    if (this.#page !== undefined) this.#pages.push(this.#page)
    this.#page = freePages.pop() ?? Buffer.allocUnsafeSlow(PAGE_BYTES)
    this.#from = 0
    this.#to = 0
  }
}
