/** What `braid` exits with. Documented in docs/reference/cli.md; scripts may rely on it. */
export const exitCodes = {
  ok: 0,
  /** The operation was tried or refused, and the error says why. */
  failed: 1,
  /** The command line itself is wrong, or a question has nobody to answer it. Nothing was tried. */
  usage: 2,
  /** No control plane answers where we asked. Nothing was tried. */
  unreachable: 3,
  /** A cluster, topic or migration of that name is not known. */
  notFound: 4,
  /** It exists already, moves already, or is in use. */
  conflict: 5,
  /** It took longer than --timeout. What was started goes on. */
  timedOut: 6,
  /** The fleet has changed since the plan was made. Nothing was done: plan again. */
  stalePlan: 7,
  /** `plan --detailed-exitcode`: there are changes to apply. */
  changes: 8,
  /** Stopped by a signal while waiting. What was started goes on. */
  interrupted: 130,
} as const

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes]

/** In words, for `braid help exit-codes`. */
export const exitCodeMeanings: Readonly<Record<keyof typeof exitCodes, string>> = {
  ok: 'done',
  failed: 'failed; the error says why',
  usage: 'the command line is wrong, or a question has nobody to answer it (--yes); nothing was tried',
  unreachable: 'no control plane answers',
  notFound: 'not found: a cluster, topic, migration or other of that name',
  conflict: 'the present state forbids it: it exists, it moves, it is in use, there is no room',
  timedOut: 'timed out; what was started goes on',
  stalePlan: 'the fleet has changed since the plan; nothing was done',
  changes: 'plan --detailed-exitcode: there are changes to apply',
  interrupted: 'interrupted while waiting; what was started goes on',
}
