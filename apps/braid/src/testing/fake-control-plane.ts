import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type ProblemCode, problemOf } from '@braid/control-api'

export interface Received {
  method: string
  path: string
  body: unknown
}

/** What it answers: a value (200), or a problem. A function is called for each request. */
export type Answer = unknown | Refusal | ((received: Received) => unknown)

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
}

/** A control plane that knows only what it is told: answers by `METHOD /v1/path`. */
export async function fakeControlPlane(answers: Readonly<Record<string, Answer>>): Promise<FakeControlPlane> {
  const received: Received[] = []
  const server = createServer(async (request, response) => {
    const url = new URL(request.url ?? '/', 'http://fake')
    const body = await readBody(request)
    const now = { method: request.method ?? '', path: url.pathname, body }
    received.push(now)
    const known = answers[`${now.method} ${now.path}`]
    const answer = await (typeof known === 'function' ? known(now) : known)
    if (answer === undefined) refuse(response, new Refusal('NOT_FOUND', `${now.method} ${now.path}`))
    else if (answer instanceof Refusal) refuse(response, answer)
    else response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    [Symbol.asyncDispose]: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

async function readBody(request: IncomingMessage): Promise<unknown> {
  const text = (await request.toArray()).join('')
  return text === '' ? undefined : JSON.parse(text)
}

function refuse(response: ServerResponse, { code, detail }: Refusal): void {
  const problem = problemOf(code, detail)
  response
    .writeHead(problem.status, { 'content-type': 'application/problem+json' })
    .end(JSON.stringify(problem))
}
