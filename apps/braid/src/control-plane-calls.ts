import { type ControlPlaneClient, ControlPlaneError, problemCodes } from '@braid/control-api'
import type { Settings } from './contexts/settings.ts'
import { type ExitCode, exitCodes } from './exit-codes.ts'
import { Failure } from './failure.ts'
import { clientOf, type Session } from './session.ts'

/** Asks the control plane of the session. What it refuses becomes a Failure with its own words. */
export async function ask<T>(
  session: Session,
  question: (client: ControlPlaneClient, settings: Settings) => Promise<T>,
): Promise<T> {
  const settings = session.settings()
  try {
    return await question(clientOf(settings), settings)
  } catch (error) {
    throw refusal(error, settings)
  }
}

/** Anything that is not of the control plane is returned as it is. */
export function refusal(error: unknown, settings: Pick<Settings, 'controlPlaneFrom'>): unknown {
  if (!(error instanceof ControlPlaneError)) return error
  const exit = exitFor(error)
  const remedy = exit === exitCodes.unreachable ? unreachableRemedy(settings) : remedies[error.code]
  return new Failure(error.detail, { exit, cause: error, ...(remedy === undefined ? {} : { remedy }) })
}

function exitFor(error: ControlPlaneError): ExitCode {
  const { code } = error
  const status = statusOf(error)
  if (code === 'UNAVAILABLE' || code === 'TIMED_OUT' || status === 503) return exitCodes.unreachable
  if (ended.has(code)) return exitCodes.failed
  if (code === 'STALE_PLAN') return exitCodes.stalePlan
  if (code === 'BAD_REQUEST') return exitCodes.usage
  if (status === 404) return exitCodes.notFound
  if (status === 409) return exitCodes.conflict
  return exitCodes.failed
}

/** Not refused by the present state: it was tried, and ended so. */
const ended: ReadonlySet<string> = new Set(['MIGRATION_CANCELLED', 'MIGRATION_UNDONE', 'FAILOVER_CANCELLED'])

/** By its code where we know it: a migration that failed tells only the code of what it failed with. */
const statusOf = ({ code, status }: ControlPlaneError): number =>
  Object.entries(problemCodes).find(([known]) => known === code)?.[1].status ?? status

/** Only what the command line can add: the control plane's detail says what to do where it knows. */
const remedies: Readonly<Record<string, string>> = {
  UNAUTHENTICATED: 'give a token: BRAID_TOKEN, --token env:NAME, or `braid context set`',
  FORBIDDEN: 'see who you are: `braid whoami`',
  UNKNOWN_CLUSTER: 'see `braid cluster list`',
  UNKNOWN_SLA: 'see `braid sla list`',
  UNKNOWN_TENANT: 'see `braid tenant list`',
  UNKNOWN_REQUEST: 'see `braid request list`',
  UNKNOWN_OPERATION: 'see `braid operation list`',
  UNKNOWN_TOKEN: 'see `braid token list`',
  UNKNOWN_TOPIC: 'see `braid topic list`',
  UNKNOWN_MIGRATION: 'see `braid migration list`',
  UNKNOWN_ACCESS_POINT: 'see `braid access-point list`',
  NO_CLUSTER: 'register one: `braid cluster add NAME host:port`',
  NO_PLACE: 'see what was considered: the same command with --dry-run',
  MIGRATION_IN_PROGRESS: 'see `braid migration list`, or stop it: `braid migration cancel ID`',
  OPERATION_IN_PROGRESS: 'see `braid operation list`',
  CLUSTER_GIVEN_UP: 'when it is back: `braid cluster return CLUSTER`',
  CLUSTER_NOT_GIVEN_UP: 'see how it is seen: `braid failover status`',
  CLUSTER_ANSWERS: 'see who sees what: `braid failover status`; --force gives it up all the same',
  CLUSTER_STILL_FAILING: 'see who sees what: `braid failover status`',
  STANDBY_DOWN: 'see who sees what: `braid failover status`',
  NOTHING_TO_FAIL_OVER: 'see which topics have a standby: `braid topic list --all-tenants`',
  FAILOVER_IN_PROGRESS: 'see `braid failover status`',
  FAILOVER_LIMIT: 'see `braid failover list`; --force does it all the same',
  FAILOVER_ENDED: 'see `braid failover list`',
  UNKNOWN_FAILOVER: 'see `braid failover list`',
  UNKNOWN_LOGLET: 'see the loglets: `braid topic show TOPIC`',
  LOGLET_NOT_LOST: 'see the loglets: `braid topic show TOPIC`',
  STALE_PLAN: 'look at what is new: `braid plan -f FILE`',
}

const unreachableRemedy = ({ controlPlaneFrom }: Pick<Settings, 'controlPlaneFrom'>): string =>
  controlPlaneFrom === ''
    ? 'start one with `braid dev` or `braid control-plane`, or name it: BRAID_API=host:port'
    : `check ${controlPlaneFrom}, or start one there: \`braid dev\` or \`braid control-plane\``
