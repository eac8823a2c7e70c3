// A call of one endpoint: its description says the path, what goes in and what comes out.
import type { z } from 'zod'
import type { Endpoint } from './endpoint.ts'
import { type EndpointId, endpoints } from './endpoints.ts'
import { ControlPlaneError } from './problems.ts'
import type { Requester } from './requests.ts'

type In<T> = T extends z.ZodType ? z.input<T> : undefined
type Out<T> = T extends z.ZodType ? z.output<T> : undefined

export type EndpointOf<I extends EndpointId> = (typeof endpoints)[I]
export type AnswerOf<I extends EndpointId> = Out<EndpointOf<I>['answer']>

/** What a call takes; a part without members may be left out. */
export interface CallInput<I extends EndpointId> {
  readonly params?: In<EndpointOf<I>['params']>
  readonly query?: In<EndpointOf<I>['query']>
  readonly body?: In<EndpointOf<I>['body']>
  /** On top of the timeout: how long the other side was asked to wait. */
  readonly extraMs?: number
}

export async function call<I extends EndpointId>(
  http: Requester,
  id: I,
  { params, query, body, extraMs = 0 }: CallInput<I> = {},
): Promise<AnswerOf<I>> {
  const { method, path, answer } = endpoints[id] as Endpoint
  const values = (params ?? {}) as Record<string, string>
  // Without the /v1 that a requester puts before every path.
  const parts = path.split('/').slice(2)
  return (await http.ask({
    method,
    path: parts.map((part) => (part.startsWith('{') ? (values[part.slice(1, -1)] ?? '') : part)),
    query: definedOf((query ?? {}) as Record<string, string | number | undefined>),
    body,
    ...(answer !== undefined && { answer }),
    extraMs,
  })) as AnswerOf<I>
}

/** Rows of all pages. Throws TOO_LONG beyond `rowsMax`: ask for less. */
export async function allPages<T, P extends { next: string | null }>(
  page: (after: string | undefined) => Promise<P>,
  rowsOf: (page: P) => readonly T[],
  rowsMax = 1_000_000,
): Promise<T[]> {
  const rows: T[] = []
  let after: string | undefined
  do {
    const answer = await page(after)
    rows.push(...rowsOf(answer))
    if (rows.length > rowsMax) {
      throw new ControlPlaneError(
        'BAD_ANSWER',
        0,
        `a list of more than ${rowsMax} rows: ask for a part of it`,
      )
    }
    after = answer.next ?? undefined
  } while (after !== undefined)
  return rows
}

function definedOf(query: Record<string, string | number | undefined>): Record<string, string | number> {
  return Object.fromEntries(Object.entries(query).filter((entry) => entry[1] !== undefined)) as Record<
    string,
    string | number
  >
}
