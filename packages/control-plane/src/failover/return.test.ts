import { endpoints } from '@braid/control-api'
import { encodeBatch } from '@braid/kafka-protocol'
import { describe, expect, onTestFinished, test } from 'vitest'
import { recordsOf, valuesOf } from '../testing/chain-contents.ts'
import { standBy } from '../testing/failover-scenarios.ts'
import { FakeCluster } from '../testing/fake-cluster.ts'
import { giveUp, withPolicy } from '../testing/given-up.ts'
import { IdempotentProducer } from '../testing/idempotent-producer.ts'
import { assertNothingBetween } from '../testing/nothing-between.ts'
import { SagaWorld, type SagaWorldOptions } from '../testing/saga-world.ts'
import { Failovers } from './failovers.ts'
import { Returns } from './returns.ts'

const tenant = 'default'

async function startWorld(options: SagaWorldOptions = {}): Promise<SagaWorld> {
  const clusters = Object.fromEntries(['home', 'a', 'b', 'c'].map((name) => [name, new FakeCluster(name)]))
  const world = await SagaWorld.start({ clusters, ...options })
  onTestFinished(() => world.close())
  return world
}

const returnsOf = (world: SagaWorld) => new Returns(world.plane, world.migrations.sagas)

async function takeBack(world: SagaWorld, cluster: string, moveBack = false): Promise<string> {
  world.cluster(cluster).away = false
  const { row } = await returnsOf(world).start(cluster, { moveBack }, 'somebody')
  await expect.poll(async () => (await world.plane.store.failovers.get(row.id))?.state).toBe('done')
  return row.id
}

const routeOf = (world: SagaWorld, topic: string) => world.plane.board.table.topic(tenant, topic)!
const activeOf = (world: SagaWorld, topic: string) => {
  const route = routeOf(world, topic)
  return { cluster: world.cluster(route.cluster(route.active)), physical: route.physicalTopic(route.active) }
}
const recoveryOf = async (world: SagaWorld, id: string, at = 0) =>
  (await world.plane.store.failovers.topics(id))[at]!.recovery

/** Until all that lies behind a cut is copied on. */
async function copied(world: SagaWorld): Promise<void> {
  const { migrations } = world.plane.store
  const left = async () => {
    let count = 0
    for (const { id } of await migrations.list(100))
      for (const stray of await migrations.strays(id)) if (stray.recovered < stray.to) count++
    return count
  }
  await expect.poll(left).toBe(0)
}

