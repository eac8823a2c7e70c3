import { readFileSync } from 'node:fs'
import { Failure, usage } from './failure.ts'
import type { Io } from './io.ts'

/** By reference (`env:NAME`, `file:/path`), so that a secret stands neither in a file of ours nor in a list of processes; or itself. */
export function readSecret(text: string, what: string, io: Io): string {
  if (text.startsWith('env:')) {
    const name = text.slice(4)
    const value = io.env[name]?.trim()
    if (!value) throw usage(`${what} is in the environment variable ${name}, which is not set`)
    return value
  }
  if (!text.startsWith('file:')) return text.trim()
  try {
    return readFileSync(text.slice(5), 'utf8').trim()
  } catch (cause) {
    throw new Failure(`cannot read ${what}: ${(cause as Error).message}`, { cause })
  }
}
