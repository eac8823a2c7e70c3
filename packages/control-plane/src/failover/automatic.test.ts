// A cluster is lost while a whole control plane runs, and what it does by itself.
import { expect, onTestFinished, test, vi } from 'vitest'
import type { FakeCluster } from '../testing/fake-cluster.ts'
import { standsBy } from '../testing/stands-by.ts'
import { fakeClusters, startTestPlane, type TestPlane } from '../testing/test-plane.ts'

vi.setConfig({ testTimeout: 30_000 })

type Sighting = 'up' | 'down' | 'unknown'

/** Quick enough for tests; leases last for as long as a slow machine needs. */
const timings = {
  writeLeaseMs: 400,
  leaseMarginMs: 10,
  pulseEveryMs: 20,
  pulseTimeoutMs: 100,
  detectEveryMs: 10,
  knownEndsEveryMs: 50,
  reconcileEveryMs: 50,
  failoverRetryMs: 100,
}

interface Proxy {
  /** How it sees them. */
  readonly sees: Record<string, Sighting>
  /** Whether it hears of new routes. */
  hears: boolean
  /** Whether it reaches the control plane. */
  reaches: boolean
}

/** Renews a lease, as the engine does: every now and then, and at once when its routes change. */
function proxyAt(plane: TestPlane, id: string): Proxy {
  const proxy: Proxy = { sees: { a: 'up', b: 'up', c: 'up' }, hears: true, reaches: true }
  let routeVersion = 0
  const since = new Map<string, { state: Sighting; at: number }>()
  const stop = new AbortController()
  const renewing = (async () => {
    while (!stop.signal.aborted) {
      const clusters = Object.fromEntries(
        Object.entries(proxy.sees).map(([name, state]) => {
          const before = since.get(name)
          const at = before?.state === state ? before.at : performance.now()
          since.set(name, { state, at })
          const forMs = Math.floor(performance.now() - at)
          return [name, { state, forMs, detail: state === 'down' ? 'refused' : null }]
        }),
      )
      if (proxy.reaches) {
        const granted = await plane.client.leases
          .renew(id, {
            kind: 'proxy',
            accessPoint: id,
            tenant: 'default',
            routeVersion,
            settledVersion: routeVersion,
            clusters,
          })
          .catch(() => undefined)
        if (proxy.hears && granted !== undefined) routeVersion = granted.routeVersion
      }
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
  })()
  onTestFinished(async () => {
    stop.abort()
    await renewing
  })
  return proxy
}

interface Started {
  readonly plane: TestPlane
  readonly clusters: Record<'a' | 'b' | 'c', FakeCluster>
}

/** Topic orders, of a class that fails over, on a, standing by on another. */
async function start(failover: 'strict' | 'available' = 'strict', more: object = {}): Promise<Started> {
  const clusters = fakeClusters()
  for (const cluster of Object.values(clusters)) cluster.brokers = 3
  const plane = await startTestPlane(clusters, { timings: { ...timings, ...more } })
  await plane.client.failovers.configure({ downForMs: 200 })
  await plane.client.slas.put({ name: 'gold', availability: { failover } })
  await plane.client.topics.create({ name: 'orders', partitions: 2, sla: 'gold', cluster: 'a' })
  await plane.client.topics.create({ name: 'plain', partitions: 1, cluster: 'a' })
  await isInPlace(plane, 'orders')
  return { plane, clusters }
}

async function isInPlace(plane: TestPlane, topic: string): Promise<void> {
  await standsBy(plane.client, topic)
  await expect
    .poll(async () =>
      (await plane.client.topics.get(topic)).drift.filter((text) => text.includes('failover')),
    )
    .toEqual([])
}

const where = async (plane: TestPlane, topic = 'orders') =>
  (await plane.client.topics.get(topic)).chain.map(({ cluster, state }) => `${cluster} ${state}`)

const healthOf = async (plane: TestPlane, cluster: string) =>
  (await plane.client.failovers.status()).clusters.find((one) => one.cluster === cluster)!

function lose({ clusters }: Started, name: 'a' | 'b' | 'c', ...proxies: Proxy[]): void {
  clusters[name].away = true
  for (const { sees } of proxies) sees[name] = 'down'
}

test('a cluster that nobody reaches is given up by itself, within a blink of the decision', async () => {
  const world = await start()
  const { plane } = world
  const proxy = proxyAt(plane, 'p-1')
  await expect.poll(async () => (await healthOf(plane, 'a')).votes.length).toBe(2)
  lose(world, 'a', proxy)
  await expect.poll(async () => (await plane.client.failovers.list()).length, { timeout: 15_000 }).toBe(1)
  const [begun] = await plane.client.failovers.list()
  const failover = await plane.client.failovers.wait(begun!.id, { timeoutMs: 15_000 })
  expect(failover).toMatchObject({ by: 'automatic', cluster: 'a', counts: { moved: 1, waiting: 1 } })
  expect(failover.votes.map(({ by, state }) => [by, state]).sort()).toEqual([
    ['control plane', 'down'],
    ['proxy p-1', 'down'],
  ])
  expect(failover.decisionToSwitchMs).toBeLessThan(timings.writeLeaseMs)
  const [before, after] = await where(plane)
  expect([before, after?.split(' ')[1]]).toEqual(['a lost', 'active'])
  expect(await where(plane, 'plain')).toEqual(['a active'])
  expect(await healthOf(plane, 'a')).toMatchObject({ state: 'given-up' })
  expect(plane.logged.find(({ event }) => event === 'failover.switched')?.fields.votes).toHaveLength(2)
  const topics = await plane.client.failovers.topics(failover.id)
  expect(topics.find(({ topic }) => topic === 'orders')).toMatchObject({ knownEnds: ['0', '0'] })
})

test('it answers again: it stays given up, and is not given up twice', async () => {
  const world = await start()
  const { plane, clusters } = world
  const proxy = proxyAt(plane, 'p-1')
  lose(world, 'a', proxy)
  await expect.poll(async () => (await healthOf(plane, 'a')).state, { timeout: 15_000 }).toBe('given-up')
  for (let i = 0; i < 3; i++) {
    clusters.a.away = !clusters.a.away
    proxy.sees.a = clusters.a.away ? 'down' : 'up'
    await new Promise((resolve) => setTimeout(resolve, 300))
  }
  expect(await healthOf(plane, 'a')).toMatchObject({
    state: 'given-up',
    verdict: expect.stringContaining('take it back with a return'),
  })
  expect(await plane.client.failovers.list()).toHaveLength(1)
  await expect(plane.client.failovers.start('a', { force: true })).rejects.toMatchObject({
    code: 'CLUSTER_GIVEN_UP',
  })
})

test('not what clients still reach, and not on one word alone', async () => {
  const world = await start()
  const { plane, clusters } = world
  const [near, far] = [proxyAt(plane, 'near'), proxyAt(plane, 'far')]
  far.sees.a = 'down'
  clusters.a.away = true
  await expect
    .poll(async () => (await healthOf(plane, 'a')).verdict)
    .toContain('clients reach it through proxy near')
  await new Promise((resolve) => setTimeout(resolve, 400))
  expect(await plane.client.failovers.list()).toEqual([])
  clusters.a.away = false
  const own = async () => (await healthOf(plane, 'a')).votes.find(({ by }) => by === 'control plane')
  await expect.poll(async () => (await own())?.state).toBe('up')
  near.sees.a = 'unknown'
  await expect.poll(async () => (await healthOf(plane, 'a')).verdict).toContain('it takes 2 vantage points')
  await new Promise((resolve) => setTimeout(resolve, 400))
  expect(await plane.client.failovers.list()).toEqual([])
  expect(await where(plane)).toEqual(['a active'])
})

test('one that the control plane does not reach is waited for until its lease has run out', async () => {
  const world = await start('strict', { writeLeaseMs: 1_500 })
  const { plane } = world
  const proxy = proxyAt(plane, 'p-1')
  const cutOff = proxyAt(plane, 'p-2')
  await expect.poll(async () => (await plane.client.leases.list()).length).toBe(2)
  cutOff.reaches = false
  cutOff.sees.a = 'down'
  lose(world, 'a', proxy)
  await new Promise((resolve) => setTimeout(resolve, 20))
  const cutOffAt = performance.now()
  const { failover } = await plane.client.failovers.start('a', { force: true, reason: 'we know it is lost' })
  await expect.poll(() => where(plane), { timeout: 15_000 }).toHaveLength(2)
  expect(performance.now() - cutOffAt).toBeGreaterThan(800)
  const done = await plane.client.failovers.wait(failover!.id, { timeoutMs: 15_000 })
  expect(done.fenceMs).toBeGreaterThan(500)
  expect(plane.logged.find(({ event }) => event === 'failover.switched')?.fields).toMatchObject({
    ranOut: ['p-2'],
  })
})

test('one that hears no routes is granted no lease, and holds nothing up for longer', async () => {
  const world = await start()
  const { plane } = world
  const [proxy, deaf] = [proxyAt(plane, 'p-1'), proxyAt(plane, 'deaf')]
  await expect.poll(async () => (await plane.client.leases.list()).length).toBe(2)
  deaf.hears = false
  lose(world, 'a', proxy, deaf)
  await expect.poll(() => where(plane), { timeout: 15_000 }).toHaveLength(2)
  await expect.poll(async () => (await plane.client.leases.list()).map(({ id }) => id)).toEqual(['p-1'])
})

test('never a second cluster, until it has been quiet for a while or a person says so', async () => {
  const world = await start()
  const { plane, clusters } = world
  const proxy = proxyAt(plane, 'p-1')
  lose(world, 'a', proxy)
  await expect.poll(() => where(plane), { timeout: 15_000 }).toHaveLength(2)
  const second = (await plane.client.topics.get('orders')).cluster as 'b' | 'c'
  await isInPlace(plane, 'orders')
  lose(world, second, proxy)
  await expect
    .poll(async () => (await healthOf(plane, second)).verdict, { timeout: 15_000 })
    .toContain('a was given up a short while ago')
  expect((await plane.client.failovers.status()).quietUntil).not.toBeNull()
  await expect(plane.client.failovers.start(second)).rejects.toMatchObject({ code: 'FAILOVER_LIMIT' })
  // Where it would go is given up itself by now, or there is none: the only other cluster stands.
  const other = second === 'b' ? 'c' : 'b'
  expect(clusters[other].away).toBe(false)
  const { failover } = await plane.client.failovers.start(second, { force: true })
  await plane.client.failovers.wait(failover!.id, { timeoutMs: 15_000 })
  expect((await plane.client.topics.get('orders')).cluster).toBe(other)
})

test('not while it is switched off; a person may', async () => {
  const world = await start()
  const { plane } = world
  await plane.client.failovers.configure({ automatic: false })
  const proxy = proxyAt(plane, 'p-1')
  lose(world, 'a', proxy)
  await expect
    .poll(async () => (await healthOf(plane, 'a')).verdict, { timeout: 15_000 })
    .toContain('automatic failover is switched off')
  expect(await where(plane)).toEqual(['a active'])
  const { failover, plan } = await plane.client.failovers.start('a', { reason: 'the site burns' })
  expect(plan.topics).toHaveLength(2)
  expect(failover).toMatchObject({ by: 'anonymous', reason: 'the site burns' })
  await plane.client.failovers.wait(failover!.id, { timeoutMs: 15_000 })
})

test('not when everything is lost, standbys too', async () => {
  const world = await start()
  const { plane } = world
  const proxy = proxyAt(plane, 'p-1')
  lose(world, 'b', proxy)
  lose(world, 'c', proxy)
  await expect.poll(async () => (await healthOf(plane, 'b')).state, { timeout: 15_000 }).toBe('down')
  await expect.poll(async () => (await healthOf(plane, 'c')).state, { timeout: 15_000 }).toBe('down')
  lose(world, 'a', proxy)
  await expect
    .poll(async () => (await healthOf(plane, 'a')).verdict, { timeout: 15_000 })
    .toContain('nothing of a can go on elsewhere')
  await expect(plane.client.failovers.start('a')).rejects.toMatchObject({ code: 'STANDBY_DOWN' })
  expect(await plane.client.failovers.list()).toEqual([])
})

test('what is refused, and what a dry run says', async () => {
  const { plane } = await start()
  proxyAt(plane, 'p-1')
  await expect.poll(async () => (await healthOf(plane, 'a')).votes.length).toBe(2)
  const { plan, failover } = await plane.client.failovers.start('a', {}, { dryRun: true })
  expect(failover).toBeNull()
  expect(plan.summary).toBe(
    '1 topic of a goes on elsewhere, 1 waits for it; a answers, so it is only given up by force',
  )
  const refused = (cluster: string, body = {}) => plane.client.failovers.start(cluster, body)
  await expect(refused('a')).rejects.toMatchObject({ code: 'CLUSTER_ANSWERS' })
  await expect(refused('nowhere')).rejects.toMatchObject({ code: 'UNKNOWN_CLUSTER' })
  const idle = (await plane.client.topics.get('orders')).standby === 'b' ? 'c' : 'b'
  await expect(refused(idle, { force: true })).rejects.toMatchObject({ code: 'NOTHING_TO_FAIL_OVER' })
  await expect(plane.client.failovers.get('x')).rejects.toMatchObject({ code: 'UNKNOWN_FAILOVER' })
  expect(await plane.client.failovers.list()).toEqual([])
})
