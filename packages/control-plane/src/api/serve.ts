// Registers endpoints from the table of the API: what every one of them does stands here, once.
import { type Endpoint, type EndpointId, endpoints } from '@braid/control-api'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { z } from 'zod'
import type { Caller } from '../access/caller.ts'
import { permit } from '../access/permit.ts'
import { diffOf } from '../audit/diff.ts'
import {
  checkKey,
  type IdempotentRequests,
  notKept,
  type Replayable,
} from '../idempotency/idempotent-requests.ts'
import { forwardedHeader } from '../leadership/forward.ts'
import { Refusal } from '../refusal.ts'
import type { Store } from '../store/store.ts'
import { bodyMaxBytesAt } from './app.ts'
import { parse } from './requests.ts'

type EndpointOf<I extends EndpointId> = (typeof endpoints)[I]
type Parsed<T> = T extends z.ZodType ? z.output<T> : undefined
export type Answer<I extends EndpointId> = EndpointOf<I>['answer'] extends z.ZodType
  ? z.input<EndpointOf<I>['answer']>
  : undefined

/** What a write changed, for the audit trail. `before` undefined: it was made; `after` undefined: it is gone. */
export interface Change {
  readonly tenant: string | null
  /** `topic orders` */
  readonly what: string
  readonly before?: unknown
  readonly after?: unknown
}

/** One call of an endpoint, understood and permitted. */
export interface Call<I extends EndpointId = EndpointId> {
  readonly params: Parsed<EndpointOf<I>['params']>
  readonly query: Parsed<EndpointOf<I>['query']>
  readonly body: Parsed<EndpointOf<I>['body']>
  readonly caller: Caller
  readonly dryRun: boolean
  /**
   * Called by a write inside the transaction that makes its change, once, with what it will answer: the audit trail
   * and the answer to a repeated request are written with it. In a dry run it ends the transaction, and nothing
   * of it is done. A write that never calls it is recorded after its handler, by itself.
   */
  record(change: Change, answer: Answer<I>): Promise<void>
}

export type Handlers = { readonly [I in EndpointId]?: Handler<I> }
export type Handler<I extends EndpointId> = (call: Call<I>) => Promise<Answer<I>> | Answer<I>

export interface ServeParts {
  readonly store: Store
  readonly now: () => number
  readonly idempotent: IdempotentRequests
  authenticate(request: FastifyRequest): Promise<Caller>
  /** Whether anybody is asked who they are. */
  readonly secured: boolean
  /** Tests check every answer against its schema. */
  readonly checkAnswers: boolean
}

/** These ask by POST, and change nothing. */
const questions: ReadonlySet<EndpointId> = new Set(['fleet.plan', 'doctor.run'])
/** These are asked all the time, and change something rarely: their handlers say when. */
const heartbeats: ReadonlySet<EndpointId> = new Set([
  'accessPoints.renew',
  'leases.renew',
  'leases.end',
  'monitors.report',
])

/** The handler's answer in a dry run: thrown where the transaction would have been committed. */
class DryRunAnswer {
  readonly answer: unknown
  constructor(answer: unknown) {
    this.answer = answer
  }
}

export function isWrite(id: EndpointId): boolean {
  return endpoints[id].method !== 'GET' && !questions.has(id)
}

export function serve(app: FastifyInstance, parts: ServeParts, handlers: Handlers): readonly EndpointId[] {
  const ids = Object.keys(handlers) as EndpointId[]
  for (const id of ids) serveOne(app, parts, id, handlers[id] as unknown as Handler<EndpointId>)
  return ids
}

function serveOne(app: FastifyInstance, parts: ServeParts, id: EndpointId, handler: Handler<EndpointId>) {
  const endpoint: Endpoint = endpoints[id]
  const write = isWrite(id)
  app.route({
    method: endpoint.method,
    url: urlOf(endpoint.path),
    config: { endpoint: id, status: endpoint.status },
    bodyLimit: bodyMaxBytesAt(endpoint.path),
    handler: async (request, reply) => {
      const caller = await parts.authenticate(request)
      const params = parse(endpoint.params, request.params)
      const tenant = (params as { tenant?: string }).tenant
      let understood: { query: unknown; body: unknown; dryRun: boolean } | undefined
      try {
        permit({ id, access: endpoint.access }, caller, tenant)
        if (write) checkKey(request)
        const query = parse(endpoint.query, request.query)
        const dryRun = (query as { dryRun?: boolean }).dryRun === true
        understood = { query, body: bodyOf(endpoint, request.body), dryRun }
        if (!write || dryRun) {
          const call = callOf({ params, caller, ...understood }, async (answer) => {
            if (dryRun) throw new DryRunAnswer(answer)
          })
          return await answer(parts, endpoint, reply, dryRun ? 200 : endpoint.status, () => handler(call))
        }
        const does = (replayable: Replayable) =>
          answer(parts, endpoint, reply, endpoint.status, () =>
            done(parts, id, request, handler, replayable, { params, caller, ...understood! }),
          )
        if (heartbeats.has(id)) return await does(notKept)
        return await parts.idempotent.once(request, caller, reply, does)
      } catch (error) {
        if (write && !understood?.dryRun) await recordRefusal(parts, id, request, caller, tenant, error)
        throw error
      }
    },
  })
}

