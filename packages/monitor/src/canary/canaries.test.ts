import { errorCodes } from '@braid/kafka-protocol'
import { RouteTable } from '@braid/routing-model'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ClusterSet, checkBounds } from '../clusters/cluster-set.ts'
import type { Finding } from '../findings.ts'
import { silent } from '../log.ts'
import { FakeCluster } from '../testing/fake-cluster.ts'
import { tableOf } from '../testing/routes.ts'
import { canaryReplicas, canaryTopic } from './canary-topic.ts'
import type { Check } from './checks.ts'
import { ClusterCanaries } from './cluster-canaries.ts'
import { ClusterCanary } from './cluster-canary.ts'
import { probeListener } from './listener-probe.ts'

let cluster: FakeCluster
let pulses: ClusterSet
let records: ClusterSet
let checks: Check[]
let nowMs: number
beforeEach(async () => {
  cluster = await FakeCluster.start(3)
  const table = tableOf({ a: cluster }, [])
  pulses = new ClusterSet(checkBounds)
  records = new ClusterSet(checkBounds)
  pulses.follow(table)
  records.follow(table)
  checks = []
  nowMs = 0
})
afterEach(() => Promise.all([pulses.close(), records.close(), cluster.stop()]))

const canary = () =>
  new ClusterCanary({
    cluster: 'a',
    pulses: () => pulses.get('a'),
    records: () => records.get('a'),
    onCheck: (check) => checks.push(check),
    now: () => nowMs,
    log: silent,
    timeoutMs: 500,
  })

describe('a cluster from outside', () => {
  test('each broker leads a partition, with up to three replicas', () => {
    expect(canaryReplicas([3, 1, 2, 9])).toEqual([
      [1, 2, 3],
      [2, 3, 9],
      [3, 9, 1],
      [9, 1, 2],
    ])
    expect(canaryReplicas([5])).toEqual([[5]])
  })

  test('a record goes to every broker and comes back', async () => {
    const one = canary()
    await one.pulse()
    await one.records()
    expect(cluster.topics.get(canaryTopic)?.map(({ leader, end }) => [leader, end])).toEqual([
      [1, 1n],
      [2, 1n],
      [3, 1n],
    ])
    expect(one.vote.state).toBe('up')
    expect(one.works).toBe(true)
    expect(checks).toMatchObject([{ ok: true }])
    expect(checks[0]!.latenciesMs.map(([operation]) => operation).toSorted()).toEqual([
      ...Array(3).fill('fetch'),
      ...Array(3).fill('produce'),
    ])
  })

  test('a broker that came since gets a partition', async () => {
    const one = canary()
    await one.pulse()
    await one.records()
    await cluster.addBroker()
    nowMs += 31_000
    await one.pulse()
    await one.records()
    expect(cluster.topics.get(canaryTopic)?.map(({ leader }) => leader)).toEqual([1, 2, 3, 4])
  })

  test('one of three brokers lost is no lost cluster, though a record cannot be written there', async () => {
    const one = canary()
    await one.pulse()
    await one.records()
    await cluster.stopBroker(2)
    for (let i = 0; i < 4; i++) {
      nowMs += 1_000
      await one.pulse()
      await one.records()
      expect(one.vote.state).toBe('up')
    }
    expect(one.works).toBe(false)
  })

  test('all of them lost is, at once, and back when they are', async () => {
    const one = canary()
    await one.pulse()
    await one.records()
    await cluster.stop()
    nowMs += 1_000
    await one.pulse()
    nowMs += 700
    expect(one.vote).toMatchObject({ state: 'down', forMs: 700 })
    await one.records()
    expect(checks.at(-1)).toMatchObject({ ok: false })
    await cluster.startAgain()
    await expect.poll(() => one.pulse().then(() => one.vote.state), { timeout: 10_000 }).toBe('up')
  })

  test('one that answers and refuses every record counts as down after 15 s', async () => {
    const one = canary()
    await one.pulse()
    await one.records()
    cluster.refuseProduces = errorCodes.NOT_ENOUGH_REPLICAS
    for (let i = 0; i < 16; i++) {
      nowMs += 1_000
      await one.pulse()
      await one.records()
      expect(one.vote.state).toBe(i < 15 ? 'up' : 'down')
    }
    expect(one.vote.detail).toContain('NOT_ENOUGH_REPLICAS')
  })
})

describe('canaries of all clusters', () => {
  test('one that was told of as down and has left the routes is told of anew when it is back', async () => {
    const found: Finding[] = []
    const find = (finding: Finding) => found.push(finding)
    const parts = { pulses, records, onCheck: () => {}, find, log: silent, now: () => nowMs, timeoutMs: 500 }
    const all = new ClusterCanaries(parts)
    const [there, gone] = [tableOf({ a: cluster }, []), RouteTable.empty()]
    await cluster.stop()
    const down = async () => {
      await expect
        .poll(() => {
          all.pulse()
          return all.isDown('a')
        })
        .toBe(true)
      nowMs += 1_000
      all.votes()
      all.votes()
    }
    all.follow(there)
    await down()
    expect(found).toMatchObject([{ kind: 'CANARY_FAILING', cluster: 'a' }])
    all.follow(gone)
    all.follow(there)
    await down()
    expect(found.map(({ kind }) => kind)).toEqual(['CANARY_FAILING', 'CANARY_FAILING'])
  })
})

describe('a listener from outside', () => {
  const probe = (topic?: string) =>
    probeListener({
      address: cluster.bootstrap[0]!,
      topic,
      timeoutMs: 500,
      now: () => performance.now(),
    })

  test('is connected to, asked for versions and for metadata', async () => {
    const probed = await probe()
    expect(probed).toMatchObject({ ok: true, why: undefined })
    expect(probed.latenciesMs.map(([operation]) => operation)).toEqual(['connect', 'metadata'])
  })

  test('takes a record of the canary topic, where there is one', async () => {
    expect((await probe('heartbeat')).latenciesMs).toHaveLength(2)
    const [log] = cluster.createTopic('heartbeat', 1)
    expect((await probe('heartbeat')).latenciesMs).toHaveLength(4)
    expect(log!.end).toBe(1n)
  })

  test('fails with the reason when a record is refused, and when nobody listens', async () => {
    cluster.createTopic('heartbeat', 1)
    cluster.refuseProduces = errorCodes.NOT_ENOUGH_REPLICAS
    expect(await probe('heartbeat')).toMatchObject({ ok: false, why: 'heartbeat-0: NOT_ENOUGH_REPLICAS' })
    await cluster.stop()
    expect(await probe()).toMatchObject({ ok: false })
  })
})
