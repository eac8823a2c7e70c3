import { RouteTable, TopicRoute } from '@braid/routing-model'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type RoutedEngine, type RoutedEngineOptions, startRoutedEngine } from './routed-engine.ts'
import { FakeControlPlane } from './testing/fake-control-plane.ts'
import { listeners } from './testing/world.ts'

let controlPlane: FakeControlPlane
let routed: RoutedEngine | undefined
let lines: { level: string; event: string; fields: Readonly<Record<string, unknown>> }[]

/** Nothing listens at port 1. */
const cluster = { name: 'a', number: 1, bootstrap: ['127.0.0.1:1'] }

beforeEach(async () => {
  lines = []
  controlPlane = new FakeControlPlane(
    RouteTable.fromJSON({
      version: 4,
      clusters: [cluster],
      tenants: [{ name: 'default', home: 'a' }],
      accessPoints: [],
      topics: [
        TopicRoute.create({
          tenant: 'default',
          name: 'orders',
          id: 'id',
          partitions: 1,
          maxMessageBytes: 1_000,
          homeTopic: 'orders.0',
          cluster: 'a',
          topic: 'orders.0',
          failover: 'strict',
        }).toJSON(),
      ],
    }),
  )
  await controlPlane.start()
})

afterEach(async () => {
  await routed?.close()
  routed = undefined
  await controlPlane.close()
})

async function start(options: Partial<RoutedEngineOptions> = {}): Promise<RoutedEngine> {
  routed = await startRoutedEngine({
    controlPlane: controlPlane.url,
    clientId: 'braid-test',
    listeners: () => listeners,
    log: (level, event, fields) => lines.push({ level, event, fields }),
    ...options,
  })
  return routed
}

describe('an engine that follows the routes', () => {
  it('holds the write lease when it has started, under an id that is named after its access point', async () => {
    const { lease } = await start({ accessPoint: 'p-1' })
    expect(lease.holds(performance.now())).toBe(true)
    expect(controlPlane.renewals[0]).toMatchObject({
      id: expect.stringMatching(/^p-1\.[0-9a-f]{16}$/),
      report: { kind: 'proxy', accessPoint: 'p-1', tenant: 'default', routeVersion: 4, settledVersion: 4 },
    })
  })

  it('inside of an application has an id of its own', async () => {
    await start()
    const [{ id, report }] = controlPlane.renewals as [(typeof controlPlane.renewals)[number]]
    expect(id).toMatch(/^sdk\.[0-9a-f]{16}$/)
    expect(report).toMatchObject({ kind: 'sdk', accessPoint: null, mirrorLagMs: null })
  })

  it('tells at once that a cluster does not answer', async () => {
    const startMs = performance.now()
    await start()
    await expect.poll(() => controlPlane.renewals.at(-1)!.report.clusters.a?.state).toBe('down')
    expect(performance.now() - startMs).toBeLessThan(900)
    expect(controlPlane.renewals.at(-1)!.report.clusters.a!.detail).toMatch(/127\.0\.0\.1:1/)
    expect(lines.filter(({ event }) => event === 'cluster-down').length).toBe(1)
  })

  it('tells at once that it knows of a cluster that is given up', async () => {
    await start()
    await expect.poll(() => controlPlane.renewals.length).toBeGreaterThan(1)
    const before = controlPlane.renewals.length
    const startMs = performance.now()
    controlPlane.publish({ clusters: [{ ...cluster, fenced: true }] })
    await expect.poll(() => controlPlane.renewals.length, { interval: 5 }).toBeGreaterThan(before)
    expect(performance.now() - startMs).toBeLessThan(500)
    expect(controlPlane.renewals.at(-1)!.report.routeVersion).toBe(5)
  })

  it('that is granted nothing asks again as soon as newer routes have come', async () => {
    controlPlane.leaseAnswer = 0
    const { lease } = await start()
    expect(lease.holds(performance.now())).toBe(false)
    controlPlane.leaseAnswer = 3_000
    controlPlane.publish({})
    await expect.poll(() => lease.holds(performance.now())).toBe(true)
    expect(controlPlane.renewals.at(-1)!.report.routeVersion).toBe(5)
  })

  it('starts without a lease where it is refused, and says what to do', async () => {
    controlPlane.leaseAnswer = 'FORBIDDEN'
    const { lease } = await start()
    expect(lease.holds(performance.now())).toBe(false)
    expect(lines.find(({ event }) => event === 'lease-not-renewed')).toMatchObject({
      level: 'error',
      fields: { code: 'FORBIDDEN', why: 'not with this token', todo: expect.stringContaining('token') },
    })
  })

  it('starts though leases are not answered, and ends in a second', async () => {
    controlPlane.leaseAnswer = 'hang'
    await start()
    const startMs = performance.now()
    await routed!.close()
    expect(performance.now() - startMs).toBeLessThan(5_000)
    expect(controlPlane.ended).toEqual([])
  })

  it('gives its lease back at the end', async () => {
    const { lease } = await start({ accessPoint: 'p-1' })
    await routed!.close()
    expect(controlPlane.ended).toEqual([controlPlane.renewals[0]!.id])
    expect(lease.holds(performance.now())).toBe(false)
  })
})
