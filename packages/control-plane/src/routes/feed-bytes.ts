// What goes out over feeds, made once for all readers, plain and compressed.
//
// A compressed feed is one gzip stream for each reader, put together from pieces that all readers share: raw deflate
// that ends at a byte (a sync flush) and refers to nothing before it may be followed by any other such piece (RFC
// 1951). So no reader has a compressor of its own, which would be 256 KiB for each. The stream never ends as gzip
// streams do, with a checksum: a feed ends by being cut off, and what is decoded by then is whole.
import { constants, deflateRaw, deflateRawSync } from 'node:zlib'

/** Before a reader's first compressed piece: a gzip member of deflate, of no time and no system (RFC 1952). */
export const gzipHeader: Buffer = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff])

/** Smaller ones are stored: compressing them saves little, and someone waits for them. */
const storedMaxBytes = 16 * 1024

export class FeedBytes {
  readonly plain: Buffer
  private deflated: Buffer | undefined

  constructor(text: string) {
    this.plain = Buffer.from(text)
  }

  /** For after gzipHeader and any pieces before it. */
  get gzip(): Buffer {
    this.deflated ??=
      this.plain.length <= storedMaxBytes
        ? stored(this.plain)
        : deflateRawSync(this.plain, { level: constants.Z_BEST_SPEED, finishFlush: constants.Z_SYNC_FLUSH })
    return this.deflated
  }
}

/** Less than half the time of the default, for a seventh more bytes. */
const pieceLevel = 4

/** A piece of a large text, compressed beside everything else. */
export function deflatePiece(text: string): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    deflateRaw(text, { level: pieceLevel, finishFlush: constants.Z_SYNC_FLUSH }, (error, piece) => {
      if (error === null) resolve(piece)
      else reject(error)
    })
  })
}

/** A deflate block that is not the last and not compressed: its kind, its length twice, itself. */
function stored(bytes: Buffer): Buffer {
  const head = Buffer.alloc(5)
  head.writeUInt16LE(bytes.length, 1)
  head.writeUInt16LE(~bytes.length & 0xffff, 3)
  return Buffer.concat([head, bytes])
}
