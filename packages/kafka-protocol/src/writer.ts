import { highWord, int64Cell, int64Words, lowWord } from './int64-scratch.ts'
import { ProtocolError } from './protocol-error.ts'
import { writeUuid } from './uuid.ts'

const STRING_BYTES_MAX = 0x7fff
const INT32_MAX = 0x7fff_ffff
/** Up to here a loop over the characters beats two calls into the runtime. */
const SHORT_STRING_CHARS = 64

/**
 * Writes Kafka's primitive types into a buffer that grows.
 *
 * With `spliceFromBytes`, bytes of that length or more are not copied: they become parts of their own, and `parts()`
 * gives what to write to a socket in order. Without it everything is one slice, `finish()`.
 */
export class Writer {
  private buffer: Buffer
  private offset = 0
  private readonly spliceFromBytes: number
  /** Which bytes come in at which position of `buffer`. */
  private splices: { at: number; bytes: Buffer }[] | null = null
  private splicedBytes = 0

  constructor(initialBytes = 256, spliceFromBytes = Number.POSITIVE_INFINITY) {
    this.buffer = Buffer.allocUnsafe(initialBytes)
    this.spliceFromBytes = spliceFromBytes
  }

  /** Bytes written so far, spliced ones too. */
  get length(): number {
    return this.offset + this.splicedBytes
  }

  /** What was written, as one slice. The writer must not be used after it. */
  finish(): Buffer {
    if (this.splices === null) return this.buffer.subarray(0, this.offset)
    return Buffer.concat(this.parts())
  }

  /** What was written, in order, spliced bytes as they were given. The writer must not be used after it. */
  parts(): Buffer[] {
    const parts: Buffer[] = []
    let written = 0
    for (const { at, bytes } of this.splices ?? []) {
      if (at > written) parts.push(this.buffer.subarray(written, at))
      parts.push(bytes)
      written = at
    }
    if (this.offset > written || parts.length === 0) parts.push(this.buffer.subarray(written, this.offset))
    return parts
  }

  int8(value: number): void {
    const at = this.reserve(1)
    this.buffer[at] = value
  }

  boolean(value: boolean): void {
    const at = this.reserve(1)
    this.buffer[at] = value ? 1 : 0
  }

  int16(value: number): void {
    const at = this.reserve(2)
    const b = this.buffer
    b[at] = value >> 8
    b[at + 1] = value
  }

  int32(value: number): void {
    const at = this.reserve(4)
    this.setInt32(at, value)
  }

  uint32(value: number): void {
    this.int32(value | 0)
  }

  int64(value: bigint): void {
    const at = this.reserve(8)
    int64Cell[0] = value
    this.setInt32(at, int64Words[highWord]!)
    this.setInt32(at + 4, int64Words[lowWord]!)
  }

  float64(value: number): void {
    const at = this.reserve(8)
    this.buffer.writeDoubleBE(value, at)
  }

  uuid(value: string): void {
    const at = this.reserve(16)
    if (writeUuid(this.buffer, at, value) !== 16) {
      throw new ProtocolError('BAD_LENGTH', this.length, `not a UUID: ${value}`)
    }
  }

  unsignedVarint(value: number): void {
    let at = this.reserve(5)
    const b = this.buffer
    let rest = value >>> 0
    while (rest > 0x7f) {
      b[at++] = rest | 0x80
      rest >>>= 7
    }
    b[at++] = rest
    this.offset = at
  }

  varint(value: number): void {
    this.unsignedVarint((value << 1) ^ (value >> 31))
  }

  varlong(value: bigint): void {
    let rest = BigInt.asUintN(64, (value << 1n) ^ (value >> 63n))
    while (rest > 0x7fn) {
      this.int8(Number(rest & 0x7fn) | 0x80)
      rest >>= 7n
    }
    this.int8(Number(rest))
  }

  string(value: string): void {
    const chars = value.length
    if (chars <= SHORT_STRING_CHARS) {
      const at = this.reserve(2 + chars)
      if (this.writeAscii(value, at + 2)) {
        this.buffer[at] = 0
        this.buffer[at + 1] = chars
        return
      }
      this.offset = at
    }
    const bytes = Buffer.byteLength(value)
    if (bytes > STRING_BYTES_MAX) {
      throw new ProtocolError(
        'BAD_LENGTH',
        this.length,
        `a string of ${bytes} bytes, at most ${STRING_BYTES_MAX}`,
      )
    }
    this.int16(bytes)
    const at = this.reserve(bytes)
    this.buffer.write(value, at, bytes, 'utf8')
  }

