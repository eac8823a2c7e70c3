/** Something that breaks a rule of this repository: where, and what to do about it. */
export interface Violation {
  readonly path: string
  /** From 1. Absent when the file as a whole is meant. */
  readonly line?: number
  readonly message: string
}

/** Prints what was found and sets the exit status; `summary` says what was looked at. */
export function report(violations: readonly Violation[], summary: string): void {
  for (const { path, line, message } of violations) {
    process.stderr.write(`${path}${line === undefined ? '' : `:${line}`}: ${message}\n`)
  }
  if (violations.length > 0) {
    process.stderr.write(`${violations.length} found in ${summary}\n`)
    process.exitCode = 1
  } else {
    process.stdout.write(`${summary}: nothing to say\n`)
  }
}

export const lineOf = (text: string, index: number): number => text.slice(0, index).split('\n').length
