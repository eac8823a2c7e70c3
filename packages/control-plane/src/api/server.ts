import { type Problem, problemOf } from '@braid/control-api'
import fastify, { type FastifyInstance, type FastifyReply } from 'fastify'
import type { AccessPoints } from '../access-points.ts'
import { reasonOf } from '../log.ts'
import type { Plane } from '../plane.ts'
import { Refusal } from '../refusal.ts'
import type { Migrations } from '../sagas/migrations.ts'
import type { Topics } from '../topics/topics.ts'
import { accessPointEndpoints } from './access-points.ts'
import { clusterEndpoints } from './clusters.ts'
import { migrationEndpoints } from './migrations.ts'
import { routeFeed } from './route-feed.ts'
import { type Handlers, type ServeParts, serve } from './serve.ts'
import { slaEndpoints } from './slas.ts'
import { tenantEndpoints } from './tenants.ts'
import { topicEndpoints } from './topics.ts'

/** What the API speaks for. */
export interface Served {
  readonly plane: Plane
  readonly topics: Topics
  readonly migrations: Migrations
  readonly accessPoints: AccessPoints
  readonly serving: ServeParts
}

const bodyMaxBytes = 1024 * 1024
const problemType = 'application/problem+json'

export function createApi(served: Served): FastifyInstance {
  const { log } = served.plane
  const refuse = (reply: FastifyReply, problem: Problem) =>
    reply.status(problem.status).type(problemType).send(JSON.stringify(problem))
  const app = fastify({
    bodyLimit: bodyMaxBytes,
    forceCloseConnections: true,
    routerOptions: { maxParamLength: 1_000 },
    // Before a route is found: a URL that cannot be unescaped.
    frameworkErrors: (error, _request, reply) => {
      refuse(reply, problemFor(error))
    },
  })

  app.setErrorHandler((error, request, reply) => {
    const problem = problemFor(error)
    if (problem.status >= 500 && !(error instanceof Refusal)) {
      const { method, url } = request
      log('error', 'api.failed', { method, url, reason: reasonOf(error), stack: (error as Error).stack })
    }
    return refuse(reply, problem)
  })
  app.setNotFoundHandler((request, reply) =>
    refuse(
      reply,
      problemOf('NOT_FOUND', `there is no ${request.method} ${request.url.slice(0, 200)} in this API`),
    ),
  )

  app.get('/healthz', () => ({ status: 'ok', routeVersion: served.plane.board.table.version }))
  readEmptyBodies(app)
  serve(app, served.serving, handlersOf(served))
  routeFeed(app, served)
  return app
}

/** Every endpoint that there is; the table of the API says what each is. */
export function handlersOf(served: Served): Handlers {
  return {
    ...clusterEndpoints(served),
    ...slaEndpoints(served),
    ...tenantEndpoints(served),
    ...topicEndpoints(served),
    ...migrationEndpoints(served),
    ...accessPointEndpoints(served),
  }
}

/** Clients that always say `content-type: application/json` say so also when they send nothing. */
function readEmptyBodies(app: FastifyInstance): void {
  const parseJson = app.getDefaultJsonParser('error', 'error')
  app.removeContentTypeParser('application/json')
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (body === '') done(null, undefined)
    else parseJson(request, body as string, done)
  })
}

function problemFor(error: unknown): Problem {
  if (error instanceof Refusal) return problemOf(error.code, error.message, error.fields)
  const status = (error as { statusCode?: unknown }).statusCode
  if (typeof status === 'number' && status >= 400 && status < 500) {
    return { ...problemOf('BAD_REQUEST', reasonOf(error)), status }
  }
  // What went wrong inside is in the log, and nobody else's business.
  return problemOf('INTERNAL', 'the control plane failed to answer; its log says why')
}
