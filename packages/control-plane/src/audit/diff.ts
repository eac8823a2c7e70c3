// What changed, by path. Objects are compared member by member, lists as wholes.
export interface Difference {
  readonly path: string
  readonly before: unknown
  readonly after: unknown
}

/** More than any change of ours; what is beyond is said to be. */
const differencesMax = 200

/** `undefined` on a side: it is not there. */
export function diffOf(before: unknown, after: unknown): Difference[] {
  const found = [...differences('', before, after)]
  if (found.length <= differencesMax) return found
  const rest = found.length - differencesMax
  return [...found.slice(0, differencesMax), { path: '...', before: null, after: `${rest} more` }]
}

function* differences(path: string, before: unknown, after: unknown): Generator<Difference> {
  if (isObject(before) || isObject(after)) {
    const left = isObject(before) ? before : {}
    const right = isObject(after) ? after : {}
    for (const key of new Set([...Object.keys(left), ...Object.keys(right)])) {
      yield* differences(path === '' ? key : `${path}.${key}`, left[key], right[key])
    }
    return
  }
  // What is not there and what is null are one to whoever reads it.
  if (JSON.stringify(before ?? null) === JSON.stringify(after ?? null)) return
  yield { path, before: before ?? null, after: after ?? null }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
