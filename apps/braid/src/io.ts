import { createInterface } from 'node:readline/promises'
import { exitCodes } from './exit-codes.ts'

export interface Output {
  write(text: string): void
  readonly isTTY: boolean
  /** Of the terminal, now; undefined where there is none. */
  readonly columns?: number | undefined
  readonly rows?: number | undefined
}

/** Everything through which a command meets the world. Tests bring their own. */
export interface Io {
  readonly stdout: Output
  readonly stderr: Output
  readonly env: Readonly<Record<string, string | undefined>>
  /** The answer to a question, or undefined where nobody can answer (input is not a terminal). */
  ask(question: string): Promise<string | undefined>
  /** Runs `work` with a signal that is aborted by SIGINT, SIGTERM or SIGHUP. */
  stoppable<T>(work: (stopped: AbortSignal) => Promise<T>): Promise<T>
}

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** Under npx one Ctrl-C comes twice: from the terminal, and forwarded by the parent. Later ones are a person's. */
const sameSignalMs = 500

const outputOf = (stream: NodeJS.WriteStream): Output => ({
  write: (text) => void stream.write(text),
  isTTY: stream.isTTY === true,
  get columns() {
    return stream.isTTY === true ? stream.columns : undefined
  },
  get rows() {
    return stream.isTTY === true ? stream.rows : undefined
  },
})

export function processIo(): Io {
  return {
    stdout: outputOf(process.stdout),
    stderr: outputOf(process.stderr),
    env: process.env,
    async ask(question) {
      if (process.stdin.isTTY !== true) return undefined
      const lines = createInterface({ input: process.stdin, output: process.stderr })
      try {
        return await lines.question(question)
      } finally {
        lines.close()
      }
    },
    async stoppable(work) {
      const controller = new AbortController()
      let firstAt = 0
      const stop = (signal: NodeJS.Signals): void => {
        if (!controller.signal.aborted) {
          firstAt = performance.now()
          controller.abort(signal)
        } else if (performance.now() - firstAt > sameSignalMs) {
          // Whoever asks a second time does not want to wait for a clean end.
          process.exit(exitCodes.interrupted)
        }
      }
      for (const signal of signals) process.on(signal, stop)
      try {
        return await work(controller.signal)
      } finally {
        for (const signal of signals) process.off(signal, stop)
      }
    },
  }
}
