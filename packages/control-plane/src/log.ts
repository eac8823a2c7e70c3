/** One structured line. `event` is a stable name, the fields say what, where and what to do. */
export type Log = (
  level: 'debug' | 'info' | 'warn' | 'error',
  event: string,
  fields: Readonly<Record<string, unknown>>,
) => void

export const silent: Log = () => {}

/** Of anything that was thrown, for a log line or a record. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
