import { spawn } from 'node:child_process'
import type { Socket } from 'node:net'
import type { Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { removeAbandonedProcesses } from './left-behind.ts'
import { currentRun, RUN_VARIABLE } from './run.ts'

/**
 * A run that is killed must leave nothing, and a killed process cannot clean up: so each run has a reaper, a small
 * detached process that holds the other end of a pipe. When the run ends, in whatever way, the pipe closes, and the
 * reaper removes the run's processes, folders and containers, then ends. Call this before starting anything.
 */
export async function ensureReaper(what: 'processes' | 'containers'): Promise<void> {
  reaper ??= startReaper()
  if (what === 'containers') reaper.write('containers\n')
  swept ??= removeAbandonedProcesses()
  await swept
}

let reaper: Writable | undefined
let swept: Promise<void> | undefined

function startReaper(): Writable {
  const { [RUN_VARIABLE]: _, NODE_OPTIONS: __, ...env } = process.env
  const script = new URL(
    import.meta.url.endsWith('.ts') ? './reaper-main.ts' : './reaper-main.js',
    import.meta.url,
  )
  const child = spawn(process.execPath, ['--no-warnings', fileURLToPath(script), currentRun()], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
    env,
    cwd: '/',
  })
  child.on('error', (error) =>
    console.error(`clusters: no reaper, a killed run would leave brokers: ${error.message}`),
  )
  child.unref()
  const pipe = child.stdin as Socket
  pipe.on('error', () => {})
  pipe.unref()
  return pipe
}
