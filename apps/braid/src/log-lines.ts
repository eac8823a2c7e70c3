import type { Io } from './io.ts'

const levels = ['debug', 'info', 'warn', 'error'] as const
type Level = (typeof levels)[number]

export type Log = (level: Level, event: string, fields: Readonly<Record<string, unknown>>) => void

const isLevel = (text: string | undefined): text is Level => levels.some((level) => level === text)

/** One JSON line per event on stderr, from the level that BRAID_LOG names on. */
export function logLines(io: Io, fallback: Level): Log {
  const wanted = isLevel(io.env.BRAID_LOG) ? io.env.BRAID_LOG : fallback
  const from = levels.indexOf(wanted)
  return (level, event, fields) => {
    if (levels.indexOf(level) < from) return
    const line = { time: new Date().toISOString(), level, event, ...fields }
    io.stderr.write(`${JSON.stringify(line, forJson)}\n`)
  }
}

/** Offsets are bigint and causes are errors; neither is JSON by itself. */
function forJson(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return value.toString()
  if (value instanceof Error) return value.message
  return value
}