describe('a topic whose readers wait', () => {
  async function lost() {
    const world = await startWorld()
    const orders = await world.createTopic({ name: 'orders', partitions: 1, cluster: 'a' })
    await withPolicy(world, 'orders', 'strict')
    const producer = new IdempotentProducer(7n)
    producer.send(world.cluster('a'), orders.physicalTopic(0), 'known')
    producer.send(world.cluster('a'), orders.physicalTopic(0), 'answered, and not known')
    const unanswered = producer.send(
      world.cluster('a'),
      orders.physicalTopic(0),
      'not answered 1',
      'not answered 2',
    )
    await giveUp(world, 'a', [{ name: 'orders', to: 'b', knownEnds: [1n] }])
    const { physical } = activeOf(world, 'orders')
    world.cluster('b').write(physical, 0, unanswered)
    producer.send(world.cluster('b'), physical, 'afterwards')
    return { world, physical, producer, onA: orders.physicalTopic(0) }
  }

  test('is read in order through what was lost, and what a producer wrote again stands where it was answered', async () => {
    const { world } = await lost()
    const before = recordsOf(world, 'orders').slice(-3)
    const id = await takeBack(world, 'a')
    expect(valuesOf(world, 'orders')).toEqual([
      'known',
      'answered, and not known',
      'not answered 1',
      'not answered 2',
      'afterwards',
    ])
    expect(recordsOf(world, 'orders').slice(-3)).toEqual(before)
    expect(await recoveryOf(world, id)).toEqual({ tail: 3, leftOut: 2, toCopy: 0, copied: 0 })
    expect(routeOf(world, 'orders').isPartlyAway).toBe(false)
    expect(await world.plane.store.cluster('a')).toMatchObject({ state: 'active', fenced: false })
    expect(world.plane.board.table.clusters.get('a')?.fenced).toBeUndefined()
    await assertNothingBetween(world)
  })

  test('drains and retires as after a migration, and what comes behind its end is a stray', async () => {
    const { world, onA, physical } = await lost()
    await takeBack(world, 'a')
    const [record] = await world.plane.store.migrations.list(10)
    expect(record).toMatchObject({ state: 'switched', from: { cluster: 'a', topic: onA }, cuts: [4n] })
    world.cluster('a').write(onA, 0, encodeBatch({ records: [{ value: Buffer.from('stray') }] }))
    await expect.poll(() => valuesOf(world, 'orders')).toContain('stray')
    expect(recordsOf(world, 'orders').at(-1)?.headers).toEqual({ 'braid.stray.from': `a/${onA}/0@4` })
    world.cluster('a').expire(onA)
    await expect.poll(() => routeOf(world, 'orders').depth).toBe(1)
    expect(routeOf(world, 'orders').physicalTopic(0)).toBe(physical)
  })

  test('moves meanwhile, undisturbed', async () => {
    const { world } = await lost()
    const held = Promise.withResolvers<void>()
    world.hook = (step, phase, _id, kind) =>
      kind === 'migration' && step === 'SEAL' && phase === 'before' ? held.promise : undefined
    const [moving] = await world.migrations.start({ tenant, topics: ['orders'], to: 'c' })
    await expect.poll(() => routeOf(world, 'orders').prepared?.cluster).toBe('c')
    await takeBack(world, 'a')
    expect((await world.migrations.get(moving!.id)).state).toBe('running')
    held.resolve()
    await expect.poll(async () => (await world.migrations.get(moving!.id)).state).toBe('switched')
    expect(valuesOf(world, 'orders')).toHaveLength(5)
  })

  test('waits for a producer that is in the middle of writing again', async () => {
    const world = await startWorld({ timings: { repeatsSettleMs: 60_000 } })
    const orders = await world.createTopic({ name: 'orders', partitions: 1, cluster: 'a' })
    await withPolicy(world, 'orders', 'strict')
    const producer = new IdempotentProducer(7n)
    const [one, two] = ['one', 'two'].map((value) =>
      producer.send(world.cluster('a'), orders.physicalTopic(0), value),
    )
    await giveUp(world, 'a', [{ name: 'orders', to: 'b', knownEnds: null }])
    const { physical } = activeOf(world, 'orders')
    world.cluster('b').write(physical, 0, one!)
    world.cluster('a').away = false
    const { row } = await returnsOf(world).start('a', { moveBack: false }, 'somebody')
    await expect.poll(async () => (await world.plane.store.failovers.get(row.id))?.step).toBe('RECOVER')
    await new Promise((resolve) => setTimeout(resolve, 50))
    world.cluster('b').write(physical, 0, two!)
    await expect.poll(async () => (await world.plane.store.failovers.get(row.id))?.state).toBe('done')
    expect(valuesOf(world, 'orders')).toEqual(['one', 'two'])
  })

  test('was sealed before its cluster was lost: its own record goes on', async () => {
    const world = await startWorld()
    const orders = await world.createTopic({ name: 'orders', partitions: 1, cluster: 'a' })
    await withPolicy(world, 'orders', 'strict')
    const producer = new IdempotentProducer(7n)
    producer.send(world.cluster('a'), orders.physicalTopic(0), 'before')
    const unanswered = producer.send(world.cluster('a'), orders.physicalTopic(0), 'not answered')
    const [moved] = await world.migrations.start({ tenant, topics: ['orders'], to: 'b' })
    await expect.poll(async () => (await world.migrations.get(moved!.id)).state).toBe('switched')
    await giveUp(world, 'a', [])
    world.cluster('b').write(activeOf(world, 'orders').physical, 0, unanswered)
    await takeBack(world, 'a')
    expect(valuesOf(world, 'orders')).toEqual(['before', 'not answered'])
    expect((await world.plane.store.migrations.list(10)).map(({ id }) => id)).toEqual([moved!.id])
    await assertNothingBetween(world)
  })
})

