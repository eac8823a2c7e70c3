// The OpenAPI document, made of the endpoints that are registered.
import {
  type Endpoint,
  type EndpointId,
  endpoints,
  type ProblemCode,
  problem,
  problemCodes,
} from '@braid/control-api'
import { z } from 'zod'
import { isWrite } from './serve.ts'

type Json = Record<string, unknown>

const problemType = 'application/problem+json'
/** Of any endpoint with credentials, a body, or both. */
const always: readonly ProblemCode[] = ['BAD_REQUEST', 'NOT_FOUND', 'INTERNAL', 'NO_LEADER', 'SHUTTING_DOWN']
const ofCredentials: readonly ProblemCode[] = ['UNAUTHENTICATED', 'FORBIDDEN', 'IDENTITY_UNAVAILABLE']
const ofWrites: readonly ProblemCode[] = ['REQUEST_IN_PROGRESS', 'IDEMPOTENCY_KEY_REUSED']
const titles: Readonly<Record<string, string>> = {
  413: 'The request is too large',
  415: 'The request is in no form that is understood; it takes application/json',
}

export function openApi(ids: readonly EndpointId[], secured: boolean): Json {
  const paths: Record<string, Json> = { ...ownPaths(secured) }
  for (const id of ids) {
    const endpoint: Endpoint = endpoints[id]
    paths[endpoint.path] = {
      ...paths[endpoint.path],
      [endpoint.method.toLowerCase()]: operation(id, endpoint, secured),
    }
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Braid control plane',
      version: '1',
      description:
        'Clusters, SLA classes, tenants and topics, and what moves between them. Every write takes an Idempotency-Key, every list has pages, every error is a problem (RFC 9457) with a stable code.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    paths,
    components: {
      schemas: { Problem: jsonSchema(problem, 'output') },
      ...(secured && {
        securitySchemes: {
          token: {
            type: 'http',
            scheme: 'bearer',
            description: 'A token of the control plane, `brd_...`, or a JWT of the issuer that it trusts',
          },
        },
      }),
    },
    ...(secured && { security: [{ token: [] }] }),
  }
}

function operation(id: EndpointId, endpoint: Endpoint, secured: boolean): Json {
  const { summary, access, answer, status, dryRun } = endpoint
  const open = access === 'anyone' || !secured
  const write = isWrite(id)
  const success = (of: number, description: string) => ({
    [of]: {
      description,
      ...(answer !== undefined && {
        content: { 'application/json': { schema: jsonSchema(answer, 'output') } },
      }),
    },
  })
  return {
    operationId: id,
    summary,
    tags: [id.split('.')[0]],
    ...(open ? { security: [] } : { description: `Takes the role \`${access}\`.` }),
    parameters: [
      ...parametersOf(endpoint.params, 'path'),
      ...parametersOf(endpoint.query, 'query'),
      ...(write ? [idempotencyKey] : []),
    ],
    ...(endpoint.body !== undefined && {
      requestBody: {
        required: !endpoint.body.safeParse({}).success,
        content: { 'application/json': { schema: jsonSchema(endpoint.body, 'input') } },
      },
    }),
    responses: {
      ...success(status, 'Done'),
      ...(dryRun && answer !== undefined && status !== 200 && success(200, 'What would be done')),
      ...problemResponses([
        ...always,
        ...(open ? [] : ofCredentials),
        ...(write ? ofWrites : []),
        ...endpoint.problems,
      ]),
      ...(endpoint.method !== 'GET' && plainProblems([413, 415])),
    },
  }
}

const idempotencyKey = {
  name: 'Idempotency-Key',
  in: 'header',
  description: 'The same key with the same request within 24 hours is done once, and answered again',
  schema: { type: 'string', pattern: '^[!-~]([ -~]{0,253}[!-~])?$' },
}

function parametersOf(schema: z.ZodType, where: 'path' | 'query'): Json[] {
  const { properties = {}, required = [] } = jsonSchema(schema, 'input') as {
    properties?: Record<string, Json>
    required?: string[]
  }
  return Object.entries(properties).map(([name, property]) => ({
    name,
    in: where,
    required: where === 'path' || required.includes(name),
    schema: property,
  }))
}

