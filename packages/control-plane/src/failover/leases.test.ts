import { endpoints } from '@braid/control-api'
import { beforeEach, expect, test, vi } from 'vitest'
import { silent } from '../log.ts'
import { Leases, type Renewal } from './leases.ts'

const timings = { writeLeaseMs: 3_000, leaseMarginMs: 100 }
const never = new AbortController().signal
let leases: Leases
let version: number

const renewal = (routeVersion: number, more: Partial<Renewal> = {}): Renewal => ({
  ...endpoints['leases.renew'].body.parse({
    kind: 'proxy',
    tenant: 'shop',
    routeVersion,
    settledVersion: 0,
    clusters: {},
  }),
  ...more,
})
const begin = (more: Partial<ConstructorParameters<typeof Leases>[0]> = {}) =>
  new Leases({
    timings,
    log: silent,
    clock: () => performance.now(),
    now: () => Date.now(),
    routeVersion: () => version,
    ...more,
  })
/** The same, in a term that is not new any more. */
async function settledTerm(): Promise<void> {
  leases = begin()
  await vi.advanceTimersByTimeAsync(timings.writeLeaseMs + timings.leaseMarginMs)
}
/** Whether it has resolved after so long. */
async function resolvedAfter(ms: number, wait: Promise<unknown>): Promise<boolean> {
  let resolved = false
  void wait.then(() => {
    resolved = true
  })
  await vi.advanceTimersByTimeAsync(ms)
  return resolved
}

beforeEach(() => {
  vi.useFakeTimers()
  version = 1
  return () => vi.useRealTimers()
})

test('nobody is waited for when everybody knows', async () => {
  await settledTerm()
  expect(leases.renew('p', renewal(5))).toEqual({ leaseMs: 3_000, routeVersion: 1 })
  const awaited = await leases.awaitVersion(5, { settled: false }, never)
  expect(awaited).toEqual({ waitedMs: 0, waitedFor: [], ranOut: [], forUnknown: false })
})

test('one that renews under the version ends the wait at once', async () => {
  await settledTerm()
  leases.renew('p', renewal(4))
  const wait = leases.awaitVersion(5, { settled: false }, never)
  expect(await resolvedAfter(50, wait)).toBe(false)
  leases.renew('p', renewal(5))
  expect(await wait).toMatchObject({ waitedMs: 50, waitedFor: ['p'], ranOut: [] })
})

test('one that says nothing is waited for until its lease and the margin are over', async () => {
  await settledTerm()
  leases.renew('p', renewal(4))
  await vi.advanceTimersByTimeAsync(1_000)
  const wait = leases.awaitVersion(5, { settled: false }, never)
  expect(await resolvedAfter(2_099, wait)).toBe(false)
  expect(await resolvedAfter(2, wait)).toBe(true)
  expect(await wait).toMatchObject({ ranOut: ['p'] })
})

test('one that goes on renewing under an old version is granted nothing, and waited for no longer', async () => {
  await settledTerm()
  leases.renew('p', renewal(4))
  const wait = leases.awaitVersion(5, { settled: false }, never)
  await vi.advanceTimersByTimeAsync(2_000)
  expect(leases.renew('p', renewal(4)).leaseMs).toBe(0)
  expect(await resolvedAfter(1_101, wait)).toBe(true)
  // Also when nobody waits any more: what follows relies on it.
  expect(leases.renew('late', renewal(4)).leaseMs).toBe(0)
  expect(leases.renew('late', renewal(5)).leaseMs).toBe(3_000)
})

test('one that is heard of first while others are waited for is waited for as well', async () => {
  await settledTerm()
  leases.renew('p', renewal(4))
  const wait = leases.awaitVersion(5, { settled: true }, never)
  leases.renew('q', renewal(5, { settledVersion: 4 }))
  leases.renew('p', renewal(5, { settledVersion: 5 }))
  expect(await resolvedAfter(100, wait)).toBe(false)
  leases.renew('q', renewal(5, { settledVersion: 5 }))
  expect((await wait).waitedFor).toEqual(['p', 'q'])
})

test('one that has ended its lease is not waited for', async () => {
  await settledTerm()
  leases.renew('p', renewal(4))
  const wait = leases.awaitVersion(5, { settled: false }, never)
  expect(leases.end('p')?.id).toBe('p')
  expect(await wait).toMatchObject({ waitedFor: ['p'], ranOut: [] })
  expect(leases.end('p')).toBeUndefined()
})

test('a term that has just begun takes it that somebody holds a lease, for as long as one may last', async () => {
  leases = begin()
  leases.renew('p', renewal(5))
  const wait = leases.awaitVersion(5, { settled: false }, never)
  expect(await resolvedAfter(3_099, wait)).toBe(false)
  expect(await resolvedAfter(2, wait)).toBe(true)
  expect(await wait).toMatchObject({ waitedFor: [], forUnknown: true })
})

test('routes from before the term are too old to write by', () => {
  version = 7
  leases = begin()
  expect(leases.renew('p', renewal(6)).leaseMs).toBe(0)
  expect(leases.renew('p', renewal(7)).leaseMs).toBe(3_000)
})

test('a stop ends the wait', async () => {
  await settledTerm()
  leases.renew('p', renewal(4))
  const stop = new AbortController()
  const wait = leases.awaitVersion(5, { settled: false }, stop.signal)
  stop.abort(new Error('cancelled'))
  await expect(wait).rejects.toThrow('cancelled')
})

test('a leader that has not heard from its store grants shorter leases, and in the end none', async () => {
  const sureAt = performance.now()
  leases = begin({ leadSure: () => sureAt })
  await vi.advanceTimersByTimeAsync(1_000)
  expect(leases.renew('p', renewal(5)).leaseMs).toBe(2_000)
  await vi.advanceTimersByTimeAsync(2_000)
  expect(() => leases.renew('p', renewal(5))).toThrow('may not lead any more')
})

test('those that may write are listed; those long gone are forgotten', async () => {
  await settledTerm()
  leases.renew('q', renewal(5, { mirrorLagMs: 20 }))
  leases.renew('p', renewal(5, { mirrorLagMs: 300 }))
  expect(leases.list().map(({ id }) => id)).toEqual(['p', 'q'])
  expect(leases.list()[0]!.endsAt).toBe(new Date(Date.now() + 3_000).toISOString())
  expect([leases.count, leases.mirrorLagMs]).toEqual([2, 300])
  await vi.advanceTimersByTimeAsync(3_001)
  expect([leases.list(), leases.count, leases.mirrorLagMs]).toEqual([[], 0, null])
  expect(leases.get('p')).toBeDefined()
  await vi.advanceTimersByTimeAsync(60_000)
  leases.renew('r', renewal(5))
  expect(leases.get('p')).toBeUndefined()
})
