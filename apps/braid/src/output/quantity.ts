const units = ['B', 'KB', 'MB', 'GB', 'TB', 'PB']

/** 5 MB/s, 1.2 GB/s: as exact as anyone reads it. What is exact is in `-o json`. */
export const rate = (bytesPerSecond: number): string => `${bytes(bytesPerSecond)}/s`

export function bytes(count: number): string {
  let value = count
  let unit = 0
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000
    unit++
  }
  return `${Number(value.toFixed(value < 10 ? 1 : 0))} ${units[unit]}`
}

/** `4 MB/s of 50 MB/s`; only what there is without a limit. */
export const ofLimit = <T>(value: T, limit: T | null, shown: (value: T) => string = String): string =>
  limit === null ? shown(value) : `${shown(value)} of ${shown(limit)}`

export const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`
