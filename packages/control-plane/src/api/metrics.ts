// What Prometheus reads. Labels have few values: endpoints, statuses, states, never names that callers choose.
import type { Gauge, Labels } from '@braid/control-api'
import type { FastifyInstance } from 'fastify'

export const requestMetrics = [
  {
    name: 'braid_api_requests_total',
    help: 'Requests answered',
    type: 'counter',
    labels: ['endpoint', 'status'],
  },
  {
    name: 'braid_api_request_seconds_total',
    help: 'Time taken to answer them',
    type: 'counter',
    labels: ['endpoint', 'status'],
  },
] as const

/** Requests that were answered, by endpoint and status. */
export class RequestCounts {
  private readonly counts = new Map<string, { labels: Labels; count: number; seconds: number }>()

  /** Of every request that this app answers. */
  watch(app: FastifyInstance): void {
    app.addHook('onResponse', (request, reply, done) => {
      const { endpoint = 'other' } = request.routeOptions.config as { endpoint?: string }
      this.add(endpoint, reply.statusCode, reply.elapsedTime / 1_000)
      done()
    })
  }

  metrics(): Gauge[] {
    const all = [...this.counts.values()]
    const [answered, taken] = requestMetrics
    return [
      { ...answered, values: all.map(({ labels, count }) => [labels, count]) },
      { ...taken, values: all.map(({ labels, seconds }) => [labels, seconds]) },
    ]
  }

  private add(endpoint: string, status: number, seconds: number): void {
    const key = `${endpoint} ${status}`
    const known = this.counts.get(key) ?? {
      labels: { endpoint, status: String(status) },
      count: 0,
      seconds: 0,
    }
    known.count++
    known.seconds += seconds
    this.counts.set(key, known)
  }
}