describe('a topic whose readers went on elsewhere', () => {
  async function lost({
    positions,
    knownEnds,
  }: {
    positions: (bigint | null)[] | null
    knownEnds: bigint[]
  }) {
    const world = await startWorld()
    const orders = await world.createTopic({ name: 'orders', partitions: 1, cluster: 'a' })
    await withPolicy(world, 'orders', 'available')
    const producer = new IdempotentProducer(7n)
    const onA = orders.physicalTopic(0)
    for (const value of ['0', '1', '2', '3']) producer.send(world.cluster('a'), onA, value)
    producer.send(world.cluster('a'), onA, '4', '5')
    const unanswered = producer.send(world.cluster('a'), onA, '6')
    await giveUp(world, 'a', [{ name: 'orders', to: 'b', knownEnds, positions }])
    const { physical } = activeOf(world, 'orders')
    world.cluster('b').write(physical, 0, unanswered)
    return { world, onA, physical }
  }

  test('is given what some group had not read, once, marked, behind what is there', async () => {
    const { world, onA } = await lost({ positions: [5n], knownEnds: [6n] })
    const id = await takeBack(world, 'a')
    await copied(world)
    const read = recordsOf(world, 'orders')
    // 4 and 5 are one batch, which is in the chain as a whole or not at all.
    expect(read.map(({ value }) => value)).toEqual(['0', '1', '2', '3', '6', '4', '5'])
    expect(read.at(-1)?.headers).toEqual({
      'braid.stray.from': `a/${onA}/0@5`,
      'braid.recovered.offset': '5',
    })
    expect(await recoveryOf(world, id)).toEqual({ tail: 1, leftOut: 1, toCopy: 2, copied: 2 })
    await assertNothingBetween(world)
  })

  test('gets each record once though its cluster is lost once more and returns again', async () => {
    const { world } = await lost({ positions: [4n], knownEnds: [6n] })
    await takeBack(world, 'a')
    await copied(world)
    const before = valuesOf(world, 'orders')
    await giveUp(world, 'a', [])
    const id = await takeBack(world, 'a')
    await copied(world)
    expect(valuesOf(world, 'orders')).toEqual(before)
    const { toCopy, copied: done } = (await recoveryOf(world, id))!
    expect(done).toBe(toCopy)
    await assertNothingBetween(world)
  })

  test.each([
    ['nobody knows where groups were', { positions: null, knownEnds: [6n] }, '6012345'],
    ['no group has committed', { positions: [null], knownEnds: [5n] }, '0123645'],
    ['groups had read more than was known', { positions: [6n], knownEnds: [4n] }, '0123645'],
  ])('%s', async (_, known, expected) => {
    const { world } = await lost(known)
    await takeBack(world, 'a')
    await copied(world)
    expect(valuesOf(world, 'orders').join('')).toBe(expected)
  })

  test('gets each record once though an append was not answered, and the topic has moved on meanwhile', async () => {
    const { world } = await lost({ positions: [0n], knownEnds: [6n] })
    world.cluster('b').answersToLose = 1
    await takeBack(world, 'a')
    await expect.poll(() => world.cluster('b').answersToLose).toBe(0)
    const [moved] = await world.migrations.start({ tenant, topics: ['orders'], to: 'c' })
    await expect.poll(async () => (await world.migrations.get(moved!.id)).state).toBe('switched')
    await copied(world)
    expect(valuesOf(world, 'orders').sort()).toEqual(['0', '1', '2', '3', '4', '5', '6'])
  })

  test('had been moved away before: of what it left there, what some group had not read', async () => {
    const world = await startWorld()
    const orders = await world.createTopic({ name: 'orders', partitions: 1, cluster: 'a' })
    await withPolicy(world, 'orders', 'available')
    const onA = orders.physicalTopic(0)
    const producer = new IdempotentProducer(7n)
    for (const value of ['0', '1', '2', '3']) producer.send(world.cluster('a'), onA, value)
    const offsets = [{ topic: orders.homeTopic, partition: 0, offset: 2n, metadata: null }]
    await world.cluster('home').commit({ groupId: 'readers', offsets })
    const [moved] = await world.migrations.start({ tenant, topics: ['orders'], to: 'b' })
    await expect.poll(async () => (await world.migrations.get(moved!.id)).state).toBe('switched')
    // Because of another topic.
    await standBy(
      world,
      await world.createTopic({ name: 'users', partitions: 1, cluster: 'a' }),
      'strict',
      'c',
    )
    world.cluster('a').away = true
    const failovers = new Failovers(world.plane, world.migrations.sagas)
    const { failover } = await failovers.start('a', { force: true }, 'somebody', async () => {})
    await expect.poll(async () => (await failovers.get(failover.id)).state).toBe('done')
    await takeBack(world, 'a')
    await copied(world)
    expect(valuesOf(world, 'orders').join('')).toBe('0123')
    expect(recordsOf(world, 'orders').map(({ headers }) => headers['braid.recovered.offset'])).toEqual([
      undefined,
      undefined,
      '2',
      '3',
    ])
  })

  test('gets each record once though the process dies in the middle', async () => {
    const { world } = await lost({ positions: [0n], knownEnds: [6n] })
    world.cluster('b').answersToLose = 4
    // So that each copy is of one batch.
    world.cluster('a').readMaxBytes = 1
    await takeBack(world, 'a')
    for (const left of [3, 2, 1, 0]) {
      await expect.poll(() => world.cluster('b').answersToLose, { interval: 1 }).toBeLessThanOrEqual(left)
      await world.restart()
    }
    await copied(world)
    expect(valuesOf(world, 'orders').join('')).toBe('6012345')
  })

  test('gets each record once though retention takes what was just copied, and not answered', async () => {
    const { world, onA } = await lost({ positions: [0n], knownEnds: [6n] })
    const [a, b] = [world.cluster('a'), world.cluster('b')]
    a.readMaxBytes = 1
    const append = b.append.bind(b)
    b.append = async (...call) => {
      await append(...call)
      b.append = append
      a.topic(onA).partitions[0]!.start = 1n
      throw new Error('the answer was lost')
    }
    await takeBack(world, 'a')
    await copied(world)
    expect(valuesOf(world, 'orders').join('')).toBe('6012345')
  })

  /** An append to `b` that times out, and arrives when the next one is made. */
  function arriveLate(b: FakeCluster, meanwhile: () => void): void {
    const append = b.append.bind(b)
    b.append = async (...late) => {
      b.append = async (...call) => {
        b.append = append
        await append(...late)
        return append(...call)
      }
      meanwhile()
      throw new Error('no answer')
    }
  }

  test('gets each record once though an append arrives late, when more could be read', async () => {
    const { world } = await lost({ positions: [0n], knownEnds: [6n] })
    const [a, b] = [world.cluster('a'), world.cluster('b')]
    a.readMaxBytes = 1
    arriveLate(b, () => {
      a.readMaxBytes = 1_000
    })
    await takeBack(world, 'a')
    await copied(world)
    expect(valuesOf(world, 'orders').join('')).toBe('6012345')
  })

  test('gets each record once though an append arrives late, whose source retention has taken', async () => {
    const { world, onA } = await lost({ positions: [0n], knownEnds: [6n] })
    const [a, b] = [world.cluster('a'), world.cluster('b')]
    a.readMaxBytes = 1
    arriveLate(b, () => {
      a.topic(onA).partitions[0]!.start = 1n
    })
    await takeBack(world, 'a')
    await copied(world)
    expect(valuesOf(world, 'orders').join('')).toBe('6012345')
  })

  test('is given many small batches as a few large ones', async () => {
    const { world } = await lost({ positions: [0n], knownEnds: [6n] })
    const appends = () => world.cluster('b').calls.filter((call) => call === 'append').length
    const before = appends()
    await takeBack(world, 'a')
    await copied(world)
    expect(valuesOf(world, 'orders').join('')).toBe('6012345')
    expect(appends() - before).toBe(1)
  })
})

