import { ConnectionError, type Right } from '@braid/kafka-connection'
import { reasonOf } from '../log.ts'

/** What became of a question that was asked of a cluster. */
export type Outcome<T> =
  | { readonly kind: 'answered'; readonly value: T }
  | { readonly kind: 'failed'; readonly failure: Failure }
  | { readonly kind: 'late'; readonly afterMs: number }

/** `code` is that of a ConnectionError; OTHER for anything else. */
export interface Failure {
  readonly code: string
  readonly reason: string
  readonly missing: Right | undefined
}

/** Never rejects, and never takes longer. What is asked goes on, and what it comes to is not heard any more. */
export async function within<T>(maxMs: number, ask: () => Promise<T>): Promise<Outcome<T>> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<Outcome<T>>((resolve) => {
    timer = setTimeout(() => resolve({ kind: 'late', afterMs: maxMs }), maxMs).unref()
  })
  const asked = ask().then(
    (value): Outcome<T> => ({ kind: 'answered', value }),
    (error: unknown): Outcome<T> => ({ kind: 'failed', failure: failureOf(error) }),
  )
  return Promise.race([asked, late]).finally(() => clearTimeout(timer))
}

function failureOf(error: unknown): Failure {
  const reason = reasonOf(error)
  if (!(error instanceof ConnectionError)) return { code: 'OTHER', reason, missing: undefined }
  return { code: error.code, reason, missing: error.missing }
}

/** In words, for what did not answer. */
export function reasonNot(outcome: Exclude<Outcome<unknown>, { kind: 'answered' }>): string {
  return outcome.kind === 'late'
    ? `it did not answer within ${outcome.afterMs / 1_000} s`
    : outcome.failure.reason
}
