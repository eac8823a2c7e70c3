// Where a page ended, opaque to callers: the key of its last row, so that rows which come or go move no page.
import { Refusal } from '../refusal.ts'

const keyMax = 300

export function cursorAfter(list: string, key: string): string {
  return Buffer.from(JSON.stringify([list, key])).toString('base64url')
}

/** The key in the cursor of that list; undefined when there is no cursor. */
export function keyIn(list: string, cursor: string | undefined): string | undefined {
  if (cursor === undefined) return undefined
  try {
    const [of, key, ...more] = JSON.parse(Buffer.from(cursor, 'base64url').toString()) as unknown[]
    if (of === list && typeof key === 'string' && key.length <= keyMax && more.length === 0) return key
  } catch {
    // Said below.
  }
  throw notOfThisList()
}

function notOfThisList(): Refusal {
  return new Refusal('BAD_REQUEST', 'after: no cursor of this list; ask for its first page', {
    fields: [{ path: 'after', message: 'no cursor of this list' }],
  })
}

/** Of lists that go by number. */
export function numberIn(list: string, cursor: string | undefined): number | undefined {
  const key = keyIn(list, cursor)
  if (key === undefined) return undefined
  if (/^\d{1,15}$/.test(key)) return Number(key)
  throw notOfThisList()
}

/** Of `limit` + 1 rows the page, and the cursor of the next when there is one. */
export function pageOf<T>(
  list: string,
  rows: readonly T[],
  limit: number,
  keyOf: (row: T) => string,
): { rows: T[]; next: string | null } {
  const page = rows.slice(0, limit)
  const last = page.at(-1)
  return {
    rows: page,
    next: rows.length > limit && last !== undefined ? cursorAfter(list, keyOf(last)) : null,
  }
}
