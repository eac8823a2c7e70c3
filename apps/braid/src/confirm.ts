import { exitCodes } from './exit-codes.ts'
import { Failure, usage } from './failure.ts'
import type { Io } from './io.ts'

/** Returns when a person says yes, or --yes did. Where nobody can answer, nothing is done. */
export async function confirm(io: Io, question: string, { yes }: { yes?: boolean }): Promise<void> {
  if (yes === true) return
  const answer = await io.ask(`${question} [y/N] `)
  if (answer === undefined) {
    throw usage('this needs a confirmation, and nobody is here to be asked', 'run it with --yes')
  }
  if (!/^y(es)?$/i.test(answer.trim()))
    throw new Failure('not confirmed: nothing was done', { exit: exitCodes.failed })
}
