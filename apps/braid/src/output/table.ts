export interface Column<Row> {
  head: string
  cell(row: Row): string
  align?: 'left' | 'right'
}

/** Rows under their heads, padded; no trailing blanks, so that it can be pasted and diffed. */
export function table<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string {
  const cells = rows.map((row) => columns.map((column) => column.cell(row)))
  const lines = [columns.map((column) => column.head), ...cells]
  const widths = columns.map((_, i) => Math.max(...lines.map((line) => line[i]!.length)))
  return lines
    .map((line) =>
      line
        .map((text, i) =>
          columns[i]!.align === 'right' ? text.padStart(widths[i]!) : text.padEnd(widths[i]!),
        )
        .join('   ')
        .trimEnd(),
    )
    .map((line) => `${line}\n`)
    .join('')
}
