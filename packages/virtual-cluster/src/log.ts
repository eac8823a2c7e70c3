/** One structured line. `event` is a stable name, the fields say what, where and what to do. */
export type Log = (
  level: 'debug' | 'info' | 'warn' | 'error',
  event: string,
  fields: Readonly<Record<string, unknown>>,
) => void

export const silent: Log = () => {}

/** A log that cannot write a line must not stop a batch on its way. */
export function neverThrowing(log: Log): Log {
  return (level, event, fields) => {
    try {
      log(level, event, fields)
    } catch (error) {
      process.emitWarning(`the log could not write ${event}: ${error}`)
    }
  }
}
