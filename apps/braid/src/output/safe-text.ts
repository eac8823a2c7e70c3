// What comes from elsewhere is shown, never obeyed: terminals act on control characters, and readers are misled by
// characters that reorder text (Unicode TR 36, "Trojan Source").

const reordering = '\\u061c\\u200e\\u200f\\u2028\\u2029\\u202a-\\u202e\\u2066-\\u2069'
const unsafe = new RegExp(`[\\u0000-\\u001f\\u007f-\\u009f${reordering}]`, 'g')
const unsafeInLines = new RegExp(`[\\u0000-\\u0009\\u000b-\\u001f\\u007f-\\u009f${reordering}]`, 'g')

const escaped = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`

/** A text of one line. */
export const safeText = (text: string): string => text.replace(unsafe, escaped)

/** A text whose line ends are ours. */
export const safeLines = (text: string): string => text.replace(unsafeInLines, escaped)

export const isSafe = (text: string): boolean => text.search(unsafe) < 0

/** The same data with every text in it safe. */
export function safeData<T>(data: T): T {
  if (typeof data === 'string') return safeText(data) as T
  if (Array.isArray(data)) return data.map(safeData) as T
  if (typeof data !== 'object' || data === null) return data
  return Object.fromEntries(Object.entries(data).map(([key, value]) => [safeText(key), safeData(value)])) as T
}
