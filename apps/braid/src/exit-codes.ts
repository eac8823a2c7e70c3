/** What `braid` exits with. Documented in docs/reference/cli.md; scripts may rely on it. */
export const exitCodes = {
  ok: 0,
  /** The operation was tried or refused, and the error says why. */
  failed: 1,
  /** The command line itself is wrong. Nothing was tried. */
  usage: 2,
  /** No control plane answers where BRAID_API points. Nothing was tried. */
  unreachable: 3,
  /** A cluster, topic or migration of that name is not known. */
  notFound: 4,
  /** It exists already, moves already, or is in use. */
  conflict: 5,
  /** It took longer than --timeout. What was started goes on. */
  timedOut: 6,
  /** Stopped by a signal while waiting. What was started goes on. */
  interrupted: 130,
} as const

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes]
