import { execFileSync } from 'node:child_process'
import { accessSync, constants, readFileSync, statfsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/**
 * A run is one process that owns clusters and processes: `pid-start`, where start is the process's start time,
 * so that a reused pid is not taken for it. All that a run starts carries its name (an environment variable on
 * processes, a label on containers); whoever finds the name can tell whether its owner still lives.
 */
export const RUN_VARIABLE = 'BRAID_RUN'

let own: string | undefined

export function currentRun(): string {
  own ??= `${process.pid}-${startTime(process.pid)}`
  return own
}

export function runIsAlive(run: string): boolean {
  const [pid, start] = run.split('-')
  return /^\d+$/.test(pid ?? '') && startTime(Number(pid)) === start
}

/** Where a run keeps its clusters' data and logs. */
export function runFolder(run: string): string {
  return join(runsFolder(), run)
}

/**
 * In memory where there is room, since all clusters of a run share this machine: on one disk, creating a topic on one
 * cluster would stall the appends of another. TMPDIR decides otherwise.
 */
export function runsFolder(): string {
  return join(hasMemoryFolder() ? MEMORY_FOLDER : tmpdir(), 'braid-runs')
}

/** Whether runs are kept in memory. */
export function hasMemoryFolder(): boolean {
  if (process.platform !== 'linux' || process.env.TMPDIR !== undefined) return false
  try {
    accessSync(MEMORY_FOLDER, constants.W_OK)
    const { type, bsize, blocks } = statfsSync(MEMORY_FOLDER)
    return type === TMPFS_MAGIC && bsize * blocks >= MEMORY_FOLDER_MIN_BYTES
  } catch {
    return false
  }
}

const MEMORY_FOLDER = '/dev/shm'
/** statfs(2) */
const TMPFS_MAGIC = 0x01021994
/** Its size, not what is free: the answer must be the same for every process of a run. */
const MEMORY_FOLDER_MIN_BYTES = 8 * 2 ** 30

/** When the process started, in the system's own words; undefined when there is none, or only its zombie. */
export function startTime(pid: number): string | undefined {
  if (process.platform === 'linux') {
    const fields = linuxStat(pid)
    return fields === undefined || fields[0] === 'Z' ? undefined : fields[19]
  }
  try {
    const line = execFileSync('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim()
    return line === '' || line.startsWith('Z') ? undefined : line.replace(/^\S+\s+/, '').replace(/\W+/g, '')
  } catch {
    return undefined
  }
}

/**
 * Of a process, or of a thread `pid/task/tid`: the fields of its /proc stat from the third (state) on. The second, the
 * name, may hold spaces and brackets.
 */
export function linuxStat(id: number | string): string[] | undefined {
  try {
    const stat = readFileSync(`/proc/${id}/stat`, 'latin1')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  } catch {
    return undefined
  }
}
