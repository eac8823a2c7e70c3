/** What a test chooses at random. */
export interface Choose {
  /** From low to high, both included. */
  number(low: number, high: number): number
  one<T>(things: readonly T[]): T
}

/** The same choices for the same seed (mulberry32). */
export function chooseBy(seed: number): Choose {
  let state = seed | 0
  const random = () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  return {
    number: (low, high) => Math.round(low + random() * (high - low)),
    one: (things) => things[Math.floor(random() * things.length)]!,
  }
}
