import { exitCodes } from './exit-codes.ts'
import { run } from './run.ts'

// `braid topic list | head`: a reader that has seen enough is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit()
  throw error
})

process.exitCode = await run(process.argv.slice(2))
// Who interrupts does not wait for the answer to a question that is still open.
if (process.exitCode === exitCodes.interrupted) process.exit()
