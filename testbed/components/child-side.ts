import { createInterface } from 'node:readline'

/** What a child of `LineProcess` does on its side. */

export function sayLine(line: Readonly<Record<string, unknown>>): void {
  process.stdout.write(`${JSON.stringify(line, forJson)}\n`)
}

/** Offsets in log lines are bigint, causes are errors; neither is JSON by itself. */
function forJson(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return value.toString()
  if (value instanceof Error) return value.message
  return value
}

/** The one JSON argument a child is started with. Its parent wrote it, so only its shape is trusted. */
export function argument<T>(): T {
  const text = process.argv[2]
  if (text === undefined) throw new Error('this program is started by the testbed, with one JSON argument')
  return JSON.parse(text) as T
}

export function onMessage(listener: (message: Readonly<Record<string, unknown>>) => void): void {
  createInterface({ input: process.stdin }).on('line', (line) => {
    listener(JSON.parse(line) as Readonly<Record<string, unknown>>)
  })
}

/**
 * Runs `close` once, on SIGTERM, SIGINT, or when the parent is gone (standard input ends), and exits. A close that
 * hangs does not keep the process: it has three seconds.
 */
export function closeWithParent(close: () => Promise<void>): void {
  let closing = false
  const end = () => {
    if (closing) return
    closing = true
    setTimeout(() => process.exit(1), 3_000).unref()
    close().then(
      () => process.exit(0),
      (error: unknown) => {
        console.error(error)
        process.exit(1)
      },
    )
  }
  process.once('SIGTERM', end)
  // Ctrl-C reaches the whole process group; the parent decides when its children end.
  process.on('SIGINT', () => {})
  process.stdin.once('end', end)
  process.stdin.once('close', end)
  process.stdin.resume()
}
