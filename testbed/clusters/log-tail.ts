import { readFileSync } from 'node:fs'

/** The end of a log, for an error message. */
export function lastLines(file: string, lines = 20): string {
  try {
    return readFileSync(file, 'utf8').trimEnd().split('\n').slice(-lines).join('\n')
  } catch (error) {
    return `(no log at ${file}: ${error instanceof Error ? error.message : error})`
  }
}
