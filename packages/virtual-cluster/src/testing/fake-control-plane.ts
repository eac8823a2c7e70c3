import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type LeaseRenewal, problemOf } from '@braid/control-api'
import type { RouteDelta, RouteSnapshot, RouteTable } from '@braid/routing-model'

/** What it answers to a renewal: a lease, a problem, or nothing. */
export type LeaseAnswer = number | 'FORBIDDEN' | 'hang'

/** The part of a control plane that an engine talks to: the route feed and leases, over HTTP on 127.0.0.1. */
export class FakeControlPlane {
  readonly table: RouteTable
  readonly renewals: { readonly id: string; readonly report: LeaseRenewal }[] = []
  readonly ended: string[] = []
  leaseAnswer: LeaseAnswer = 3_000
  readonly #feeds = new Set<ServerResponse>()
  readonly #server = createServer((request, response) => {
    this.#answer(request, response).catch((error) => response.destroy(error))
  })

  constructor(table: RouteTable) {
    this.table = table
  }

  async start(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  publish(change: Omit<RouteDelta, 'from' | 'to'>): void {
    const delta = { ...change, from: this.table.version, to: this.table.version + 1 }
    this.table.apply(delta)
    for (const feed of this.#feeds) feed.write(event('delta', delta.to, delta))
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [, , resource = '', id = ''] = new URL(request.url ?? '/', 'http://here').pathname.split('/')
    if (resource === 'leases' && request.method === 'PUT') await this.#lease(request, response, id)
    else if (resource === 'leases') {
      this.ended.push(id)
      response.writeHead(204).end()
    } else this.#feed(response, this.table.toJSON())
  }

  async #lease(request: IncomingMessage, response: ServerResponse, id: string): Promise<void> {
    let body = ''
    for await (const chunk of request) body += chunk
    this.renewals.push({ id, report: JSON.parse(body) as LeaseRenewal })
    const answer = this.leaseAnswer
    if (answer === 'hang') return
    if (typeof answer === 'number') json(response, 200, { leaseMs: answer, routeVersion: this.table.version })
    else json(response, 403, problemOf(answer, 'not with this token'))
  }

  #feed(response: ServerResponse, snapshot: RouteSnapshot): void {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.write(event('snapshot', snapshot.version, snapshot))
    this.#feeds.add(response)
    response.on('close', () => this.#feeds.delete(response))
  }
}

function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

const event = (name: string, version: number, data: unknown): string =>
  `event: ${name}\nid: s:${version}\ndata: ${JSON.stringify(data)}\n\n`
