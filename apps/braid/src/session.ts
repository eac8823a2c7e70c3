import { ControlPlaneClient } from '@braid/control-api'
import { readContexts } from './contexts/file.ts'
import { type GlobalOptions, type Settings, settingsOf } from './contexts/settings.ts'
import type { Io } from './io.ts'

/** One run of the program: the world, and the options that every command has. */
export interface Session {
  readonly io: Io
  readonly options: GlobalOptions
  /** Looked up when a command first needs it: many need no control plane. Throws Failure. */
  settings(): Settings
}

/** `options` are known once the command line is parsed. */
export function newSession(io: Io, options: () => GlobalOptions): Session {
  let settings: Settings | undefined
  return {
    io,
    get options() {
      return options()
    },
    settings: () => {
      settings ??= settingsOf(options(), io, () => readContexts(io))
      return settings
    },
  }
}

/** With `answerMaxMs` for who cannot wait: no control plane is tried for longer. */
export function clientOf({ controlPlanes, token }: Settings, answerMaxMs?: number): ControlPlaneClient {
  if (answerMaxMs === undefined) return new ControlPlaneClient({ url: controlPlanes, token })
  const limits = { leaderMaxMs: answerMaxMs, awayMaxMs: answerMaxMs, readMaxMs: answerMaxMs }
  return new ControlPlaneClient({ url: controlPlanes, token, timeoutMs: answerMaxMs, limits })
}
