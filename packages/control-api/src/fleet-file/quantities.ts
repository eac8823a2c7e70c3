// Rates and durations as people write them: `5MB/s`, `300KiB/s`, `7d`. One parser for the command line and for fleet
// files; what it makes of a text is exact, and `format...` gives the shortest text that means the same.

/** `reason` says what is wrong with the text and how it is written. */
export type Quantity = { readonly value: number } | { readonly reason: string }

type Units = Readonly<Record<string, number>>

// KB is 1000 bytes, KiB is 1024 (IEC 80000-13). `b` is a bit, so upper and lower case are not the same.
const byteUnits: Units = {
  B: 1,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KiB: 1024,
  MiB: 1024 ** 2,
  GiB: 1024 ** 3,
}
const timeUnits: Units = { ms: 1, s: 1e3, m: 60_000, h: 3_600_000, d: 86_400_000 }

const textMaxCharacters = 40
const bytesPerSecondMax = 1_000_000_000_000

/** Whole bytes per second, at most 1 TB/s: `5MB/s`, `5MiB/s`, `300KB/s`, or plain bytes. */
export function parseBytesPerSecond(text: string): Quantity {
  const hint = 'write a rate as 5MB/s, 5MiB/s, 300KB/s or in plain bytes per second'
  const rate = text.trim().replace(/\/s$/, '').replace(/kB$/, 'KB')
  return parse(rate, text, byteUnits, { plain: 'B', max: bytesPerSecondMax, hint, of: 'bytes' })
}

/** Whole milliseconds: `7d`, `12h`, `90m`, `30s`, `250ms`, or plain milliseconds. */
export function parseDurationMs(text: string): Quantity {
  const hint = 'write a duration as 7d, 12h, 90m, 30s, 250ms or in plain milliseconds'
  const max = Number.MAX_SAFE_INTEGER
  return parse(text.trim(), text, timeUnits, { plain: 'ms', max, hint, of: 'milliseconds' })
}

/** The shortest exact text, or the plain number where no unit divides it. */
export const formatBytesPerSecond = (value: number): string | number => format(value, byteUnits, '/s')

export const formatDurationMs = (value: number): string | number => format(value, timeUnits, '')

function parse(
  text: string,
  asWritten: string,
  units: Units,
  { plain, max, hint, of }: { plain: string; max: number; hint: string; of: string },
): Quantity {
  const shown = JSON.stringify(asWritten.slice(0, textMaxCharacters))
  const match = /^(\d{1,20})(?:\.(\d{1,15}))? ?([A-Za-z]*)$/.exec(text)
  if (match === null || text.length > textMaxCharacters) return { reason: `${shown} is none: ${hint}` }
  const [, whole = '', fraction = '', unit = ''] = match
  const factor = Object.hasOwn(units, unit) ? units[unit] : unit === '' ? units[plain] : undefined
  if (factor === undefined) return { reason: `${shown} has no unit that is known: ${hint}` }
  // By whole numbers: 0.1 + 0.2 is nobody's rate.
  const scaled = BigInt(whole + fraction) * BigInt(factor)
  const scale = 10n ** BigInt(fraction.length)
  if (scaled % scale !== 0n) return { reason: `${shown} is no whole number of ${of}: ${hint}` }
  if (scaled / scale > BigInt(max)) return { reason: `${shown} is above ${max} ${of}: ${hint}` }
  return { value: Number(scaled / scale) }
}

function format(value: number, units: Units, suffix: string): string | number {
  let best: string | number = value
  let least = value
  for (const [unit, factor] of Object.entries(units)) {
    if (factor > 1 && value % factor === 0 && value / factor < least) {
      least = value / factor
      best = `${least}${unit}${suffix}`
    }
  }
  return best
}