describe('two clusters, lost one after the other', () => {
  async function bothLost() {
    const world = await startWorld()
    const orders = await world.createTopic({ name: 'orders', partitions: 1, cluster: 'a' })
    await withPolicy(world, 'orders', 'strict')
    const producer = new IdempotentProducer(7n)
    const onA = orders.physicalTopic(0)
    producer.send(world.cluster('a'), onA, 'a')
    const again = producer.send(world.cluster('a'), onA, 'a b')
    const twice = producer.send(world.cluster('a'), onA, 'a b c')
    await giveUp(world, 'a', [{ name: 'orders', to: 'b', knownEnds: [1n] }])
    const b = activeOf(world, 'orders').physical
    world.cluster('b').write(b, 0, again)
    world.cluster('b').write(b, 0, twice)
    const onB = producer.send(world.cluster('b'), b, 'b c')
    await giveUp(world, 'b', [{ name: 'orders', to: 'c', knownEnds: [0n] }])
    const c = activeOf(world, 'orders').physical
    world.cluster('c').write(c, 0, twice)
    world.cluster('c').write(c, 0, onB)
    producer.send(world.cluster('c'), c, 'c')
    return world
  }
  const all = ['a', 'a b', 'a b c', 'b c', 'c']

  test.each([
    ['first lost, first back', ['a', 'b']],
    ['last lost, first back', ['b', 'a']],
  ])('%s: each record stands once, where it was answered last', async (_, order) => {
    const world = await bothLost()
    await takeBack(world, order[0]!)
    expect(routeOf(world, 'orders').isPartlyAway).toBe(true)
    await takeBack(world, order[1]!)
    expect(valuesOf(world, 'orders')).toEqual(all)
    expect(routeOf(world, 'orders').isPartlyAway).toBe(false)
    await assertNothingBetween(world)
  })
})

