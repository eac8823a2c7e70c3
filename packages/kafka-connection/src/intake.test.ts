import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { sized } from '../test/scripted-broker.ts'
import { Intake } from './intake.ts'

/** Reads as the kernel does: as much as there is and the buffer takes. */
function feed(intake: Intake, bytes: Buffer): string | undefined {
  let at = 0
  while (at < bytes.length) {
    const buffer = intake.buffer()
    const read = Math.min(buffer.length, bytes.length - at)
    bytes.copy(buffer, 0, at, at + read)
    at += read
    const wrong = intake.take(read, buffer)
    if (wrong !== undefined) return wrong
  }
  return undefined
}

const frameOf = (bytes: number, seed: number) => Buffer.alloc(bytes, (seed % 250) + 1)

describe('the intake', () => {
  test('gives the frames that were sent, however they are cut', () => {
    const sizes = fc.oneof(
      fc.integer({ min: 4, max: 100 }),
      fc.integer({ min: 30_000, max: 35_000 }),
      fc.constant(300_000),
    )
    fc.assert(
      fc.property(
        fc.array(sizes, { minLength: 1, maxLength: 12 }),
        fc.array(fc.oneof(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 200_000 })), {
          minLength: 1,
          maxLength: 30,
        }),
        (frameSizes, cuts) => {
          const frames = frameSizes.map(frameOf)
          const stream = Buffer.concat(frames.map(sized))
          const got: Buffer[] = []
          const intake = new Intake(1 << 20, (frame) => got.push(frame) > 0)
          let at = 0
          for (let i = 0; at < stream.length; i++) {
            const end = Math.min(stream.length, at + cuts[i % cuts.length]!)
            expect(feed(intake, stream.subarray(at, end))).toBeUndefined()
            at = end
            if (i > 2_000) at = feedRest(intake, stream, at)
          }
          expect(got.length).toBe(frames.length)
          expect(got.every((frame, i) => frame.equals(frames[i]!))).toBe(true)
        },
      ),
      { numRuns: 60 },
    )
  })

  test("frames are their keeper's: later reads do not change them", () => {
    const got: Buffer[] = []
    const intake = new Intake(1 << 20, (frame) => got.push(frame) > 0)
    feed(intake, sized(frameOf(100, 1)))
    feed(intake, sized(frameOf(100, 2)))
    expect(got[0]!.equals(frameOf(100, 1))).toBe(true)
  })

  test('a long frame is read straight into its own buffer', () => {
    const got: Buffer[] = []
    const intake = new Intake(1 << 20, (frame) => got.push(frame) > 0)
    const bytes = sized(frameOf(200_000, 3))
    feed(intake, bytes.subarray(0, 1_000))
    const direct = intake.buffer()
    expect(direct.length).toBe(bytes.length - 1_000)
    feed(intake, bytes.subarray(1_000))
    expect(got[0]!.buffer).toBe(direct.buffer)
  })

  test('long frames are read to the memory that is lent, short ones are not', () => {
    const lent = Buffer.alloc(300_000)
    const asked: number[] = []
    const take = (bytes: number) => {
      asked.push(bytes)
      return lent
    }
    const got: Buffer[] = []
    const intake = new Intake(1 << 20, (frame) => got.push(frame) > 0, { take })
    feed(intake, Buffer.concat([sized(frameOf(100, 1)), sized(frameOf(200_000, 2))]))
    expect(asked).toEqual([200_000])
    expect(got.map((frame) => frame.buffer === lent.buffer)).toEqual([false, true])
    expect(got[1]!.equals(frameOf(200_000, 2))).toBe(true)
  })

  test('stops when told to', () => {
    const got: Buffer[] = []
    const intake = new Intake(1 << 20, (frame) => got.push(frame) < 2)
    feed(intake, Buffer.concat([sized(frameOf(10, 1)), sized(frameOf(10, 2)), sized(frameOf(10, 3))]))
    expect(got).toHaveLength(2)
  })

  test.each([
    [-1, 'an answer of -1 bytes, less than its header'],
    [0, 'an answer of 0 bytes, less than its header'],
    [3, 'an answer of 3 bytes, less than its header'],
    [1_001, 'an answer of 1001 bytes, more than maxFrameBytes (1000)'],
    [2 ** 31 - 1, 'an answer of 2147483647 bytes, more than maxFrameBytes (1000)'],
  ])('a claim of %i bytes is refused', (claim, wrong) => {
    const size = Buffer.alloc(4)
    size.writeInt32BE(claim)
    const whole = new Intake(1_000, () => true)
    expect(feed(whole, size)).toBe(wrong)
    const bytewise = new Intake(1_000, () => true)
    expect([...size].map((byte) => feed(bytewise, Buffer.from([byte]))).at(-1)).toBe(wrong)
  })

  test('a claim takes no memory before the bytes come', () => {
    const before = process.memoryUsage().rss
    const claims = Array.from({ length: 8 }, () => {
      const intake = new Intake(128 << 20, () => true)
      const size = Buffer.alloc(5)
      size.writeInt32BE(128 << 20)
      feed(intake, size)
      return intake
    })
    expect(claims[0]!.buffer().length).toBe((128 << 20) - 1)
    expect(process.memoryUsage().rss - before).toBeLessThan(64 << 20)
  })
})

function feedRest(intake: Intake, stream: Buffer, at: number): number {
  feed(intake, stream.subarray(at))
  return stream.length
}
