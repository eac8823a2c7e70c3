export type Log = (
  level: 'debug' | 'info' | 'warn' | 'error',
  event: string,
  fields: Readonly<Record<string, unknown>>,
) => void

export const silent: Log = () => {}

export const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
