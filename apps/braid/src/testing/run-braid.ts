import { onTestFinished } from 'vitest'
import { run } from '../run.ts'
import { type Answers, type FakeControlPlane, fakeControlPlane } from './fake-control-plane.ts'
import { type FakeIo, fakeIo } from './fake-io.ts'

export interface Ran {
  readonly status: number
  readonly io: FakeIo
  readonly plane: FakeControlPlane
  /** What was asked of the control plane, by operation. */
  readonly asked: readonly string[]
  /** The body of the last request. */
  readonly body: unknown
}

type Options = NonNullable<Parameters<typeof fakeIo>[0]> & {
  /** Ctrl-C. */
  stopAfterMs?: number
}

/** Runs one command line against a control plane that gives these answers. */
export async function runBraid(line: string, answers: Answers = {}, options: Options = {}): Promise<Ran> {
  const plane = await fakeControlPlane(answers)
  onTestFinished(() => plane[Symbol.asyncDispose]())
  const io = fakeIo({ ...options, env: { BRAID_API: plane.url, ...options.env } })
  if (options.stopAfterMs !== undefined) setTimeout(() => io.stop(), options.stopAfterMs)
  const status = await run(words(line), io)
  return { status, io, plane, asked: plane.received.map(({ id }) => id), body: plane.received.at(-1)?.body }
}

/** As a shell splits it, as far as examples need it: double quotes keep blanks. */
export const words = (line: string): string[] =>
  [...line.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, bare]) => quoted ?? bare!)
