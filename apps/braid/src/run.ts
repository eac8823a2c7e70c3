import { CommanderError } from 'commander'
import { type ExitCode, exitCodes } from './exit-codes.ts'
import { Failure } from './failure.ts'
import { type Io, processIo } from './io.ts'
import { safeLines } from './output/safe-text.ts'
import { program } from './program.ts'

/** Runs one command line and tells what to exit with. Nothing is thrown. */
export async function run(argv: readonly string[], io: Io = processIo()): Promise<ExitCode> {
  try {
    await program(io).parseAsync([...argv], { from: 'user' })
    return exitCodes.ok
  } catch (error) {
    return report(error, io)
  }
}

function report(error: unknown, io: Io): ExitCode {
  if (error instanceof CommanderError) {
    // Commander has written its message. Help and version that were asked for are no failure.
    return error.code === 'commander.helpDisplayed' || error.code === 'commander.version'
      ? exitCodes.ok
      : exitCodes.usage
  }
  const failure = error instanceof Failure ? error : unforeseen(error)
  // What a control plane says is shown, never obeyed.
  io.stderr.write(`braid: ${safeLines(failure.message)}\n`)
  if (failure.remedy !== undefined) io.stderr.write(`  ${safeLines(failure.remedy)}\n`)
  if (io.env.BRAID_DEBUG) io.stderr.write(`${stackOf(failure)}\n`)
  return failure.exit
}

const unforeseen = (error: unknown): Failure =>
  new Failure(error instanceof Error ? error.message : String(error), {
    remedy: 'this was not foreseen: run it again with BRAID_DEBUG=1 to see where it comes from',
    cause: error,
  })

function stackOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const own = error.stack ?? error.message
  return error.cause === undefined ? own : `${own}\ncaused by ${stackOf(error.cause)}`
}
