import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { COPY_MAX_BYTES, Outbox, type Sink } from './outbox.ts'

class FakeSink implements Sink {
  writableLength = 0
  readonly writes: Buffer[] = []
  corked = 0
  uncorked = 0
  cork() {
    this.corked++
  }
  uncork() {
    this.uncorked++
  }
  write(bytes: Buffer) {
    this.writes.push(bytes)
    return true
  }
}

const partOf = (bytes: number, seed: number) => Buffer.alloc(bytes, seed % 251)

describe('the outbox', () => {
  test('writes what was added, in order, whatever the sizes', () => {
    const sizes = fc.oneof(
      fc.integer({ min: 0, max: 200 }),
      fc.integer({ min: COPY_MAX_BYTES - 2, max: COPY_MAX_BYTES + 2 }),
      fc.constant(100_000),
    )
    fc.assert(
      fc.property(fc.array(fc.array(sizes, { maxLength: 40 }), { maxLength: 5 }), (ticks) => {
        const outbox = new Outbox()
        for (const tick of ticks) {
          const sink = new FakeSink()
          const parts = tick.map(partOf)
          for (const part of parts) outbox.add(part)
          const all = Buffer.concat(parts)
          expect(outbox.bytes).toBe(all.length)
          outbox.flush(sink)
          expect(Buffer.concat(sink.writes).equals(all)).toBe(true)
          expect(outbox.bytes).toBe(0)
        }
      }),
      { numRuns: 60 },
    )
  })

  test('joins small parts to one piece, and passes large ones as they are', () => {
    const outbox = new Outbox()
    const sink = new FakeSink()
    const large = partOf(COPY_MAX_BYTES + 1, 5)
    for (const part of [partOf(10, 1), partOf(20, 2), large, partOf(30, 3)]) outbox.add(part)
    outbox.flush(sink)
    expect(sink.writes.map((piece) => piece.length)).toEqual([30, large.length, 30])
    expect(sink.writes[1]).toBe(large)
    expect([sink.corked, sink.uncorked]).toEqual([1, 1])
  })

  test('one piece needs no cork', () => {
    const outbox = new Outbox()
    const sink = new FakeSink()
    outbox.add(partOf(10, 1))
    outbox.add(partOf(10, 2))
    outbox.flush(sink)
    expect(sink.writes).toHaveLength(1)
    expect(sink.corked).toBe(0)
  })

  test('a page that the kernel has not taken is not written to again', () => {
    const slow = new FakeSink()
    slow.writableLength = 1
    const first = new Outbox()
    first.add(partOf(1_000, 7))
    first.flush(slow)
    for (let i = 0; i < 100; i++) {
      const other = new Outbox()
      other.add(partOf(1_000, 9))
      other.flush(new FakeSink())
    }
    expect(slow.writes[0]!.equals(partOf(1_000, 7))).toBe(true)
  })

  test('a page that was taken serves again', () => {
    const once = (): ArrayBufferLike => {
      const outbox = new Outbox()
      const sink = new FakeSink()
      outbox.add(partOf(10, 1))
      outbox.flush(sink)
      return sink.writes[0]!.buffer
    }
    expect(once()).toBe(once())
  })

  test('a place can be reserved and filled in', () => {
    const outbox = new Outbox()
    const sink = new FakeSink()
    outbox.add(partOf(3, 0))
    const page = outbox.reserve(4)
    page.writeInt32BE(0x01020304, outbox.reservedEnd - 4)
    outbox.flush(sink)
    expect(Buffer.concat(sink.writes)).toEqual(Buffer.from([0, 0, 0, 1, 2, 3, 4]))
  })
})
