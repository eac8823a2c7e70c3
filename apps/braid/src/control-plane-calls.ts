import { ControlPlaneClient, ControlPlaneError, problemCodes } from '@braid/control-api'
import { apiUrl } from './address.ts'
import { type ExitCode, exitCodes } from './exit-codes.ts'
import { Failure } from './failure.ts'
import type { Io } from './io.ts'

/** Asks the control plane that BRAID_API names. What it refuses becomes a Failure with its own words. */
export async function ask<T>(io: Io, question: (client: ControlPlaneClient) => Promise<T>): Promise<T> {
  try {
    return await question(new ControlPlaneClient({ url: apiUrl(io.env), token: io.env.BRAID_TOKEN }))
  } catch (error) {
    throw refusal(error, io)
  }
}

/** Anything that is not of the control plane is returned as it is. */
export function refusal(error: unknown, io: Io): unknown {
  if (!(error instanceof ControlPlaneError)) return error
  const exit = exitFor(error)
  const remedy = exit === exitCodes.unreachable ? unreachableRemedy(io) : remedies[error.code]
  return new Failure(error.detail, { exit, cause: error, ...(remedy === undefined ? {} : { remedy }) })
}

function exitFor(error: ControlPlaneError): ExitCode {
  const { code } = error
  const status = statusOf(error)
  if (code === 'UNAVAILABLE' || code === 'TIMED_OUT' || status === 503) return exitCodes.unreachable
  if (code === 'MIGRATION_CANCELLED' || code === 'MIGRATION_UNDONE') return exitCodes.failed
  if (code === 'BAD_REQUEST') return exitCodes.usage
  if (status === 404) return exitCodes.notFound
  if (status === 409) return exitCodes.conflict
  return exitCodes.failed
}

/** By its code where we know it: a migration that failed tells only the code of what it failed with. */
const statusOf = ({ code, status }: ControlPlaneError): number =>
  Object.entries(problemCodes).find(([known]) => known === code)?.[1].status ?? status

/** Only what the command line can add: the control plane's detail says what to do where it knows. */
const remedies: Readonly<Record<string, string>> = {
  UNKNOWN_CLUSTER: 'see `braid cluster list`',
  UNKNOWN_TOPIC: 'see `braid topic list`',
  UNKNOWN_MIGRATION: 'see `braid migration list`',
  NO_CLUSTER: 'register one: `braid cluster add NAME host:port`',
  MIGRATION_IN_PROGRESS: 'see `braid migration list`, or stop it: `braid migration cancel ID`',
}

const unreachableRemedy = (io: Io): string =>
  io.env.BRAID_API
    ? 'check BRAID_API, or start one there: `braid dev` or `braid control-plane`'
    : 'start one with `braid dev` or `braid control-plane`, or name it: BRAID_API=host:port'
