import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { prometheusContentType, prometheusText } from '@braid/control-api'
import { type Address, formatAddress } from '@braid/routing-model'
import { listening } from '../listening.ts'
import { collect, type ProxyState } from './collect.ts'

export interface MetricsServer {
  /** `host:port` */
  readonly address: string
  close(): Promise<void>
}

export interface MetricsServerParts {
  readonly state: () => ProxyState
  /** Why clients should not be sent here now; undefined when they may be. */
  readonly notReady: () => string | undefined
}

/** Nobody reads metrics by many connections. */
const CONNECTIONS_MAX = 100
const REQUEST_MAX_MS = 10_000

/**
 * /metrics for Prometheus, /healthz: the process lives, /readyz: clients are served here.
 *
 * @throws ListenError when the address cannot be listened at
 */
export async function serveMetrics(at: Address, parts: MetricsServerParts): Promise<MetricsServer> {
  const server = createServer({ requestTimeout: REQUEST_MAX_MS }, (request, response) => {
    const json = (status: number, body: unknown) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    const [path] = (request.url ?? '').split('?', 1)
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.setHeader('allow', 'GET, HEAD')
      json(405, { status: 'only GET is answered here' })
    } else if (path === '/metrics') {
      response
        .writeHead(200, { 'content-type': prometheusContentType })
        .end(prometheusText(collect(parts.state())))
    } else if (path === '/healthz') json(200, { status: 'ok' })
    else if (path === '/readyz') {
      const why = parts.notReady()
      if (why === undefined) json(200, { status: 'ready' })
      else json(503, { status: 'not ready', why })
    } else json(404, { status: 'there are /metrics, /healthz and /readyz here' })
  })
  server.maxConnections = CONNECTIONS_MAX
  await listening(server, at, { purpose: 'metrics', option: '--metrics' })
  const { port } = server.address() as AddressInfo
  return {
    address: formatAddress({ host: at.host, port }),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
