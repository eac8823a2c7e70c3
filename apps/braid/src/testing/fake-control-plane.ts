import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Endpoint, type EndpointId, endpoints, type ProblemCode, problemOf } from '@braid/control-api'

export interface Received {
  readonly id: EndpointId
  readonly params: Readonly<Record<string, string>>
  readonly query: Readonly<Record<string, string>>
  readonly body: unknown
  readonly authorization: string | undefined
}

/** What it answers: a value, or a problem. A function is called for each request. */
export type Answer = unknown | Refusal | ((received: Received) => unknown)
export type Answers = Readonly<Partial<Record<EndpointId, Answer>>>

export class Refusal {
  readonly code: ProblemCode
  readonly detail: string

  constructor(code: ProblemCode, detail: string) {
    this.code = code
    this.detail = detail
  }
}

export interface FakeControlPlane extends AsyncDisposable {
  readonly url: string
  readonly received: readonly Received[]
  /** Answers of this fake that the contract does not have: an error of the test. */
  readonly drifted: readonly string[]
}

/**
 * A control plane that knows only what it is told, by endpoint. It holds to the contract: requests are parsed by the
 * endpoint's schemas, and answers too, so that neither the command line nor the tests can drift from it.
 */
export async function fakeControlPlane(answers: Answers): Promise<FakeControlPlane> {
  const received: Received[] = []
  const drifted: string[] = []
  const server = createServer(async (request, response) => {
    const url = new URL(request.url ?? '/', 'http://fake')
    const found = endpointFor(request.method ?? '', url.pathname)
    const text = (await request.toArray()).join('')
    if (found === undefined)
      return refuse(response, new Refusal('NOT_FOUND', `${request.method} ${url.pathname}`))
    const { id, params } = found
    const now: Received = {
      id,
      params,
      query: Object.fromEntries(url.searchParams),
      body: text === '' ? undefined : JSON.parse(text),
      authorization: request.headers.authorization,
    }
    received.push(now)
    const wrong = wrongIn(now)
    if (wrong !== undefined) return refuse(response, new Refusal('BAD_REQUEST', wrong))
    const known = answers[id]
    const answer = await (typeof known === 'function' ? known(now) : known)
    const { answer: schema, status } = endpoints[id] as Endpoint
    if (answer instanceof Refusal) return refuse(response, answer)
    if (schema === undefined && id in answers) return response.writeHead(204).end()
    const parsed = schema?.safeParse(answer)
    if (parsed?.success !== true) {
      const why = `${id}: ${answer === undefined ? 'no answer is known' : parsed?.error.message}`
      drifted.push(why)
      return refuse(response, new Refusal('INTERNAL', `the fake answers against its contract: ${why}`))
    }
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(parsed.data))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    drifted,
    [Symbol.asyncDispose]: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

function wrongIn({ id, params, query, body }: Received): string | undefined {
  const endpoint = endpoints[id] as Endpoint
  const parts: [string, Endpoint['params'] | undefined, unknown][] = [
    ['path', endpoint.params, params],
    ['query', endpoint.query, query],
    ['body', endpoint.body, body],
  ]
  for (const [part, schema, value] of parts) {
    const parsed = schema?.safeParse(value)
    if (parsed?.success === false) {
      const [issue] = parsed.error.issues
      return `${id}: ${part} ${issue?.path.join('.')}: ${issue?.message}`
    }
  }
  return endpoint.body === undefined && body !== undefined ? `${id} takes no body` : undefined
}

function endpointFor(
  method: string,
  path: string,
): { id: EndpointId; params: Record<string, string> } | undefined {
  const given = path.split('/').map(decodeURIComponent)
  // `topics/adopt` before `topics/{topic}`.
  const all = Object.entries(endpoints).toSorted(
    ([, a], [, b]) => a.path.split('{').length - b.path.split('{').length,
  )
  for (const [id, endpoint] of all) {
    const parts = endpoint.path.split('/')
    if (endpoint.method !== method || parts.length !== given.length) continue
    const params: Record<string, string> = {}
    const fits = parts.every((part, i) => {
      if (!part.startsWith('{')) return part === given[i]
      params[part.slice(1, -1)] = given[i]!
      return true
    })
    if (fits) return { id: id as EndpointId, params }
  }
  return undefined
}

function refuse(response: ServerResponse, { code, detail }: Refusal): ServerResponse {
  const problem = problemOf(code, detail)
  return response
    .writeHead(problem.status, { 'content-type': 'application/problem+json' })
    .end(JSON.stringify(problem))
}
