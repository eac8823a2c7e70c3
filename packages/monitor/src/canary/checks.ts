// What a check from outside came to, for latencies and for service levels.

export type CheckSource =
  | { readonly kind: 'cluster'; readonly cluster: string }
  | { readonly kind: 'listener'; readonly accessPoint: string; readonly listener: string }

export interface Check {
  readonly source: CheckSource
  readonly ok: boolean
  /** By what was done. */
  readonly latenciesMs: readonly (readonly [operation: Operation, ms: number])[]
}

export type Operation = 'pulse' | 'connect' | 'metadata' | 'produce' | 'fetch'

export type OnCheck = (check: Check) => void

/** Answers false when it took longer. */
export function producedWithin({ latenciesMs }: Check, boundMs: number): boolean {
  return latenciesMs.every(([operation, ms]) => operation !== 'produce' || ms <= boundMs)
}