describe('while it returns', () => {
  test('a topic that was deleted is passed over, one that is gone there stays lost and says what to do', async () => {
    const world = await startWorld()
    for (const name of ['orders', 'gone', 'deleted']) {
      await world.createTopic({ name, partitions: 1, cluster: 'a' })
      await withPolicy(world, name, 'strict')
    }
    const lost = ['orders', 'gone', 'deleted'].map((name) => ({ name, to: 'b', knownEnds: [0n] }))
    const goneTopic = routeOf(world, 'gone').physicalTopic(0)
    await giveUp(world, 'a', lost)
    world.cluster('a').away = false
    await world.cluster('a').deleteTopic(goneTopic)
    let deleted = false
    world.hook = async (step, phase, _id, kind) => {
      if (deleted || kind !== 'return' || step !== 'ANNOUNCE' || phase !== 'before') return
      deleted = true
      await world.outside(() => world.topics.delete(tenant, 'deleted'))
    }
    const id = await takeBack(world, 'a')
    const rows = await world.plane.store.failovers.topics(id)
    expect(rows.find(({ topic }) => topic === 'gone')?.reason).toMatch(/is not on a any more.*abandon it/)
    expect(routeOf(world, 'gone').away(0)).toEqual({ state: 'lost', readers: 'wait' })
    expect(routeOf(world, 'orders').isPartlyAway).toBe(false)
  })

  test('what a topic lost while it was compared is lost again', async () => {
    const world = await startWorld()
    await world.createTopic({ name: 'orders', partitions: 1, cluster: 'a' })
    await withPolicy(world, 'orders', 'strict')
    const onA = routeOf(world, 'orders').physicalTopic(0)
    await giveUp(world, 'a', [{ name: 'orders', to: 'b', knownEnds: [0n] }])
    world.hook = async (step, phase, _id, kind) => {
      if (kind === 'return' && step === 'RECOVER' && phase === 'before')
        await world.cluster('a').deleteTopic(onA)
    }
    await takeBack(world, 'a')
    expect(routeOf(world, 'orders').away(0)?.state).toBe('lost')
  })

  test('its topics stand by on it, when they found no other cluster to stand by on', async () => {
    const clusters = { a: new FakeCluster('a'), b: new FakeCluster('b') }
    const world = await startWorld({ clusters })
    const gold = { name: 'gold', availability: { failover: 'strict' }, durability: { replicationFactor: 1 } }
    const { slas, topicSpecs } = world.plane.store
    await slas.put(endpoints['slas.put'].body.parse(gold))
    const { id } = await world.createTopic({ name: 'orders', partitions: 1, cluster: 'a' })
    await topicSpecs.setWishes(id, { ...(await topicSpecs.get(id))!, sla: 'gold', pinnedTo: null })
    await withPolicy(world, 'orders', 'strict')
    await giveUp(world, 'a', [{ name: 'orders', to: 'b', knownEnds: [0n] }])
    expect((await topicSpecs.get(id))?.standby).toBeNull()
    await takeBack(world, 'a')
    expect((await topicSpecs.get(id))?.standby).toBe('a')
  })

  test('its topics move back when that is asked for, and one that cannot says why', async () => {
    const world = await startWorld()
    for (const name of ['orders', 'payments', 'small']) {
      await world.createTopic({ name, partitions: 1, cluster: 'a' })
      await withPolicy(world, name, 'strict')
    }
    await giveUp(
      world,
      'a',
      ['orders', 'payments', 'small'].map((name) => ({ name, to: 'b', knownEnds: [0n] })),
    )
    await world.plane.store.reconcile.putHold(routeOf(world, 'small').id, { why: 'a test', since: 0 })
    const id = await takeBack(world, 'a', true)
    for (const name of ['orders', 'payments'])
      await expect.poll(() => activeOf(world, name).cluster.name).toBe('a')
    expect(activeOf(world, 'small').cluster.name).toBe('b')
    const rows = await world.plane.store.failovers.topics(id)
    expect(rows.find(({ topic }) => topic === 'small')?.reason).toMatch(/not moved back: .*being changed/)
    expect(rows.find(({ topic }) => topic === 'orders')?.reason).not.toMatch(/not moved back/)
  })

  test('a cluster that comes back with less than was known says so', async () => {
    const world = await startWorld()
    const orders = await world.createTopic({ name: 'orders', partitions: 1, cluster: 'a' })
    await withPolicy(world, 'orders', 'strict')
    new IdempotentProducer(7n).send(world.cluster('a'), orders.physicalTopic(0), 'left')
    await giveUp(world, 'a', [{ name: 'orders', to: 'b', knownEnds: [5n] }])
    const id = await takeBack(world, 'a')
    const [row] = await world.plane.store.failovers.topics(id)
    expect(row?.reason).toMatch(/4 records that were known to be there are gone/)
    expect(valuesOf(world, 'orders')).toEqual(['left'])
  })

  test('an end that the chain has no room for is copied on, and nothing is lost', async () => {
    const world = await startWorld()
    const orders = await world.createTopic({ name: 'orders', partitions: 1, cluster: 'a' })
    await withPolicy(world, 'orders', 'strict')
    const onA = orders.physicalTopic(0)
    await giveUp(world, 'a', [{ name: 'orders', to: 'b', knownEnds: [0n] }])
    const log = world.cluster('a').topic(onA).partitions[0]!
    log.end = routeOf(world, 'orders').base(1, 0) - 1n
    log.start = log.end
    new IdempotentProducer(9n).send(world.cluster('a'), onA, 'fits')
    new IdempotentProducer(8n).send(world.cluster('a'), onA, 'beyond')
    await takeBack(world, 'a')
    await copied(world)
    expect(valuesOf(world, 'orders')).toEqual(['fits', 'beyond'])
  })
})

