import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { FrameReader } from './frame.ts'

const MAX = 8 << 20
const code = (expected: string) => expect.objectContaining({ name: 'ProtocolError', code: expected })

function framed(body: Buffer): Buffer {
  const size = Buffer.alloc(4)
  size.writeInt32BE(body.length)
  return Buffer.concat([size, body])
}

function collect(reader: FrameReader, chunks: readonly Buffer[]): Buffer[] {
  const frames: Buffer[] = []
  for (const chunk of chunks) reader.push(chunk, (frame) => frames.push(frame))
  return frames
}

describe('FrameReader', () => {
  test('gives the same frames however the stream is cut', () => {
    const bodies = fc.array(
      fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
      { maxLength: 8 },
    )
    const cuts = fc.array(fc.nat(1_700), { maxLength: 30 })
    fc.assert(
      fc.property(bodies, cuts, (frames, at) => {
        const stream = Buffer.concat(frames.map(framed))
        const edges = [0, ...at.filter((edge) => edge < stream.length).sort((a, b) => a - b), stream.length]
        const chunks = edges.slice(1).map((edge, i) => stream.subarray(edges[i], edge))
        const reader = new FrameReader({ maxFrameBytes: MAX })
        expect(collect(reader, chunks)).toEqual(frames)
        expect(reader.pendingBytes).toBe(0)
      }),
    )
  })

  test('byte by byte', () => {
    const bodies = ['', 'a', 'bcd'].map((text) => Buffer.from(text))
    const stream = Buffer.concat(bodies.map(framed))
    const chunks = [...stream].map((byte) => Buffer.from([byte]))
    expect(collect(new FrameReader({ maxFrameBytes: 3 }), chunks)).toEqual(bodies)
  })

  test('a frame that lies in a chunk whole is a slice of it', () => {
    const chunk = Buffer.concat([framed(Buffer.from('one')), framed(Buffer.from('two'))])
    const [one, two] = collect(new FrameReader({ maxFrameBytes: MAX }), [chunk])
    chunk.fill('x')
    expect(`${one}${two}`).toBe('xxxxxx')
  })

  test('a frame over several chunks does not change when a chunk is used again', () => {
    const stream = framed(Buffer.from('abcdef'))
    const reader = new FrameReader({ maxFrameBytes: MAX })
    const frames: Buffer[] = []
    for (const part of [stream.subarray(0, 7), stream.subarray(7)]) {
      const chunk = Buffer.from(part)
      reader.push(chunk, (frame) => frames.push(frame))
      chunk.fill(0)
    }
    expect(frames.map(String)).toEqual(['abcdef'])
  })

  test('a frame of several megabytes comes whole', () => {
    const body = Buffer.alloc(5_000_001, 'kafka')
    const stream = framed(body)
    const chunks: Buffer[] = []
    for (let at = 0; at < stream.length; at += 65_536) chunks.push(stream.subarray(at, at + 65_536))
    const [frame] = collect(new FrameReader({ maxFrameBytes: MAX }), chunks)
    expect(frame!.equals(body)).toBe(true)
  })

  test('memory follows what has arrived, not what is claimed', () => {
    const claim = Buffer.from([0x3f, 0xff, 0xff, 0xff, 1, 2, 3])
    const before = process.memoryUsage().arrayBuffers
    const readers = Array.from({ length: 8 }, () => new FrameReader({ maxFrameBytes: 0x7fff_ffff }))
    for (const reader of readers) reader.push(claim, () => expect.unreachable())
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(16 << 20)
    expect(readers[0]!.pendingBytes).toBe(3)
  })

  test.each([
    ['above the bound', [0, 0, 0, 11], 'FRAME_TOO_LARGE'],
    ['2 GiB', [0x7f, 0xff, 0xff, 0xff], 'FRAME_TOO_LARGE'],
    ['negative', [0xff, 0xff, 0xff, 0xff], 'BAD_LENGTH'],
  ])('a size that is %s breaks the stream for good', (_, size, expected) => {
    const whole = new FrameReader({ maxFrameBytes: 10 })
    expect(() => whole.push(Buffer.from(size), () => {})).toThrow(code(expected))
    expect(() => whole.push(framed(Buffer.from('a')), () => {})).toThrow(code(expected))
    const inPieces = new FrameReader({ maxFrameBytes: 10 })
    inPieces.push(Buffer.from(size.slice(0, 2)), () => {})
    expect(() => inPieces.push(Buffer.from(size.slice(2)), () => {})).toThrow(code(expected))
  })

  test('a frame of exactly the bound passes', () => {
    const body = Buffer.alloc(10, 1)
    expect(collect(new FrameReader({ maxFrameBytes: 10 }), [framed(body)])).toEqual([body])
  })
})
