import { execFileSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { linuxStat } from './run.ts'

const FREEZE_TIMEOUT_MS = 5_000

/**
 * SIGSTOP, and waits until each thread of the process stands still. The signal alone only asks: where the processor is
 * busy, other threads go on, and answer, until the one that takes the signal has had its turn.
 */
export async function freeze(pid: number): Promise<void> {
  process.kill(pid, 'SIGSTOP')
  const deadlineMs = Date.now() + FREEZE_TIMEOUT_MS
  for (;;) {
    const states = statesOf(pid)
    if (states.length === 0) throw new Error(`process ${pid} ended instead of standing still after SIGSTOP`)
    if (states.every((state) => /^[Tt]/.test(state))) return
    if (Date.now() > deadlineMs)
      throw new Error(
        `process ${pid} does not stand still ${FREEZE_TIMEOUT_MS} ms after SIGSTOP: its threads are ${states.join(' ')}`,
      )
    await sleep(1)
  }
}

/** Of each thread where the system tells them apart, else of the process; none when it has ended. */
function statesOf(pid: number): string[] {
  try {
    if (process.platform !== 'linux')
      return execFileSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' })
        .trim()
        .split('\n')
    // A thread that has just ended has no state.
    return readdirSync(`/proc/${pid}/task`).flatMap((thread) => linuxStat(`${pid}/task/${thread}`)?.[0] ?? [])
  } catch {
    return []
  }
}
