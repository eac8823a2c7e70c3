import { ControlPlaneError, type LeaseRenewal as LeaseReport } from '@braid/control-api'
import { RouteTable, TopicRoute } from '@braid/routing-model'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { LeaseRenewal, mustBeToldAtOnce, needsLease } from './lease-renewal.ts'
import { elapse, realTime, settled, virtualTime } from './testing/virtual-time.ts'
import { WriteLease } from './write-lease.ts'

type Answer = 'grant' | 'hang' | Error

let renewal: LeaseRenewal
let lease: WriteLease
let sentMs: number[]
let reports: LeaseReport[]
let ended: string[]
let answer: Answer
let answerAfterMs: number
let needed: boolean
let routeVersion: number
let grantedMs: number
let lines: { level: string; event: string; fields: Readonly<Record<string, unknown>> }[]

beforeEach(() => {
  virtualTime()
  lease = new WriteLease()
  sentMs = []
  reports = []
  ended = []
  lines = []
  answer = 'grant'
  answerAfterMs = 0
  needed = true
  routeVersion = 7
  grantedMs = 3_000
  const startMs = Date.now()
  renewal = new LeaseRenewal({
    id: 'p',
    lease,
    office: {
      renew: async (_, report) => {
        sentMs.push(Date.now() - startMs)
        reports.push(report)
        const now = answer
        if (now === 'hang') {
          // As the client does after its timeout.
          await later(1_000)
          throw new ControlPlaneError('TIMED_OUT', 0, 'no answer within 1000 ms')
        }
        if (answerAfterMs > 0) await later(answerAfterMs)
        if (now instanceof Error) throw now
        return { leaseMs: grantedMs, routeVersion }
      },
      end: async (id) => {
        ended.push(id)
        if (answer === 'hang') await later(60_000)
      },
    },
    report: () => ({
      kind: 'proxy',
      accessPoint: 'p',
      tenant: 't',
      routeVersion,
      settledVersion: routeVersion,
      clusters: {},
    }),
    needed: () => needed,
    now: () => Date.now(),
    log: (level, event, fields) => lines.push({ level, event, fields }),
  })
})

afterEach(async () => {
  answer = 'grant'
  await renewal.close()
  realTime()
})

const later = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))
const refused = (code: 'UNAUTHENTICATED' | 'FORBIDDEN' | 'UNKNOWN_TENANT') =>
  new ControlPlaneError(code, 403, `${code} it is`)

describe('a lease', () => {
  it('is renewed every second', async () => {
    await renewal.start()
    await elapse(3_500)
    expect(sentMs).toEqual([0, 1_000, 2_000, 3_000])
    expect(lease.holds(Date.now())).toBe(true)
  })

  it('runs from when its renewal was sent, not from when that was answered', async () => {
    answerAfterMs = 900
    void renewal.start()
    await elapse(950)
    answer = 'hang'
    expect(lease.holds(Date.now() + 2_000)).toBe(true)
    expect(lease.holds(Date.now() + 2_050)).toBe(false)
  })

  it('is told less often of where nothing needs it, and still told how clusters are seen', async () => {
    needed = false
    await renewal.start()
    await elapse(5_000)
    expect(sentMs).toEqual([0, 2_000, 4_000])
  })

  it('is renewed at once when something has changed, once for changes that come together', async () => {
    await renewal.start()
    await elapse(400)
    routeVersion = 8
    renewal.soon()
    renewal.soon()
    await elapse(100)
    expect(sentMs).toEqual([0, 410])
    expect(reports.at(-1)!.routeVersion).toBe(8)
    await elapse(1_000)
    expect(sentMs).toEqual([0, 410, 1_410])
  })

  it('is renewed again when something changes while it is being renewed', async () => {
    answerAfterMs = 300
    void renewal.start()
    await elapse(100)
    routeVersion = 8
    renewal.soon()
    await elapse(300)
    expect(reports.map((report) => report.routeVersion)).toEqual([7, 8])
  })

  it('is not renewed more than ten times a second, however fast things change', async () => {
    await renewal.start()
    for (let i = 0; i < 100; i++) {
      renewal.soon()
      await elapse(10)
    }
    expect(sentMs.length).toBeLessThanOrEqual(11)
  })
})

