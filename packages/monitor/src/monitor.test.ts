import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { MonitorReport } from '@braid/control-api'
import type { RouteTable } from '@braid/routing-model'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { monitorMetrics } from './metrics/monitor-metrics.ts'
import { type Monitor, startMonitor } from './monitor.ts'
import { FakeCluster } from './testing/fake-cluster.ts'
import { tableOf, topicOf } from './testing/routes.ts'

/** Sends one route table, and takes reports. */
class StubControlPlane {
  readonly reports: { readonly id: string; readonly body: MonitorReport }[] = []
  refuses = false
  readonly #server: Server
  readonly #table: RouteTable

  constructor(table: RouteTable) {
    this.#table = table
    this.#server = createServer((request, response) => void this.#answer(request, response))
  }

  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.url?.startsWith('/v1/routes')) {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.write(`id: store-7\nevent: snapshot\ndata: ${JSON.stringify(this.#table.toJSON())}\n\n`)
      return
    }
    let text = ''
    for await (const chunk of request) text += chunk
    if (this.refuses) return void response.writeHead(500).end()
    const id = /^\/v1\/monitors\/(.+)$/.exec(request.url ?? '')?.[1] ?? ''
    this.reports.push({ id, body: JSON.parse(text) as MonitorReport })
    response.setHeader('content-type', 'application/json')
    response.end('{"routeVersion":7,"accepted":0}')
  }
}

let a: FakeCluster
let plane: StubControlPlane
let monitor: Monitor
beforeEach(async () => {
  a = await FakeCluster.start()
  const [log] = a.createTopic('orders.1', 1)
  log!.write(10, BigInt(Date.now()))
  a.commit('readers', 'orders.1', 0, 4n)
  const accessPoints = [
    { id: 'proxy-1', number: 1, bootstrap: a.bootstrap[0]!, listeners: { a: a.bootstrap[0]! } },
  ]
  plane = new StubControlPlane(tableOf({ a }, [topicOf('orders')], { accessPoints }))
  monitor = await startMonitor({
    controlPlane: await plane.start(),
    id: 'm1',
    listen: '127.0.0.1:0',
    timings: { lagEveryMs: 200, reportEveryMs: 100, checkEveryMs: 100, pulseEveryMs: 100 },
  })
})
afterEach(async () => {
  await monitor.close()
  await Promise.all([plane.stop(), a.stop()])
})

const eventually = { timeout: 10_000 }
const metrics = async () => (await fetch(`http://${monitor.address}/metrics`)).text()
const lastVote = () => plane.reports.at(-1)?.body.clusters.a

describe('a monitor', () => {
  test('serves what it sees', async () => {
    await expect
      .poll(metrics)
      .toContain('braid_group_lag_records{tenant="default",group="readers",topic="orders"} 6\n')
    await expect.poll(metrics, eventually).toContain('braid_canary_up{cluster="a"} 1\n')
    await expect
      .poll(metrics, eventually)
      .toContain('braid_listener_up{access_point="proxy-1",listener="bootstrap"} 1\n')
    await expect.poll(metrics, eventually).toContain('braid_slo_burn_rate{tenant="default",window="5m"} ')
    const text = await metrics()
    expect(text).toMatch(
      /braid_canary_latency_seconds_bucket\{cluster="a",operation="produce",le="\+Inf"\} \d/,
    )
    expect(text).toContain(
      'braid_group_state{tenant="default",group="readers",topic="orders",state="OK"} 1\n',
    )
    expect(text).toContain('braid_monitor_route_version 7\n')
  })

  test('has no metric that its table does not name, and no label', async () => {
    await expect.poll(metrics, eventually).toContain('braid_group_lag_records')
    const named = new Map(monitorMetrics.map(({ name, labels, type }) => [name as string, { labels, type }]))
    for (const line of (await metrics()).split('\n')) {
      const match = /^(\w+)(?:\{(.*)\})? /.exec(line)
      if (line.startsWith('#') || match === null) continue
      const [, series = '', labels = ''] = match
      const spec = named.get(series) ?? named.get(series.replace(/_(bucket|sum|count)$/, ''))
      expect(spec, series).toBeDefined()
      const shown = Array.from(labels.matchAll(/(\w+)="/g), ([, label]) => label!).filter(
        (label) => label !== 'le',
      )
      expect(shown.toSorted()).toEqual([...spec!.labels].toSorted())
    }
  })

  test('tells the control plane how it sees clusters, and what it found until it was taken', async () => {
    await expect.poll(lastVote, eventually).toMatchObject({ state: 'up' })
    expect(plane.reports[0]?.id).toBe('m1')
    plane.refuses = true
    await a.stop()
    await expect.poll(metrics, eventually).toContain('braid_canary_reachable{cluster="a"} 0\n')
    await expect.poll(metrics, eventually).toContain('braid_monitor_events_total{kind="CANARY_FAILING"}')
    plane.reports.length = 0
    plane.refuses = false
    await expect.poll(() => plane.reports.length, eventually).toBeGreaterThan(1)
    expect(lastVote()).toMatchObject({ state: 'down' })
    const told = plane.reports.flatMap(({ body }) => body.events)
    expect(told.filter(({ kind, cluster }) => kind === 'CANARY_FAILING' && cluster === 'a')).toHaveLength(1)
  })

  test('lives, and is ready when it has routes', async () => {
    for (const path of ['healthz', 'readyz']) {
      const answer = await fetch(`http://${monitor.address}/${path}`)
      expect(answer.status).toBe(200)
    }
  })
})
