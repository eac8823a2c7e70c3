import { createInterface } from 'node:readline/promises'

export interface Output {
  write(text: string): void
  readonly isTTY: boolean
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

const outputOf = (stream: NodeJS.WriteStream): Output => ({
  write: (text) => void stream.write(text),
  isTTY: stream.isTTY === true,
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
      const stop = (signal: NodeJS.Signals): void => {
        // The second signal means it: whoever waits for a clean end a second time does not want to wait.
        if (controller.signal.aborted) process.exit(130)
        controller.abort(signal)
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
