import { type Problem, problemOf } from '@braid/control-api'
import fastify, { type FastifyInstance, type FastifyReply, type FastifyServerFactory } from 'fastify'
import { type Log, reasonOf } from '../log.ts'
import { Refusal } from '../refusal.ts'
import { answerOtherMethods } from './other-methods.ts'

const bodyMaxBytes = 1024 * 1024
/** A whole fleet: 200,000 topics as their owners describe them. */
const fleetMaxBytes = 64 * 1024 * 1024

/** Of a request to this address, whoever answers it. */
export function bodyMaxBytesAt(url: string): number {
  return /^\/v1\/fleet\/(plan|apply)(\?|$)/.test(url) ? fleetMaxBytes : bodyMaxBytes
}
const problemType = 'application/problem+json'

const headersOf: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  NO_LEADER: { 'retry-after': '1' },
  IDENTITY_UNAVAILABLE: { 'retry-after': '5' },
  UNAUTHENTICATED: { 'www-authenticate': 'Bearer realm="braid"' },
}

/** An empty API: whatever goes wrong in it is answered as a problem. */
export function createApp(log: Log, serverFactory?: FastifyServerFactory): FastifyInstance {
  const refuse = (reply: FastifyReply, problem: Problem) =>
    reply
      .status(problem.status)
      .headers(headersOf[problem.code] ?? {})
      .type(problemType)
      .send(JSON.stringify(problem))
  const app = fastify({
    ...(serverFactory && { serverFactory }),
    bodyLimit: bodyMaxBytes,
    forceCloseConnections: true,
    routerOptions: { maxParamLength: 1_000 },
    // Before a route is found: a URL that cannot be unescaped.
    frameworkErrors: (error, _request, reply) => {
      refuse(reply, problemFor(error))
    },
  })

  answerOtherMethods(app)
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
  return app
}

export function problemFor(error: unknown): Problem {
  if (error instanceof Refusal) return problemOf(error.code, error.message, error.fields)
  const status = (error as { statusCode?: unknown }).statusCode
  if (typeof status === 'number' && status >= 400 && status < 500) {
    return { ...problemOf('BAD_REQUEST', reasonOf(error)), status }
  }
  // What went wrong inside is in the log, and nobody else's business.
  return problemOf('INTERNAL', 'the control plane failed to answer; its log says why')
}