describe('a control plane', () => {
  it('that hangs is asked again after a second, and the lease runs out meanwhile', async () => {
    await renewal.start()
    answer = 'hang'
    await elapse(3_100)
    expect(sentMs.map((ms) => Math.round(ms / 100))).toEqual([0, 10, 20, 30])
    expect(lease.holds(Date.now())).toBe(false)
    answer = 'grant'
    await elapse(1_000)
    expect(lease.holds(Date.now())).toBe(true)
    expect(lines.map(({ event }) => event)).toEqual(['lease-not-renewed', 'lease-renewed'])
  })

  it('that is away is found again in a quarter of a second', async () => {
    answer = new ControlPlaneError('UNAVAILABLE', 0, 'nobody there')
    await renewal.start()
    await elapse(1_000)
    expect(sentMs).toEqual([0, 250, 500, 750, 1_000])
    expect(renewal.counts).toEqual({ granted: 0, behind: 0, refused: 0, failed: 5 })
    expect(lines.length).toBe(1)
  })

  it('that grants nothing, as the routes here are too old, is asked again as soon as they have come', async () => {
    grantedMs = 0
    await renewal.start()
    await elapse(150)
    expect([lease.holds(Date.now()), sentMs]).toEqual([false, [0]])
    grantedMs = 3_000
    renewal.soon()
    await elapse(20)
    expect([lease.holds(Date.now()), sentMs]).toEqual([true, [0, 160]])
    expect(lines.map(({ event }) => event)).toEqual(['lease-not-granted', 'lease-renewed'])
    expect(renewal.counts).toEqual({ granted: 1, behind: 1, refused: 0, failed: 0 })
  })

  it('that refuses is said once, with what to do', async () => {
    for (const code of ['UNAUTHENTICATED', 'FORBIDDEN', 'UNKNOWN_TENANT'] as const) {
      answer = refused(code)
      if (sentMs.length === 0) await renewal.start()
      await elapse(3_000)
    }
    expect(lines.map(({ fields }) => fields.code)).toEqual(['UNAUTHENTICATED', 'FORBIDDEN', 'UNKNOWN_TENANT'])
    for (const { level, event, fields } of lines) {
      expect([level, event]).toEqual(['error', 'lease-not-renewed'])
      expect(fields.todo).toMatch(/token|tenant/)
    }
    expect(renewal.counts.refused).toBe(sentMs.length)
  })
})

describe('at the end', () => {
  it('the lease is given back, and nothing is renewed after it', async () => {
    await renewal.start()
    await renewal.close()
    expect(ended).toEqual(['p'])
    expect(lease.holds(Date.now())).toBe(false)
    await elapse(3_000)
    expect(sentMs.length).toBe(1)
  })

  it('a control plane that hangs is waited for a second, and one that never answered not at all', async () => {
    await renewal.start()
    answer = 'hang'
    let closed = false
    renewal.close().then(() => {
      closed = true
    })
    await elapse(950)
    expect(closed).toBe(false)
    await elapse(100)
    expect(closed).toBe(true)
  })

  it('an answer that comes after it grants nothing', async () => {
    answerAfterMs = 500
    void renewal.start()
    await elapse(100)
    await renewal.close()
    await elapse(1_000)
    await settled()
    expect(lease.holds(Date.now())).toBe(false)
    expect(ended).toEqual([])
  })
})

describe('what is told at once', () => {
  const route = TopicRoute.create({
    tenant: 't',
    name: 'orders',
    id: 'id',
    partitions: 1,
    maxMessageBytes: 1_000,
    homeTopic: 'orders.0',
    cluster: 'a',
    topic: 'orders.0',
  })
  const delta = { from: 1, to: 2 }

  it('is a cluster that is given up, a home that moves, and a loglet that is away', () => {
    const cluster = { name: 'a', number: 1, bootstrap: ['a:9'], fenced: true }
    expect(mustBeToldAtOnce({ ...delta, clusters: [cluster] })).toBe(true)
    expect(mustBeToldAtOnce({ ...delta, tenants: [{ name: 't', home: 'b' }] })).toBe(true)
    const lost = route
      .withFailover('strict')
      .lostAndAppended(2_000_000n, { cluster: 'b', topic: 'orders.1' }, 'wait')
    expect(mustBeToldAtOnce({ ...delta, topics: [lost.toJSON()] })).toBe(true)
    expect(mustBeToldAtOnce(undefined)).toBe(true)
  })

  it('is not a topic that comes or moves', () => {
    expect(mustBeToldAtOnce({ ...delta, topics: [route.toJSON()] })).toBe(false)
    expect(mustBeToldAtOnce({ ...delta, removedTopics: [{ tenant: 't', name: 'orders' }] })).toBe(false)
  })

  it('needs a lease only where a topic fails over', () => {
    const table = (topic: TopicRoute) =>
      RouteTable.fromJSON({
        version: 1,
        clusters: [{ name: 'a', number: 1, bootstrap: ['a:9'] }],
        tenants: [{ name: 't', home: 'a' }],
        accessPoints: [],
        topics: [topic.toJSON()],
      })
    expect(needsLease(table(route), 't')).toBe(false)
    expect(needsLease(table(route.withFailover('available')), 't')).toBe(true)
  })
})
