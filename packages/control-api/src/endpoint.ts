// One endpoint of the API, described once: the server registers it, the OpenAPI document and the client are made of it.
import type { z } from 'zod'
import type { ProblemCode } from './problems.ts'

/**
 * Who may call it. `anyone`: no credentials. `reader`: everybody with a role, of that tenant or of the fleet. The
 * rest: that role, or one above it. What is of a tenant that the caller does not see is not found.
 */
export type Access = 'anyone' | 'reader' | 'access-point' | 'owner' | 'operator' | 'admin'

export interface Endpoint<
  P extends z.ZodType = z.ZodType,
  Q extends z.ZodType = z.ZodType,
  B extends z.ZodType | undefined = z.ZodType | undefined,
  A extends z.ZodType | undefined = z.ZodType | undefined,
> {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** `/v1/tenants/{tenant}/topics`; its parameters are the keys of `params`. */
  readonly path: string
  readonly summary: string
  readonly access: Access
  readonly params: P
  readonly query: Q
  readonly body: B
  readonly answer: A
  /** Of the answer when all is well. */
  readonly status: 200 | 201 | 202 | 204
  /** Refusals that are its own, besides those that any endpoint has. */
  readonly problems: readonly ProblemCode[]
  /** Nothing is made with `dryRun`, so the answer is 200. */
  readonly dryRun: boolean
}

type Description<
  P extends z.ZodType,
  Q extends z.ZodType,
  B extends z.ZodType | undefined,
  A extends z.ZodType | undefined,
> = Pick<Endpoint, 'method' | 'path' | 'summary' | 'access'> & {
  params: P
  query: Q
  body: B
  answer: A
  status?: Endpoint['status']
  problems?: readonly ProblemCode[]
  dryRun?: boolean
}

export function endpoint<
  P extends z.ZodType,
  Q extends z.ZodType,
  B extends z.ZodType | undefined,
  A extends z.ZodType | undefined,
>(description: Description<P, Q, B, A>): Endpoint<P, Q, B, A> {
  const status = description.status ?? (description.answer === undefined ? 204 : 200)
  return { problems: [], dryRun: false, ...description, status }
}
