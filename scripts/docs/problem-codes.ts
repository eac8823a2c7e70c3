import { problemCodes } from '@braid/control-api'
import type { Violation } from '../violation.ts'

/** The table of the API's page: every code of the program, in its order by status, and no other. */
export function problemTable(): string[] {
  return Object.entries(problemCodes)
    .toSorted(([, a], [, b]) => a.status - b.status)
    .map(([code, { status, title }]) => `| ${status} | \`${code}\` | ${title} |`)
}

export function checkProblemTable(path: string, markdown: string): Violation[] {
  const lines = markdown.split('\n')
  const shown = lines.flatMap((text, index) =>
    /^\| \d{3} \| `[A-Z_]+` \|/.test(text) ? [{ text, line: index + 1 }] : [],
  )
  const expected = problemTable()
  const last = shown.at(-1)?.line ?? lines.length
  return [
    ...shown
      .filter(({ text }, index) => text !== expected[index] && !expected.includes(text))
      .map(({ text, line }) => ({ path, line, message: `the program has no such problem: ${text}` })),
    ...expected
      .filter((row) => !shown.some(({ text }) => text === row))
      .map((row) => ({ path, line: last, message: `the table lacks ${row}` })),
  ]
}
