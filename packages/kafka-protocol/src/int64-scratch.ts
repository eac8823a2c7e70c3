/**
 * A 64-bit integer seen as two 32-bit ones. Going through this shared cell allocates one bigint where arithmetic on
 * bigints (what Buffer.readBigInt64BE does) allocates three. Safe to share: nothing awaits between the two accesses.
 */
export const int64Cell = new BigInt64Array(1)
export const int64Words = new Int32Array(int64Cell.buffer)

const littleEndian = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1
export const highWord = littleEndian ? 1 : 0
export const lowWord = littleEndian ? 0 : 1
