/** What was probably meant: the known name within `editsMax` edits, the nearest, else undefined. */
export function nearest(name: string, known: Iterable<string>, editsMax = 2): string | undefined {
  // Half of a short name is no typo of it.
  let limit = Math.min(editsMax, Math.floor((name.length - 1) / 2))
  let found: string | undefined
  for (const candidate of known) {
    if (candidate === name || Math.abs(candidate.length - name.length) > limit) continue
    const edits = editDistance(name, candidate, limit)
    if (edits <= limit && (found === undefined || edits < limit)) {
      found = candidate
      limit = edits
    }
  }
  return found
}

/** Levenshtein with transpositions of neighbours; anything above `max` comes back as max + 1. */
function editDistance(a: string, b: string, max: number): number {
  let beforeLast: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    let least = i
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1
      let edits = Math.min(last[j]! + 1, row[j - 1]! + 1, last[j - 1]! + same)
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        edits = Math.min(edits, beforeLast[j - 2]! + 1)
      }
      row.push(edits)
      least = Math.min(least, edits)
    }
    if (least > max) return max + 1
    beforeLast = last
    last = row
  }
  return Math.min(last[b.length]!, max + 1)
}

export const didYouMean = (name: string | undefined): string =>
  name === undefined ? '' : `: did you mean ${JSON.stringify(name)}?`
