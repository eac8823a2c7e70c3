import type { Io } from '../io.ts'

export interface FakeIo extends Io {
  /** What was written so far. */
  readonly out: string
  readonly err: string
  /** What was asked. */
  readonly questions: readonly string[]
  /** As a signal does. */
  stop(): void
}

export function fakeIo(
  options: {
    env?: Record<string, string>
    answer?: string | undefined
    isTTY?: boolean
    columns?: number
    onWrite?: (text: string) => void
  } = {},
): FakeIo {
  const stopping = new AbortController()
  const questions: string[] = []
  let out = ''
  let err = ''
  const { isTTY = false, columns } = options
  return {
    stdout: {
      isTTY,
      columns,
      write: (text) => {
        out += text
        options.onWrite?.(text)
      },
    },
    stderr: { isTTY, columns, write: (text) => (err += text) },
    // Nobody's own contexts are looked at.
    env: { BRAID_CONFIG: '/nonexistent/braid/config.yaml', ...options.env },
    ask: async (question) => {
      questions.push(question)
      return options.answer
    },
    stoppable: (work) => work(stopping.signal),
    stop: () => stopping.abort(),
    questions,
    get out() {
      return out
    },
    get err() {
      return err
    },
  }
}