/** By status, with the codes that come with it. */
function problemResponses(codes: readonly ProblemCode[]): Json {
  const byStatus = Map.groupBy(new Set(codes), (code) => problemCodes[code].status)
  return Object.fromEntries(
    Array.from(byStatus, ([status, ofStatus]) => [
      status,
      problemResponse(ofStatus.map((code) => `${code}: ${problemCodes[code].title}`).join('; ')),
    ]),
  )
}

function plainProblems(statuses: readonly number[]): Json {
  return Object.fromEntries(statuses.map((status) => [status, problemResponse(titles[status] ?? '')]))
}

function problemResponse(description: string): Json {
  return { description, content: { [problemType]: { schema: { $ref: '#/components/schemas/Problem' } } } }
}

function jsonSchema(schema: z.ZodType, io: 'input' | 'output'): Json {
  const { $schema: _, ...json } = z.toJSONSchema(schema, {
    io,
    target: 'draft-2020-12',
    unrepresentable: 'any',
    reused: 'inline',
    override: ({ zodSchema, jsonSchema }) => {
      // What comes in as text is read as a number: its bounds stay, which a schema of the input does not say.
      const { def } = zodSchema._zod as { def: { type: string; coerce?: boolean } }
      if (io === 'input' && def.type === 'number' && def.coerce === true) {
        Object.assign(jsonSchema, coerced(zodSchema as unknown as z.ZodType))
      }
    },
  })
  return json as Json
}

function coerced(schema: z.ZodType): Json {
  const { $schema: _, ...json } = z.toJSONSchema(schema, { io: 'output' })
  return json as Json
}

/** What every control plane answers itself. */
function ownPaths(secured: boolean): Record<string, Json> {
  const health = z.object({
    status: z.string(),
    routeVersion: z.int(),
    role: z.enum(['leader', 'reader']),
    /** Of a leader. */
    term: z.int().optional(),
    /** Where the leader is, as far as a reader knows. */
    leader: z.string().nullable().optional(),
  })
  const answers = (schema: z.ZodType, description: string) => ({
    description,
    content: { 'application/json': { schema: jsonSchema(schema, 'output') } },
  })
  const text = (type: string, description: string) => ({
    description,
    content: { [type]: { schema: { type: 'string' } } },
  })
  const get = (operationId: string, summary: string, rest: Json, open = true) => ({
    get: { operationId, summary, tags: ['installation'], ...(open && { security: [] }), ...rest },
  })
  return {
    '/healthz': get('health', 'Whether the process is there', {
      responses: { 200: answers(health, 'It is') },
    }),
    '/readyz': get('readiness', 'Whether it has routes, and knows who leads', {
      responses: { 200: answers(health, 'It does'), 503: answers(health, 'Not yet') },
    }),
    '/metrics': get('metrics', 'What Prometheus reads', {
      responses: { 200: text('text/plain', 'Metrics') },
    }),
    '/openapi.json': get('openapi', 'This document', {
      responses: { 200: answers(z.looseObject({ openapi: z.string() }), 'The document') },
    }),
    '/v1/routes': get(
      'routes',
      'The routes, as server-sent events: a snapshot, then deltas, for as long as the connection stands',
      {
        parameters: [
          {
            name: 'since',
            in: 'query',
            schema: { type: 'string', maxLength: 200 },
            description: 'The id of the last event that was read',
          },
          {
            name: 'tenants',
            in: 'query',
            schema: { type: 'string' },
            description: 'Only of these, with commas between',
          },
        ],
        responses: {
          200: text('text/event-stream', 'Events'),
          ...problemResponses([
            'BAD_REQUEST',
            'NO_LEADER',
            'TOO_MANY_READERS',
            ...(secured ? [...ofCredentials, 'UNKNOWN_TENANT' as const] : []),
          ]),
        },
      },
      !secured,
    ),
  }
}
