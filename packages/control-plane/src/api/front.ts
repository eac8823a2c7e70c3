// What every control plane answers itself, whoever leads: the route feed, and how it is. The rest is the leader's.
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:http'
import {
  type Gauge,
  type Problem,
  problemOf,
  prometheusContentType,
  prometheusText,
} from '@braid/control-api'
import type { FastifyInstance } from 'fastify'
import type { FeedAccess } from '../access/feed-access.ts'
import type { Log } from '../log.ts'
import type { PublishedRoutes } from '../routes/published-routes.ts'
import type { RouteReaders } from '../routes/route-readers.ts'
import { createApp } from './app.ts'
import { routeFeed } from './route-feed.ts'

export type Answer = (request: IncomingMessage, response: ServerResponse) => void

/** What this process is, as its health says it. */
export type Role =
  | { readonly role: 'leader'; readonly term: number }
  /** `leader` is where the one is that leads, as far as we know. */
  | { readonly role: 'reader'; readonly leader: string | null }

export interface FrontParts {
  readonly published: PublishedRoutes
  readonly readers: RouteReaders
  readonly log: Log
  /** Says who may read the feed, and of which tenants; everybody all of it when absent. */
  readonly access?: FeedAccess | undefined
  /** What Prometheus reads. */
  metrics?(): Promise<readonly Gauge[]>
  role(): Role
  /** Who answers everything else at this moment: the API of our own term, or the way to the leader. */
  rest(): Answer
}

/** As clients keep theirs, and longer: the side that ends an idle connection should be the client's. */
const keepAliveMs = 72_000

export function createFront(parts: FrontParts): FastifyInstance {
  const app: FastifyInstance = createApp(parts.log, (answer) => {
    const server = createServer({ keepAliveTimeout: keepAliveMs }, (request, response) => {
      const [path = ''] = (request.url ?? '').split('?', 1)
      // What is registered below is answered here, on every control plane.
      if (app.hasRoute({ method: 'GET', url: path })) answer(request, response)
      else parts.rest()(request, response)
    })
    return server
  })
  app.get('/healthz', () => ({
    status: 'ok',
    routeVersion: parts.published.table.version,
    ...parts.role(),
  }))
  /** Ready: whoever connects here gets routes, and is answered or brought to the leader. */
  app.get('/readyz', (_request, reply) => {
    const { published } = parts
    const role = parts.role()
    const ready = published.storeId !== undefined && (role.role === 'leader' || role.leader !== null)
    return reply.status(ready ? 200 : 503).send({
      status: ready ? 'ready' : 'not ready',
      routeVersion: published.table.version,
      ...role,
    })
  })
  app.get('/metrics', async (_request, reply) =>
    reply.type(prometheusContentType).send(prometheusText((await parts.metrics?.()) ?? [])),
  )
  routeFeed(app, parts)
  return app
}

/** Outside of fastify: on the raw response. */
export function sendProblem(response: ServerResponse, problem: Problem, retryAfterSeconds?: number): void {
  if (response.headersSent) {
    response.destroy()
    return
  }
  response
    .writeHead(problem.status, {
      'content-type': 'application/problem+json',
      ...(retryAfterSeconds !== undefined && { 'retry-after': String(retryAfterSeconds) }),
    })
    .end(JSON.stringify(problem))
}

export function noLeader(detail: string): Problem {
  return problemOf('NO_LEADER', detail)
}
