import { prometheusContentType, prometheusText } from '@braid/control-api'
import { formatAddress, parseAddress } from '@braid/routing-model'
import Fastify, { type FastifyInstance } from 'fastify'
import { collect, type MonitorState } from './collect.ts'

export interface MetricsServerParts {
  readonly state: () => MonitorState
  /** Why it cannot be relied on now; undefined when it can. */
  readonly notReady: () => string | undefined
}

export interface MetricsServer {
  /** `host:port` */
  readonly address: string
  close(): Promise<void>
}

/**
 * /metrics for Prometheus, /healthz: the process lives, /readyz: it knows the routes.
 *
 * @throws Error of the system when the address is taken
 */
export async function serveMetrics(listen: string, parts: MetricsServerParts): Promise<MetricsServer> {
  const at = parseAddress(listen)
  if (at === undefined) throw new TypeError(`listen address ${listen} is not host:port, like 127.0.0.1:7080`)
  const app: FastifyInstance = Fastify({ forceCloseConnections: true })
  app.get('/metrics', (_request, reply) =>
    reply.type(prometheusContentType).send(prometheusText(collect(parts.state()))),
  )
  app.get('/healthz', () => ({ status: 'ok' }))
  app.get('/readyz', (_request, reply) => {
    const why = parts.notReady()
    return reply
      .status(why === undefined ? 200 : 503)
      .send(why === undefined ? { status: 'ready' } : { status: 'not ready', why })
  })
  const bound = new URL(await app.listen({ host: at.host, port: at.port }))
  return { address: formatAddress({ host: at.host, port: Number(bound.port) }), close: () => app.close() }
}