  nullableString(value: string | null): void {
    if (value === null) this.int16(-1)
    else this.string(value)
  }

  compactString(value: string): void {
    const chars = value.length
    if (chars <= SHORT_STRING_CHARS) {
      const at = this.reserve(1 + chars)
      if (this.writeAscii(value, at + 1)) {
        this.buffer[at] = chars + 1
        return
      }
      this.offset = at
    }
    const bytes = Buffer.byteLength(value)
    this.unsignedVarint(bytes + 1)
    const at = this.reserve(bytes)
    this.buffer.write(value, at, bytes, 'utf8')
  }

  compactNullableString(value: string | null): void {
    if (value === null) this.unsignedVarint(0)
    else this.compactString(value)
  }

  bytes(value: Buffer): void {
    this.int32(value.length)
    this.raw(value)
  }

  nullableBytes(value: Buffer | null): void {
    if (value === null) this.int32(-1)
    else this.bytes(value)
  }

  compactBytes(value: Buffer): void {
    this.unsignedVarint(value.length + 1)
    this.raw(value)
  }

  compactNullableBytes(value: Buffer | null): void {
    if (value === null) this.unsignedVarint(0)
    else this.compactBytes(value)
  }

  /** -1 is null. */
  arrayLength(length: number): void {
    this.int32(length)
  }

  compactArrayLength(length: number): void {
    this.unsignedVarint(length + 1)
  }

  /** No tagged fields. */
  skipTags(): void {
    this.int8(0)
  }

  raw(bytes: Buffer): void {
    if (bytes.length >= this.spliceFromBytes) {
      this.splice(bytes)
      return
    }
    const at = this.reserve(bytes.length)
    bytes.copy(this.buffer, at)
  }

  /** Room for an int32 that is known later (a frame's size): give the mark to `fillInt32`. */
  reserveInt32(): number {
    return this.reserve(4)
  }

  fillInt32(mark: number, value: number): void {
    this.setInt32(mark, value)
  }

  /** Starts a tagged field: the caller writes its content, then `endTag` with the mark. */
  beginTag(tag: number): number {
    this.unsignedVarint(tag)
    return this.reserve(1)
  }

  /** Most tagged fields are short, so one byte is kept for the size and the content moves only when it is longer. */
  endTag(mark: number): void {
    const bytes = this.offset - mark - 1
    if (bytes > 0x7f) {
      const sizeBytes = bytes > 0x1f_ffff ? 4 : bytes > 0x3fff ? 3 : 2
      this.reserve(sizeBytes - 1)
      this.buffer.copyWithin(mark + sizeBytes, mark + 1, mark + 1 + bytes)
      const end = this.offset
      this.offset = mark
      this.unsignedVarint(bytes)
      this.offset = end
      return
    }
    this.buffer[mark] = bytes
  }

  private setInt32(at: number, value: number): void {
    const b = this.buffer
    b[at] = value >> 24
    b[at + 1] = value >> 16
    b[at + 2] = value >> 8
    b[at + 3] = value
  }

  private reserve(bytes: number): number {
    const at = this.offset
    const end = at + bytes
    if (end > this.buffer.length) this.grow(end)
    this.offset = end
    return at
  }

  private grow(end: number): void {
    if (end > INT32_MAX)
      throw new ProtocolError('BAD_LENGTH', this.length, `a frame cannot hold ${end} bytes`)
    const larger = Buffer.allocUnsafe(Math.max(end, this.buffer.length * 2))
    this.buffer.copy(larger, 0, 0, this.offset)
    this.buffer = larger
  }

  /** False when a character is not ASCII; what was written is to be overwritten then. */
  private writeAscii(value: string, at: number): boolean {
    const b = this.buffer
    for (let i = 0; i < value.length; i++) {
      const char = value.charCodeAt(i)
      if (char > 0x7f) return false
      b[at + i] = char
    }
    return true
  }

  private splice(bytes: Buffer): void {
    this.splices ??= []
    this.splices.push({ at: this.offset, bytes })
    this.splicedBytes += bytes.length
  }
}
