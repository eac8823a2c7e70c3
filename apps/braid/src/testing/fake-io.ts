import type { Io } from '../io.ts'

export interface FakeIo extends Io {
  /** What was written so far. */
  readonly out: string
  readonly err: string
  /** As a signal does. */
  stop(): void
}

export function fakeIo(
  options: { env?: Record<string, string>; answer?: string; isTTY?: boolean } = {},
): FakeIo {
  const stopping = new AbortController()
  let out = ''
  let err = ''
  const isTTY = options.isTTY ?? false
  return {
    stdout: { isTTY, write: (text) => (out += text) },
    stderr: { isTTY, write: (text) => (err += text) },
    env: options.env ?? {},
    ask: async () => options.answer,
    stoppable: (work) => work(stopping.signal),
    stop: () => stopping.abort(),
    get out() {
      return out
    },
    get err() {
      return err
    },
  }
}
