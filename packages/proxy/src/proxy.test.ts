import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { type Proxy as AccessPoint, type ProxyOptions, startProxy } from './proxy.ts'

const routes = {
  version: 3,
  clusters: [{ name: 'a', number: 1, bootstrap: ['127.0.0.1:1'] }],
  tenants: [{ name: 'default', home: 'a' }],
  accessPoints: [],
  topics: [],
}

let url: string
let asked: string[]
let close: () => Promise<unknown>
let proxy: AccessPoint | undefined

/** A control plane as far as a proxy needs one. */
beforeEach(async () => {
  asked = []
  const json = (response: ServerResponse, body: unknown) =>
    void response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  const server = createServer((request, response) => {
    const { method, url: path = '' } = request
    if (method !== 'GET') asked.push(`${method} ${path}`)
    if (method === 'DELETE') response.writeHead(204).end()
    else if (path.startsWith('/v1/leases/')) json(response, { leaseMs: 3_000, routeVersion: 3 })
    else if (path.startsWith('/v1/access-points/')) {
      json(response, { id: 'p-1', number: 7, leaseMs: 10_000, routeVersion: 3 })
    } else {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.write(`event: snapshot\nid: s:3\ndata: ${JSON.stringify(routes)}\n\n`)
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  close = () => {
    server.closeAllConnections()
    return new Promise((resolve) => server.close(resolve))
  }
})

afterEach(async () => {
  await proxy?.close()
  proxy = undefined
  await close()
})

const start = async (options: Pick<ProxyOptions, 'metrics' | 'advertisedHost'> = {}) => {
  proxy = await startProxy({ controlPlane: url, id: 'p-1', listen: '127.0.0.1:0', ...options })
  return proxy
}

it.each(['fd00::2', '[fd00::2]'])('announces an IPv6 address in brackets, advertised as %s', async (host) => {
  const { bootstrap, listeners } = await start({ advertisedHost: host })
  for (const address of [bootstrap, listeners.a]) expect(address).toMatch(/^\[fd00::2\]:\d+$/)
})

it('holds a lease named after its id while it runs, and gives it back', async () => {
  await start()
  expect(asked[0]).toMatch(/^PUT \/v1\/leases\/p-1\.[0-9a-f]+$/)
  await proxy!.close()
  expect(asked.at(-1)).toBe(asked[0]!.replace('PUT', 'DELETE'))
})

it('answers metrics where it was told to, and is ready', async () => {
  const { metrics } = await start({ metrics: '127.0.0.1:0' })
  expect(metrics).toMatch(/^127\.0\.0\.1:\d+$/)
  const text = await (await fetch(`http://${metrics}/metrics`)).text()
  expect(text).toContain('\nbraid_proxy_lease_held 1\n')
  expect(text).toContain('\nbraid_proxy_route_version 3\n')
  expect((await fetch(`http://${metrics}/readyz`)).status).toBe(200)
  await proxy!.close()
  await expect(fetch(`http://${metrics}/healthz`)).rejects.toThrow()
})

it('answers none where it was not', async () => {
  expect((await start()).metrics).toBe(undefined)
})

it('joins nothing when the address of its metrics cannot be used', async () => {
  await expect(start({ metrics: url.replace('http://', '') })).rejects.toMatchObject({ purpose: 'metrics' })
  expect(asked).toEqual([])
})
