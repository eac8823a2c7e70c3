import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ClusterSet, questionBounds } from '../clusters/cluster-set.ts'
import type { Finding } from '../findings.ts'
import { silent } from '../log.ts'
import { FakeCluster, type FakeLog } from '../testing/fake-cluster.ts'
import { tableOf, topicOf } from '../testing/routes.ts'
import { Audit, LEAD_MS } from './audit.ts'

let a: FakeCluster
let b: FakeCluster
let set: ClusterSet
let proxy: Server
let acknowledged: number | undefined
let audit: Audit
let found: Finding[]
let nowMs: number
let log: FakeLog
beforeEach(async () => {
  a = await FakeCluster.start()
  b = await FakeCluster.start()
  set = new ClusterSet(questionBounds)
  acknowledged = 0
  proxy = createServer((_request, response) => {
    if (acknowledged === undefined) return void response.destroy()
    response.end(`braid_proxy_acknowledged_records_total{tenant="default",topic="orders"} ${acknowledged}\n`)
  }).listen(0, '127.0.0.1')
  await new Promise((resolve) => proxy.once('listening', resolve))
  found = []
  nowMs = 1_000_000
  log = a.createTopic('orders.1', 1)[0]!
  audit = new Audit({
    targets: [`127.0.0.1:${(proxy.address() as AddressInfo).port}`],
    clusters: set.get,
    find: (finding) => found.push(finding),
    log: silent,
    now: () => nowMs,
    timeoutMs: 1_000,
    windowMs: 60_000,
  })
})
afterEach(async () => {
  proxy.close()
  proxy.closeAllConnections()
  await Promise.all([set.close(), a.stop(), b.stop()])
})

const orders = topicOf('orders')

/** Looks each 5 s for so long; `each` says what happens in between. */
async function pass(ms: number, each: () => void, route = orders): Promise<void> {
  const table = tableOf({ a, b }, [route])
  set.follow(table)
  for (let passed = 0; passed < ms; passed += 5_000) {
    await audit.round(table)
    nowMs += 5_000
    each()
  }
}

const write = (count: number, acknowledges = count) => {
  log.write(count)
  if (acknowledged !== undefined) acknowledged += acknowledges
}

describe('an audit of counts', () => {
  test('of an honest log finds nothing, and says what came', async () => {
    await pass(LEAD_MS + 75_000, () => write(10))
    expect(found).toEqual([])
    expect(audit.windows).toMatchObject([{ topic: 'orders', acknowledged: 120, appended: 120 }])
    expect(audit.windows[0]?.judgement).toEqual({ kind: 'even' })
  })

  test('finds what was acknowledged and is not there', async () => {
    await pass(LEAD_MS + 30_000, () => write(10))
    await pass(45_000, () => write(0, 10))
    expect(found).toMatchObject([{ kind: 'COUNT_LOSS', severity: 'error', topic: 'orders' }])
  })

  test('finds a log that was truncated, to the record', async () => {
    await pass(LEAD_MS + 30_000, () => write(10))
    // Ten of them came after the latest look.
    log.end -= 17n
    await pass(45_000, () => {})
    expect(found).toMatchObject([{ kind: 'COUNT_LOSS', evidence: { records: 7 } }])
  })

  test('tells of records that nobody acknowledged, as no alarm', async () => {
    await pass(LEAD_MS + 75_000, () => write(10, 2))
    expect(found).toMatchObject([{ kind: 'COUNT_SURPLUS', severity: 'info' }])
  })

  test('says nothing of a window in which a proxy was not heard, and goes on with the next', async () => {
    await pass(LEAD_MS + 20_000, () => write(10))
    const kept = acknowledged
    acknowledged = undefined
    await pass(10_000, () => log.write(10))
    acknowledged = (kept ?? 0) + 20
    await pass(45_000, () => write(10))
    expect(audit.windows[0]?.judgement.kind).toBe('unjudged')
    await pass(125_000, () => write(10))
    expect(audit.windows[0]?.judgement.kind).toBe('even')
    expect(found).toEqual([])
  })

  test('a move in the window is no loss and no surplus', async () => {
    await pass(LEAD_MS + 30_000, () => write(10))
    const moved = orders.sealedAndAppended([log.end], { cluster: 'b', topic: 'orders.2' }, 1_000_000n)
    log = b.createTopic('orders.2', 1)[0]!
    await pass(45_000, () => write(10), moved)
    expect(audit.windows[0]?.judgement).toEqual({ kind: 'even' })
    expect(found).toEqual([])
  })

  test('a lost loglet leaves its window unjudged', async () => {
    await pass(LEAD_MS + 30_000, () => write(10))
    const failedOver = orders.lostAndAppended(5_000_000n, { cluster: 'b', topic: 'orders.2' }, 'wait')
    log = b.createTopic('orders.2', 1)[0]!
    await pass(45_000, () => write(10), failedOver)
    expect(audit.windows[0]?.judgement.kind).toBe('unjudged')
    expect(found).toEqual([])
  })
})
