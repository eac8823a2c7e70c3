import { readFileSync } from 'node:fs'
import { inflateRawSync } from 'node:zlib'

const END_SIGNATURE = 0x0605_4b50
const END_BYTES = 22
const ENTRY_SIGNATURE = 0x0201_4b50
const ENTRY_BYTES = 46
const LOCAL_BYTES = 30
const DEFLATED = 8

/** The text of each file of a jar whose name `wanted` takes. A jar is a ZIP file; those of Kafka need none of ZIP64. */
export function jarEntries(jar: string, wanted: (name: string) => boolean): Map<string, string> {
  const zip = readFileSync(jar)
  const end = zip.lastIndexOf(Buffer.from([0x50, 0x4b, 0x05, 0x06]), zip.length - END_BYTES)
  if (end < 0 || zip.readUInt32LE(end) !== END_SIGNATURE) throw new Error(`${jar} is not a ZIP file`)
  const texts = new Map<string, string>()
  let at = zip.readUInt32LE(end + 16)
  for (let left = zip.readUInt16LE(end + 10); left > 0; left--) {
    if (zip.readUInt32LE(at) !== ENTRY_SIGNATURE) throw new Error(`${jar} is damaged at byte ${at}`)
    const nameBytes = zip.readUInt16LE(at + 28)
    const name = zip.toString('utf8', at + ENTRY_BYTES, at + ENTRY_BYTES + nameBytes)
    if (wanted(name)) texts.set(name, content(zip, at).toString('utf8'))
    at += ENTRY_BYTES + nameBytes + zip.readUInt16LE(at + 30) + zip.readUInt16LE(at + 32)
  }
  return texts
}

function content(zip: Buffer, entryAt: number): Buffer {
  const packedBytes = zip.readUInt32LE(entryAt + 20)
  const localAt = zip.readUInt32LE(entryAt + 42)
  const from = localAt + LOCAL_BYTES + zip.readUInt16LE(localAt + 26) + zip.readUInt16LE(localAt + 28)
  const packed = zip.subarray(from, from + packedBytes)
  return zip.readUInt16LE(entryAt + 10) === DEFLATED ? inflateRawSync(packed) : packed
}
