// Named fleets: where their control planes are, as whom we speak to them, and for which tenant.
import { chmodSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { parseCheckedYaml } from '@braid/control-api'
import { stringify } from 'yaml'
import { z } from 'zod'
import { Failure, usage } from '../failure.ts'
import type { Io } from '../io.ts'

const context = z.strictObject({
  controlPlane: z.array(z.string().min(1).max(1000)).min(1).max(10),
  /** `env:NAME`, `file:/path`, or the token itself. */
  token: z.string().min(1).max(10_000).optional(),
  tenant: z.string().min(1).max(63).optional(),
})

const contextsFile = z.strictObject({
  current: z.string().nullable().default(null),
  contexts: z.record(z.string(), context).default({}),
})

export type Context = z.output<typeof context>
export type Contexts = z.output<typeof contextsFile>

const fileMaxBytes = 1024 * 1024

export function contextsPath({ env }: Io): string {
  if (env.BRAID_CONFIG) return env.BRAID_CONFIG
  const home = env.XDG_CONFIG_HOME || join(env.HOME || homedir(), '.config')
  return join(home, 'braid', 'config.yaml')
}

/** None when there is no file. One that cannot be read is left as it is, and nothing works by halves. */
export function readContexts(io: Io): Contexts {
  const path = contextsPath(io)
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (cause) {
    if (isMissing(cause)) return { current: null, contexts: {} }
    throw new Failure(`cannot read the contexts in ${path}: ${(cause as Error).message}`, { cause })
  }
  const parsed = parseCheckedYaml(text === '' ? '{}' : text, contextsFile, { textMaxBytes: fileMaxBytes })
  if ('value' in parsed) return parsed.value
  const [first] = parsed.problems
  throw usage(
    `${path}:${first?.line}:${first?.column}: ${first?.message}`,
    'mend this file or move it away; it was left as it is',
  )
}

/** Whole or not at all, and for this user alone: there may be tokens in it. */
export function writeContexts(io: Io, contexts: Contexts): void {
  const path = contextsPath(io)
  const fresh = `${path}.${process.pid}.new`
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    writeFileSync(fresh, stringify(contexts), { mode: 0o600, flush: true })
    // What a umask or an older file of that name left open is closed.
    chmodSync(fresh, 0o600)
    renameSync(fresh, path)
  } catch (cause) {
    rmSync(fresh, { force: true })
    throw new Failure(`cannot write the contexts to ${path}: ${(cause as Error).message}`, {
      remedy: 'BRAID_CONFIG names another file',
      cause,
    })
  }
}

const isMissing = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')
