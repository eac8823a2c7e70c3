import { cutToWidth, padEnd, padStart, widthOf } from './text-width.ts'

export interface Column<Row> {
  head: string
  cell(row: Row): string
  align?: 'left' | 'right'
}

const gap = '   '
const columnMinWidth = 8

/**
 * Rows under their heads, padded; no trailing blanks, so that it can be pasted and diffed. With `widthMax` the widest
 * columns are cut until a row fits in a line of the terminal.
 */
export function table<Row>(
  columns: readonly Column<NoInfer<Row>>[],
  rows: readonly Row[],
  { widthMax }: { readonly widthMax?: number | undefined } = {},
): string {
  const lines = [
    columns.map((column) => column.head),
    ...rows.map((row) => columns.map(({ cell }) => cell(row))),
  ]
  const natural = columns.map((_, i) => Math.max(...lines.map((line) => widthOf(line[i]!))))
  const widths =
    widthMax === undefined ? natural : fitted(natural, widthMax - gap.length * (columns.length - 1))
  return lines
    .map((line) =>
      line
        .map((text, i) => {
          const cell = cutToWidth(text, widths[i]!)
          return columns[i]!.align === 'right' ? padStart(cell, widths[i]!) : padEnd(cell, widths[i]!)
        })
        .join(gap)
        .trimEnd(),
    )
    .map((line) => `${line}\n`)
    .join('')
}

/** Takes from the widest, which has the most to lose, until it fits or all are at their least. */
function fitted(natural: readonly number[], widthMax: number): number[] {
  const widths = [...natural]
  let over = widths.reduce((sum, width) => sum + width, 0) - widthMax
  while (over > 0) {
    const widest = Math.max(...widths)
    if (widest <= columnMinWidth) break
    const next = Math.max(columnMinWidth, ...widths.filter((width) => width < widest))
    const wide = widths.flatMap((width, i) => (width === widest ? [i] : []))
    for (const i of wide) {
      const less = Math.min(widest - next, Math.ceil(over / wide.length), Math.max(over, 0))
      widths[i] = widest - less
      over -= less
    }
  }
  return widths
}

/** Names and values under each other, for one thing: `  state     active`. */
export function fields(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(0, ...rows.map(([name]) => widthOf(name)))
  return rows.map(([name, value]) => `${`${padEnd(name, width)}   ${value}`.trimEnd()}\n`).join('')
}
