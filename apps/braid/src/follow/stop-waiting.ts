import { ControlPlaneError } from '@braid/control-api'
import { exitCodes } from '../exit-codes.ts'
import { Failure } from '../failure.ts'
import type { Io } from '../io.ts'

/**
 * Waits for `work`; a signal or --timeout ends the waiting and nothing else. `what` goes on, and `remedy` says how to
 * see it again or stop it.
 */
export async function waitUnlessStopped<T>(
  io: Io,
  { what, remedy }: { what: string; remedy: string },
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await io.stoppable((stopped) => Promise.race([work(), untilStopped(stopped, what, remedy)]))
  } catch (error) {
    if (error instanceof ControlPlaneError && error.code === 'TIMED_OUT') {
      throw new Failure(error.detail, { exit: exitCodes.timedOut, remedy, cause: error })
    }
    throw error
  }
}

const untilStopped = (stopped: AbortSignal, what: string, remedy: string): Promise<never> =>
  new Promise((_, reject) => {
    const stop = (): void =>
      reject(new Failure(`stopped waiting; ${what} goes on`, { exit: exitCodes.interrupted, remedy }))
    if (stopped.aborted) stop()
    else stopped.addEventListener('abort', stop, { once: true })
  })