describe('is refused', () => {
  test('of a cluster that was not given up, of one that others still see as down, of another that answers', async () => {
    const world = await startWorld()
    const start = () => returnsOf(world).start('a', { moveBack: false }, 'somebody')
    await expect(start()).rejects.toMatchObject({ code: 'CLUSTER_NOT_GIVEN_UP' })
    await giveUp(world, 'a', [])
    const { votes } = world.plane.sight
    const voter = { key: 'proxy p-1', by: 'proxy p-1', vantage: 'server' } as const
    const down = new Map([['a', { state: 'down', forMs: 900, detail: 'refused' } as const]])
    const at = performance.now()
    votes.hear(voter, down, { at, validUntil: at + 60_000 })
    await expect(start()).rejects.toMatchObject({
      code: 'CLUSTER_STILL_FAILING',
      message: expect.stringContaining('proxy p-1'),
    })
    votes.forget('proxy p-1')
    await expect(start()).rejects.toMatchObject({ code: 'CLUSTER_UNREACHABLE' })
    world.cluster('a').away = false
    world.cluster('a').clusterId = 'another'
    await expect(start()).rejects.toMatchObject({ code: 'CLUSTER_CHANGED' })
  })

  test('while one is under way', async () => {
    const world = await startWorld()
    await giveUp(world, 'a', [])
    world.cluster('a').away = false
    const held = Promise.withResolvers<void>()
    world.hook = (_step, _phase, _id, kind) => (kind === 'return' ? held.promise : undefined)
    await returnsOf(world).start('a', { moveBack: false }, 'somebody')
    await expect(returnsOf(world).plan('a')).rejects.toMatchObject({ code: 'FAILOVER_IN_PROGRESS' })
    held.resolve()
  })
})
