import type { ExitCode } from './exit-codes.ts'
import { exitCodes } from './exit-codes.ts'

/**
 * An error for the person at the terminal: what went wrong (and where), what to do about it, and the status
 * to exit with. Everything that a command lets out is one of these; anything else is a defect of ours.
 */
export class Failure extends Error {
  readonly exit: ExitCode
  readonly remedy: string | undefined

  constructor(what: string, options: { exit?: ExitCode; remedy?: string; cause?: unknown } = {}) {
    super(what, { cause: options.cause })
    this.name = 'Failure'
    this.exit = options.exit ?? exitCodes.failed
    this.remedy = options.remedy
  }
}

export const usage = (what: string, remedy?: string): Failure =>
  new Failure(what, { exit: exitCodes.usage, ...(remedy === undefined ? {} : { remedy }) })
