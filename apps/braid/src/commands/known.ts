import { ControlPlaneError } from '@braid/control-api'

/** Undefined for what is not there yet: `set` makes it then. */
export const unlessUnknown = <T>(code: string, found: Promise<T>): Promise<T | undefined> =>
  found.catch((error: unknown) => {
    if (error instanceof ControlPlaneError && error.code === code) return undefined
    throw error
  })
