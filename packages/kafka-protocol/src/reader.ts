import { highWord, int64Cell, int64Words, lowWord } from './int64-scratch.ts'
import { ProtocolError } from './protocol-error.ts'
import { readUuid } from './uuid.ts'

/**
 * How many strings and structs one reader makes of one frame, unless told otherwise. A hostile frame of empty structs
 * costs three bytes each on the wire and about a hundred in memory; this bounds the second.
 */
export const ELEMENTS_MAX = 1_000_000

/**
 * Reads Kafka's primitive types from a slice of a buffer. Nothing is copied: bytes come back as slices.
 * Every method throws ProtocolError, and never reads past `end`.
 */
export class Reader {
  readonly buffer: Buffer
  offset: number
  readonly end: number
  /** What is left of ELEMENTS_MAX. Whoever trusts the sender may raise it. */
  elementsLeft = ELEMENTS_MAX

  constructor(buffer: Buffer, offset = 0, end = buffer.length) {
    this.buffer = buffer
    this.offset = offset
    this.end = end
  }

  get remaining(): number {
    return this.end - this.offset
  }

  skip(bytes: number): void {
    this.take(bytes)
  }

  int8(): number {
    const at = this.take(1)
    return (this.buffer[at]! << 24) >> 24
  }

  boolean(): boolean {
    const at = this.take(1)
    return this.buffer[at] !== 0
  }

  int16(): number {
    const at = this.take(2)
    const b = this.buffer
    return ((b[at]! << 24) >> 16) | b[at + 1]!
  }

  int32(): number {
    const at = this.take(4)
    const b = this.buffer
    return (b[at]! << 24) | (b[at + 1]! << 16) | (b[at + 2]! << 8) | b[at + 3]!
  }

  uint32(): number {
    return this.int32() >>> 0
  }

  int64(): bigint {
    const at = this.take(8)
    const b = this.buffer
    int64Words[highWord] = (b[at]! << 24) | (b[at + 1]! << 16) | (b[at + 2]! << 8) | b[at + 3]!
    int64Words[lowWord] = (b[at + 4]! << 24) | (b[at + 5]! << 16) | (b[at + 6]! << 8) | b[at + 7]!
    return int64Cell[0]!
  }

  float64(): number {
    const at = this.take(8)
    return this.buffer.readDoubleBE(at)
  }

  uuid(): string {
    const at = this.take(16)
    return readUuid(this.buffer, at)
  }

  /** 32 bits, unsigned, at most five bytes. */
  unsignedVarint(): number {
    const first = this.buffer[this.offset]!
    if (first < 0x80 && this.offset < this.end) {
      this.offset++
      return first
    }
    return this.longUnsignedVarint()
  }

  /** 32 bits, zigzag. */
  varint(): number {
    const zigzag = this.unsignedVarint()
    return (zigzag >>> 1) ^ -(zigzag & 1)
  }

  /** 64 bits, zigzag, at most ten bytes. */
  varlong(): bigint {
    let value = 0n
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.buffer[this.take(1)]!
      value |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) {
        if (value > 0xffff_ffff_ffff_ffffn) break
        return (value >> 1n) ^ -(value & 1n)
      }
    }
    throw new ProtocolError('BAD_VARINT', this.offset, 'a varlong of more than 64 bits')
  }

  string(): string {
    return this.text(this.notNull(this.int16()))
  }

  nullableString(): string | null {
    const length = this.int16()
    return length === -1 ? null : this.text(length)
  }

  compactString(): string {
    return this.text(this.notNull(this.unsignedVarint() - 1))
  }

  compactNullableString(): string | null {
    const length = this.unsignedVarint() - 1
    return length === -1 ? null : this.text(length)
  }

  bytes(): Buffer {
    return this.slice(this.notNull(this.int32()))
  }

  nullableBytes(): Buffer | null {
    const length = this.int32()
    return length === -1 ? null : this.slice(length)
  }

  compactBytes(): Buffer {
    return this.slice(this.notNull(this.unsignedVarint() - 1))
  }

  compactNullableBytes(): Buffer | null {
    const length = this.unsignedVarint() - 1
    return length === -1 ? null : this.slice(length)
  }

  /** -1 is null. A count above the bytes that remain is refused: every element takes one byte at least. */
  arrayLength(): number {
    return this.count(this.int32())
  }

  compactArrayLength(): number {
    return this.count(this.unsignedVarint() - 1)
  }

  /** To be called with an array's length when its elements become objects. */
  spendElements(count: number): void {
    this.elementsLeft -= count
    if (this.elementsLeft < 0) {
      throw new ProtocolError(
        'TOO_MANY_ELEMENTS',
        this.offset,
        `${count} more elements are over the reader's bound`,
      )
    }
  }

  /** Tagged fields, none of which is wanted. */
  skipTags(): void {
    for (let left = this.unsignedVarint(); left > 0; left--) {
      this.unsignedVarint()
      this.take(this.unsignedVarint())
    }
  }

  /** The position where the content of a tagged field that starts here must end. */
  tagEnd(): number {
    const bytes = this.unsignedVarint()
    if (bytes > this.end - this.offset) this.refuseTruncated(bytes)
    return this.offset + bytes
  }

  /** A tagged field was read whose content should have ended at `end`. */
  endTag(end: number): void {
    if (this.offset !== end) {
      throw new ProtocolError(
        'BAD_LENGTH',
        this.offset,
        `a tagged field ends here, its size says byte ${end}`,
      )
    }
  }

  private take(bytes: number): number {
    const at = this.offset
    if (bytes < 0 || bytes > this.end - at) this.refuseTruncated(bytes)
    this.offset = at + bytes
    return at
  }

  private text(bytes: number): string {
    const at = this.take(bytes)
    return bytes === 0 ? '' : this.buffer.toString('utf8', at, at + bytes)
  }

  private slice(bytes: number): Buffer {
    const at = this.take(bytes)
    return this.buffer.subarray(at, at + bytes)
  }

  private notNull(length: number): number {
    if (length === -1) throw new ProtocolError('BAD_NULL', this.offset, 'null where a value must be')
    return length
  }

  private count(length: number): number {
    if (length < -1 || length > this.end - this.offset) {
      throw new ProtocolError('BAD_LENGTH', this.offset, `${length} elements in ${this.remaining} bytes`)
    }
    return length
  }

  private longUnsignedVarint(): number {
    let value = 0
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.buffer[this.take(1)]!
      if (shift === 28 && byte > 0x0f) break
      value |= (byte & 0x7f) << shift
      if (byte < 0x80) return value >>> 0
    }
    throw new ProtocolError('BAD_VARINT', this.offset, 'a varint of more than 32 bits')
  }

  private refuseTruncated(bytes: number): never {
    if (bytes < 0) throw new ProtocolError('BAD_LENGTH', this.offset, `a length of ${bytes}`)
    throw new ProtocolError('TRUNCATED', this.offset, `${bytes} bytes wanted, ${this.remaining} there`)
  }
}
