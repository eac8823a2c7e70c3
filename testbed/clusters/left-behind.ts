import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { RUN_VARIABLE, runFolder, runIsAlive, runsFolder, startTime } from './run.ts'

export interface MarkedProcess {
  readonly pid: number
  readonly run: string
}

/** Every process of this machine that carries a run's name in its environment, children of children too. */
export function markedProcesses(): MarkedProcess[] {
  return process.platform === 'linux' ? fromProc() : fromPs()
}

function fromProc(): MarkedProcess[] {
  const found: MarkedProcess[] = []
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue
    try {
      const marked = mark(readFileSync(`/proc/${entry}/environ`, 'latin1').split('\0'))
      if (marked !== undefined) found.push({ pid: Number(entry), run: marked })
    } catch {
      // Ended meanwhile, or another user's.
    }
  }
  return found
}

function fromPs(): MarkedProcess[] {
  const lines = execFileSync('ps', ['-axeww', '-o', 'pid=,command='], {
    encoding: 'utf8',
    maxBuffer: 1 << 26,
  })
  return lines.split('\n').flatMap((line) => {
    const marked = mark(line.split(' '))
    return marked === undefined ? [] : [{ pid: Number.parseInt(line, 10), run: marked }]
  })
}

function mark(words: readonly string[]): string | undefined {
  return words.find((word) => word.startsWith(`${RUN_VARIABLE}=`))?.slice(RUN_VARIABLE.length + 1)
}

/** Kills the run's processes and removes its folder. Returns how many processes there were. */
export async function removeProcesses(run: string): Promise<number> {
  const left = markedProcesses().filter((marked) => marked.run === run && marked.pid !== process.pid)
  for (const { pid } of left) signal(pid, 'SIGKILL')
  const deadlineMs = Date.now() + 5_000
  while (left.some(({ pid }) => startTime(pid) !== undefined) && Date.now() < deadlineMs) await sleep(20)
  await rm(runFolder(run), { recursive: true, force: true, maxRetries: 5, retryDelay: 200 })
  return left.length
}

/** Removes what runs whose owner is gone have left: for a reaper that was itself killed. */
export async function removeAbandonedProcesses(): Promise<void> {
  const runs = new Set(markedProcesses().map(({ run }) => run))
  for (const folder of foldersOfRuns()) runs.add(folder)
  for (const run of runs) if (!runIsAlive(run)) await removeProcesses(run)
}

function foldersOfRuns(): string[] {
  try {
    return readdirSync(runsFolder())
  } catch {
    return []
  }
}

export function signal(pid: number, name: NodeJS.Signals): boolean {
  try {
    process.kill(pid, name)
    return true
  } catch {
    return false
  }
}
