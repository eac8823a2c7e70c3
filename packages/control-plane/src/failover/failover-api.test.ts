// Leases, monitors and what is measured, over HTTP.
import { ControlPlaneClient } from '@braid/control-api'
import { expect, onTestFinished, test } from 'vitest'
import { type SecuredPlane, startSecuredPlane } from '../testing/secured-plane.ts'
import { fakeClusters, startTestPlane } from '../testing/test-plane.ts'

const renewal = {
  kind: 'sdk',
  tenant: 'shop',
  routeVersion: 1_000,
  settledVersion: 0,
  clusters: {},
} as const

const startSecured = (): Promise<SecuredPlane> => startSecuredPlane({}, onTestFinished)

test('whoever may read a tenant may hold a lease for it, and nobody for another', async () => {
  const plane = await startSecured()
  const { token: shop } = await plane.as({ principal: 'shop-reader', role: 'viewer', tenant: 'shop' })
  const { token: bank } = await plane.as({ principal: 'bank-reader', role: 'viewer', tenant: 'bank' })
  const granted = await plane.ask('PUT', '/v1/leases/sdk-1', { token: shop, body: renewal })
  expect([granted.status, granted.body.leaseMs]).toEqual([200, 3_000])
  const other = await plane.ask('PUT', '/v1/leases/sdk-2', { token: bank, body: renewal })
  expect([other.status, other.problem.code]).toEqual([404, 'UNKNOWN_TENANT'])
  // Nobody makes others stop waiting for whoever holds it.
  for (const [method, body] of [
    ['DELETE', undefined],
    ['PUT', { ...renewal, tenant: 'bank' }],
  ] as const) {
    const taken = await plane.ask(method, '/v1/leases/sdk-1', { token: bank, body })
    expect([method, taken.status, taken.problem.code]).toEqual([method, 403, 'FORBIDDEN'])
  }
  const listed = await plane.ask('GET', '/v1/leases', { token: shop })
  expect(listed.status).toBe(403)
  const all = await plane.ask('GET', '/v1/leases')
  expect((all.body.leases as { id: string }[]).map(({ id }) => id)).toEqual(['sdk-1'])
  expect((await plane.ask('DELETE', '/v1/leases/sdk-1', { token: shop })).status).toBe(204)
  expect((await plane.ask('DELETE', '/v1/leases/sdk-1', { token: shop })).status).toBe(204)
  expect((await plane.ask('GET', '/v1/leases')).body.leases).toEqual([])
})

test('heartbeats leave no trace in the audit trail; what is asked of failovers does', async () => {
  const plane = await startTestPlane(fakeClusters())
  const { client } = plane
  await client.leases.renew('sdk-1', { ...renewal, tenant: 'default' })
  await client.leases.end('sdk-1')
  await client.monitors.report('m-1', { clusters: {}, events: [] })
  await client.failovers.configure({ quietMs: 5_000 })
  await expect(client.failovers.start('a', { force: true })).rejects.toMatchObject({
    code: 'NOTHING_TO_FAIL_OVER',
  })
  const actions = (await client.audit.list()).entries.map(({ action, outcome }) => `${action} ${outcome}`)
  expect(actions.filter((action) => /^(leases|monitors|failovers)/.test(action)).sort()).toEqual([
    'failovers.configure done',
    'failovers.start refused',
  ])
  expect((await client.failovers.status()).settings).toEqual({
    automatic: true,
    quietMs: 5_000,
    downForMs: 1_000,
  })
})

test('a monitor votes while it reports, and what it finds is kept once', async () => {
  const plane = await startTestPlane(fakeClusters(), { timings: { monitorVoteMs: 100 } })
  const { client } = plane
  const event = {
    id: 'e-1',
    at: '2026-01-01T00:00:00.000Z',
    kind: 'STRAYS_SEEN',
    topic: 'orders',
    severity: 'error',
    detail: 'three records\u001b[31m',
    evidence: { records: 3 },
  } as const
  const clusters = {
    a: { state: 'down', forMs: 10, detail: 'no canary' },
    gone: { state: 'up', forMs: 1, detail: null },
  } as const
  expect(await client.monitors.report('m-1', { clusters, events: [event] })).toMatchObject({ accepted: 1 })
  expect(await client.monitors.report('m-1', { clusters, events: [event] })).toMatchObject({ accepted: 0 })
  const votes = async () => (await client.failovers.status()).clusters[0]!.votes.map(({ by }) => by)
  expect(await votes()).toContain('monitor m-1')
  expect(await client.monitors.events()).toMatchObject([
    { monitor: 'm-1', id: 'e-1', detail: 'three records?[31m' },
  ])
  await expect.poll(votes).not.toContain('monitor m-1')
})

test('what is measured of clusters, leases and failovers', async () => {
  const plane = await startTestPlane(fakeClusters())
  const client = new ControlPlaneClient({ url: plane.url })
  await client.leases.renew('sdk-1', { ...renewal, tenant: 'default', mirrorLagMs: 250 })
  await expect
    .poll(async () => (await client.failovers.status()).clusters.map(({ state }) => state))
    .toEqual(['up', 'up', 'up'])
  const text = await (await fetch(`${plane.url}/metrics`)).text()
  for (const line of [
    'braid_cluster_health{cluster="a",state="up"} 1',
    'braid_cluster_health{cluster="a",state="down"} 0',
    'braid_failover_automatic 1',
    'braid_write_leases 1',
    'braid_lost_loglets 0',
    'braid_mirror_lag_seconds 0.25',
  ]) {
    expect(text).toContain(`${line}\n`)
  }
})
