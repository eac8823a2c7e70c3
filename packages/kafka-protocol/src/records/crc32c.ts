/**
 * CRC-32C (Castagnoli), as record batches carry it, and how a CRC changes when bytes change.
 *
 * A CRC is linear: crc(a xor b) = crc(a) xor crc(b) when start and end values are left out. So when few bytes of a long
 * text change, the new CRC is the old one xor the CRC of the difference, moved on by the bytes that follow it. Moving on
 * by n zero bytes is a multiplication by x^(8n) mod P, done here with one table a bit of n.
 */
const POLYNOMIAL = 0x82f6_3b78

/** tables[k*256 + byte]: the CRC of `byte` followed by k zero bytes. */
const tables = new Uint32Array(8 * 256)
for (let byte = 0; byte < 256; byte++) {
  let value = byte
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ POLYNOMIAL : value >>> 1
  tables[byte] = value
}
for (let i = 256; i < tables.length; i++) {
  const shorter = tables[i - 256]!
  tables[i] = (shorter >>> 8) ^ tables[shorter & 0xff]!
}

/** CRC-32C of `bytes[from, to)`, unsigned. Eight bytes at a time. */
export function crc32c(bytes: Uint8Array, from = 0, to = bytes.length): number {
  return ~update(~0, bytes, from, to) >>> 0
}

function update(start: number, bytes: Uint8Array, from: number, to: number): number {
  const t = tables
  let value = start
  let at = from
  for (const last = to - 8; at <= last; at += 8) {
    value ^= bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)
    value =
      t[1792 + (value & 0xff)]! ^
      t[1536 + ((value >>> 8) & 0xff)]! ^
      t[1280 + ((value >>> 16) & 0xff)]! ^
      t[1024 + (value >>> 24)]! ^
      t[768 + bytes[at + 4]!]! ^
      t[512 + bytes[at + 5]!]! ^
      t[256 + bytes[at + 6]!]! ^
      t[bytes[at + 7]!]!
  }
  for (; at < to; at++) value = (value >>> 8) ^ t[(value ^ bytes[at]!) & 0xff]!
  return value
}

/**
 * steps[k] moves a CRC on by 2^k zero bytes: four tables of 256, one a byte of the CRC. 4 KiB each, made when first
 * needed; a batch of up to 2^31 bytes needs 31.
 */
const steps: Uint32Array[] = []

function step(k: number): Uint32Array {
  for (let next = steps.length; next <= k; next++) {
    const table = new Uint32Array(4 * 256)
    for (let lane = 0; lane < 4; lane++) {
      for (let byte = 0; byte < 256; byte++) {
        const value = byte << (8 * lane)
        table[lane * 256 + byte] =
          next === 0
            ? (value >>> 8) ^ tables[value & 0xff]!
            : apply(steps[next - 1]!, apply(steps[next - 1]!, value))
      }
    }
    steps.push(table)
  }
  return steps[k]!
}

function apply(table: Uint32Array, value: number): number {
  return (
    table[value & 0xff]! ^
    table[256 + ((value >>> 8) & 0xff)]! ^
    table[512 + ((value >>> 16) & 0xff)]! ^
    table[768 + (value >>> 24)]!
  )
}

/** What `value` (a CRC without start and end values) becomes when `zeroBytes` zero bytes follow. O(log zeroBytes). */
export function crc32cAdvance(value: number, zeroBytes: number): number {
  let moved = value
  for (let k = 0, left = zeroBytes; left > 0; k++, left >>>= 1) {
    if (left & 1) moved = apply(step(k), moved)
  }
  return moved >>> 0
}

/**
 * The CRC after some bytes changed: `difference` is old xor new of the changed stretch, `bytesAfter` how many covered
 * bytes follow it.
 */
export function crc32cPatch(crc: number, difference: Uint8Array, bytesAfter: number): number {
  const changed = update(0, difference, 0, difference.length)
  return (crc ^ crc32cAdvance(changed, bytesAfter)) >>> 0
}