interface Understood {
  readonly params: unknown
  readonly query: unknown
  readonly body: unknown
  readonly caller: Caller
  readonly dryRun: boolean
}

function callOf(
  understood: Understood,
  record: (answer: unknown, change: Change) => Promise<void>,
): Call<EndpointId> {
  return { ...understood, record: (change, answer) => record(answer, change) } as Call<EndpointId>
}

/** Runs the handler of a write, and sees to it that it is recorded. */
async function done(
  parts: ServeParts,
  id: EndpointId,
  request: FastifyRequest,
  handler: Handler<EndpointId>,
  replayable: Replayable,
  understood: Understood,
): Promise<unknown> {
  let recorded = false
  const record = async (answer: unknown, change: Change) => {
    await parts.store.audit.add({
      ...whoAsks(parts, id, request, understood.caller),
      tenant: change.tenant,
      what: change.what,
      outcome: 'done',
      code: null,
      diff: diffOf(change.before, change.after),
    })
    await replayable.keep(answer)
    recorded = true
  }
  const result = await handler(callOf(understood, record))
  if (!recorded && !heartbeats.has(id)) {
    const { params } = understood
    const tenant = (params as { tenant?: string }).tenant ?? null
    await parts.store.transaction(() => record(result, { tenant, what: whatOf(params) }))
  }
  return result
}

async function answer(
  parts: ServeParts,
  endpoint: Endpoint,
  reply: FastifyReply,
  status: number,
  handle: () => unknown,
): Promise<unknown> {
  let result: unknown
  try {
    result = await handle()
  } catch (error) {
    if (!(error instanceof DryRunAnswer)) throw error
    result = error.answer
  }
  if (endpoint.answer === undefined) {
    reply.status(204)
    return reply.send()
  }
  if (parts.checkAnswers) endpoint.answer.parse(result)
  reply.status(status)
  return result
}

/** Everything that was refused and understood. That a refusal cannot be recorded must not hide it. */
async function recordRefusal(
  parts: ServeParts,
  id: EndpointId,
  request: FastifyRequest,
  caller: Caller,
  tenant: string | undefined,
  error: unknown,
): Promise<void> {
  const code = error instanceof Refusal ? error.code : 'INTERNAL'
  if (code === 'BAD_REQUEST' || code === 'SHUTTING_DOWN' || heartbeats.has(id)) return
  await parts.store.audit
    .add({
      ...whoAsks(parts, id, request, caller),
      tenant: tenant ?? null,
      what: whatOf(request.params, request.body),
      outcome: 'refused',
      code,
      diff: [],
    })
    .catch(() => {})
}

function whoAsks({ now }: ServeParts, id: EndpointId, request: FastifyRequest, caller: Caller) {
  const { principal, role } = caller
  return { at: now(), principal, role, source: sourceOf(request), action: id }
}

/** Another control plane says for whom it asks; who claims to be one is named with what it says. */
function sourceOf({ ip, headers }: FastifyRequest): string {
  const said = headers['x-forwarded-for']
  if (headers[forwardedHeader] === undefined || typeof said !== 'string') return ip
  return `${said.slice(0, 100).replaceAll(/[^\x20-\x7e]/g, '?')} by ${ip}`
}

/** `topic orders`, `id x7`: the last parameter says what it is about; else the name in the body does. */
function whatOf(params: unknown, body?: unknown): string {
  const [kind, name] = Object.entries(params as Record<string, unknown>).at(-1) ?? []
  const named = (body as { name?: unknown } | undefined)?.name
  if (typeof named === 'string' && kind !== 'topic') return `${named.slice(0, 250)}`
  return kind === undefined ? '' : `${kind} ${String(name)}`
}

function bodyOf(endpoint: Endpoint, body: unknown): unknown {
  if (endpoint.body === undefined) {
    if (body === undefined || body === null || isEmpty(body)) return undefined
    throw new Refusal('BAD_REQUEST', `${endpoint.method} ${endpoint.path} takes no body`)
  }
  // What is all defaults may be left out.
  if (body === undefined && endpoint.body.safeParse({}).success) return parse(endpoint.body, {})
  if (body === undefined) {
    throw new Refusal('BAD_REQUEST', `${endpoint.method} ${endpoint.path} takes a body, in JSON`)
  }
  return parse(endpoint.body, body)
}

function isEmpty(body: unknown): boolean {
  return typeof body === 'object' && body !== null && Object.keys(body).length === 0
}

export function urlOf(path: string): string {
  return path.replaceAll(/\{(\w+)\}/g, ':$1')
}
