// Numbers as people read them. Plans are read before they are run.

/** `1 reader`, `6 readers`. */
export const count = (n: number, noun: string): string => `${n} ${noun}${n === 1 ? '' : 's'}`

const units = [
  { size: 1e9, name: 'GB/s' },
  { size: 1e6, name: 'MB/s' },
  { size: 1e3, name: 'KB/s' },
] as const

/** Decimal units, one digit after the point where there is something to say: `40 MB/s`, `1.5 GB/s`. */
export function bytesPerSecond(bytes: number): string {
  const unit = units.find(({ size }) => Math.abs(bytes) >= size)
  if (unit === undefined) return `${bytes} B/s`
  return `${Math.round((bytes / unit.size) * 10) / 10} ${unit.name}`
}

/** Of a share: 0.314 is `31.4 %`. Small differences decide, so one digit after the point is kept. */
export const percent = (share: number): string =>
  Number.isFinite(share) ? `${Math.round(share * 1000) / 10} %` : 'over 100 %'

/** Between two shares: 0.2 is `20 points`. */
export const points = (difference: number): string => `${Math.round(difference * 1000) / 10} points`

export const labelsInWords = (labels: readonly (readonly [string, string])[]): string =>
  labels.map(([key, value]) => `${key}=${value}`).join(', ')

/** `a`, `a and b`, `a, b and c`; more than `max` are counted. */
export function list(names: readonly string[], max = 5): string {
  const shown = names.length > max ? [...names.slice(0, max), `${names.length - max} more`] : [...names]
  const last = shown.pop()
  return shown.length === 0 ? (last ?? 'none') : `${shown.join(', ')} and ${last}`
}
