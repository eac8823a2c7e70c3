/** One thing that is measured. `npm run bench` runs all of them, one after the other. */
export interface Benchmark {
  readonly name: string
  /** What it measures, for the list of benchmarks. */
  readonly what: string
  run(say: (line: string) => void, signal: AbortSignal, options?: BenchmarkOptions): Promise<BenchmarkResult>
}

export interface BenchmarkOptions {
  /** How often it measures, for those that can be shortened. */
  readonly runs?: number | undefined
}

export interface BenchmarkResult {
  /** For people. */
  readonly table: readonly string[]
  /** For programs: one JSON object with the benchmark's name as its key. */
  readonly json: Readonly<Record<string, unknown>>
}

/** Columns as wide as their widest cell; the first to the left, the others to the right. */
export function table(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  return rows.map((row) =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!)))
      .join('  ')
      .trimEnd(),
  )
}

export function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits))
}
