import fc from 'fast-check'
import { expect, test } from 'vitest'
import { FrameBounds } from './frame-bounds.ts'

test('finds every frame, however the stream is cut into pieces', () => {
  fc.assert(
    fc.property(
      fc.array(fc.nat({ max: 40 }), { maxLength: 20 }),
      fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1 }),
      (lengths, pieces) => {
        const frames = lengths.map((length) => {
          const frame = Buffer.alloc(4 + length, 0xff)
          frame.writeInt32BE(length, 0)
          return frame
        })
        const expected = frames.map((_, i) => frames.slice(0, i).reduce((sum, { length }) => sum + length, 0))
        const stream = Buffer.concat(frames)
        const bounds = new FrameBounds()
        const found: number[] = []
        for (let at = 0, i = 0; at < stream.length; i++) {
          const piece = stream.subarray(at, at + (pieces[i % pieces.length] ?? 1))
          for (const start of bounds.startsIn(piece)) {
            found.push(at + start.at)
            if (Number.isFinite(start.frameBytes)) {
              expect(start.frameBytes).toBe(frames[found.length - 1]?.length)
            } else {
              expect(piece.length - start.at).toBeLessThan(4)
            }
          }
          at += piece.length
        }
        expect(found).toEqual(expected)
      },
    ),
  )
})
