import { createServer } from 'node:net'
import type { ClusterSighting } from '@braid/control-api'
import { describe, expect, it, onTestFinished } from 'vitest'
import { collect, type ProxyState } from './collect.ts'
import { proxyMetrics } from './proxy-metrics.ts'
import { serveMetrics } from './server.ts'

const sighting = (state: ClusterSighting['state']): ClusterSighting => ({ state, forMs: 5, detail: null })

/** What a proxy is made of, as far as metrics look at it. */
const routed = {
  engine: {
    tenant: 'shop',
    sessions: 3,
    counts: () => [
      { topic: 'orders', acknowledgedRecords: 70, deliveredRecords: 140, heldBatches: 2 },
      { topic: 'a"b', acknowledgedRecords: 0, deliveredRecords: 0, heldBatches: 0 },
    ],
    mirror: {
      lagMs: 1_250,
      counts: { mirrored: 9, superseded: 1, refused: 0, expired: 0, overflowed: 0, moved: 0 },
    },
  },
  lease: { holds: (nowMs: number) => nowMs < 1_000 },
  renewal: { counts: { granted: 8, behind: 1, refused: 0, failed: 2 } },
  pulses: { all: () => ({ a: sighting('up'), b: sighting('down'), c: sighting('unknown') }) },
  table: { version: 12 },
} as unknown as NonNullable<ProxyState['routed']>

const state = (fields: Partial<ProxyState> = {}): ProxyState => ({
  routed,
  process: { cpuSeconds: 1.5, residentBytes: 1_000_000, startedAt: 1_700_000_000 },
  nowMs: 999,
  ...fields,
})

const ask = async (address: string, path: string, method = 'GET') => {
  const response = await fetch(`http://${address}${path}`, { method })
  return { status: response.status, type: response.headers.get('content-type'), text: await response.text() }
}

async function serve(parts: { state?: ProxyState; notReady?: () => string | undefined } = {}) {
  const server = await serveMetrics(
    { host: '127.0.0.1', port: 0 },
    { state: () => parts.state ?? state(), notReady: parts.notReady ?? (() => undefined) },
  )
  onTestFinished(() => server.close())
  return server
}

describe('what a proxy measures', () => {
  it('is what the table says, each with its labels and no others', () => {
    const gauges = collect(state())
    expect(gauges.map(({ name }) => name)).toEqual(proxyMetrics.map(({ name }) => name))
    for (const { name, values } of gauges) {
      const { labels } = proxyMetrics.find((metric) => metric.name === name)!
      expect([name, values.length > 0]).toEqual([name, true])
      for (const [given] of values) expect([name, Object.keys(given)]).toEqual([name, labels])
    }
  })

  it('has names as Prometheus wants them', () => {
    for (const { name, type, help } of proxyMetrics) {
      expect(name).toMatch(/^(braid_proxy|process)_[a-z_]+$/)
      expect([name, name.endsWith('_total')]).toEqual([name, type === 'counter'])
      expect(help).toMatch(/^[A-Z].*[^.]$/)
    }
  })

  it('is told as text', async () => {
    const { address } = await serve()
    const { status, type, text } = await ask(address, '/metrics')
    expect([status, type]).toEqual([200, 'text/plain; version=0.0.4; charset=utf-8'])
    for (const line of [
      'braid_proxy_connections 3',
      'braid_proxy_route_version 12',
      'braid_proxy_lease_held 1',
      'braid_proxy_lease_renewals_total{outcome="behind"} 1',
      'braid_proxy_cluster_up{cluster="a"} 1',
      'braid_proxy_cluster_up{cluster="b"} 0',
      'braid_proxy_acknowledged_records_total{tenant="shop",topic="orders"} 70',
      'braid_proxy_delivered_records_total{tenant="shop",topic="orders"} 140',
      'braid_proxy_held_batches{tenant="shop",topic="a\\"b"} 0',
      'braid_proxy_mirror_lag_seconds 1.25',
      'braid_proxy_mirror_commits_total{outcome="mirrored"} 9',
      'process_cpu_seconds_total 1.5',
      '# TYPE braid_proxy_mirror_commits_total counter',
    ]) {
      expect(text.split('\n')).toContain(line)
    }
    expect(text).not.toContain('cluster="c"')
  })

  it('says that the lease does not hold any more', () => {
    const value = collect(state({ nowMs: 1_000 })).find(({ name }) => name === 'braid_proxy_lease_held')!
    expect(value.values).toEqual([[{}, 0]])
  })

  it('is the process alone while the proxy starts', async () => {
    const { address } = await serve({ state: state({ routed: undefined }) })
    const { text } = await ask(address, '/metrics')
    expect(text.match(/^\w+(?= )/gm)).toEqual([
      'process_cpu_seconds_total',
      'process_resident_memory_bytes',
      'process_start_time_seconds',
    ])
  })
})

describe('how a proxy is', () => {
  it('is alive, and ready when clients are served', async () => {
    let why: string | undefined = 'no routes have come yet'
    const { address } = await serve({ notReady: () => why })
    expect(await ask(address, '/healthz')).toMatchObject({ status: 200, text: '{"status":"ok"}' })
    expect(await ask(address, '/readyz')).toMatchObject({
      status: 503,
      text: '{"status":"not ready","why":"no routes have come yet"}',
    })
    why = undefined
    expect(await ask(address, '/readyz')).toMatchObject({ status: 200, text: '{"status":"ready"}' })
  })

  it('has nothing else, and changes nothing', async () => {
    const { address } = await serve()
    expect((await ask(address, '/')).status).toBe(404)
    expect((await ask(address, '/metrics', 'POST')).status).toBe(405)
    expect((await ask(address, '/metrics?x=1')).status).toBe(200)
  })

  it('says which address is taken, and what to do', async () => {
    const taken = createServer()
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void taken.close())
    const { port } = taken.address() as { port: number }
    const parts = { state: () => state(), notReady: () => undefined }
    await expect(serveMetrics({ host: '127.0.0.1', port }, parts)).rejects.toMatchObject({
      code: 'ADDRESS_IN_USE',
      purpose: 'metrics',
      message: `the metrics listener cannot use 127.0.0.1:${port}: another process listens there; stop it or choose another --metrics`,
    })
  })
})
