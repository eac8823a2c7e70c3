import { type TenantSpec, type TopicRequest, tenantSpec, topicSpec } from '@braid/control-api'
import { describe, expect, onTestFinished, test } from 'vitest'
import { anonymous, type Caller } from '../access/caller.ts'
import { SagaWorld } from '../testing/saga-world.ts'
import { fakeClusters, startTestPlane } from '../testing/test-plane.ts'
import { TopicRequests } from './topic-requests.ts'

const caller = (principal: string, role: Caller['role'], tenant: string | null = 'default'): Caller => ({
  ...anonymous,
  principal,
  role,
  tenant,
})
const ann = caller('user:ann', 'owner')
const bob = caller('user:bob', 'viewer')
const eve = caller('user:eve', 'owner', 'other')
const operator = caller('user:olga', 'operator', null)

const record = async () => {}

async function start(spec: Partial<TenantSpec> = {}) {
  const world = await SagaWorld.start()
  onTestFinished(() => world.close())
  const tenant = tenantSpec.parse({ name: 'default', home: 'a', approvers: ['user:bob'], ...spec })
  await world.plane.store.tenantSpecs.put(tenant)
  const requests = new TopicRequests(world.plane, world.topics)
  const ask = (name: string, partitions = 1, by = ann.principal): Promise<TopicRequest> =>
    requests.create(
      {
        tenant: 'default',
        topic: topicSpec.omit({ cluster: true }).parse({ name, partitions }),
        why: 'new shop',
      },
      by,
      record,
    )
  const topicNames = () => [...world.plane.board.table.topics('default')].map(({ name }) => name).sort()
  return { world, requests, ask, topicNames }
}

describe('a request', () => {
  test('within quota and policy is fulfilled at once', async () => {
    const { ask, topicNames } = await start({ quotas: { topicsMax: 1, partitionsMax: 3 } })
    expect(await ask('orders', 3)).toMatchObject({
      state: 'fulfilled',
      waitsFor: [],
      by: 'user:ann',
      decision: null,
      placement: { cluster: 'a' },
      error: null,
    })
    expect(topicNames()).toEqual(['orders'])
  })

  test('beyond them waits, and says for what, with numbers, and for whom', async () => {
    const { ask, topicNames } = await start({
      quotas: { partitionsMax: 10 },
      policy: { partitionsPerTopicMax: 5, topicPrefix: 'shop.' },
    })
    const request = await ask('orders', 12)
    expect(request).toMatchObject({
      state: 'waiting',
      approvers: ['user:bob', 'operators', 'admins'],
      waitsFor: [
        '12 more partitions: 0 of at most 10 are used',
        '12 partitions are asked for, and 5 a topic are free to take',
        'the topic is called orders, and names that are free to take start with shop.',
      ],
    })
    expect(topicNames()).toEqual([])
  })

  test('many at once never exceed a quota together', async () => {
    const { ask, topicNames } = await start({ quotas: { topicsMax: 3 } })
    const all = await Promise.all(Array.from({ length: 8 }, (_, i) => ask(`t${i}`)))
    const states = all.map(({ state }) => state).sort()
    expect(states).toEqual(['fulfilled', 'fulfilled', 'fulfilled', ...Array(5).fill('waiting')])
    expect(topicNames()).toHaveLength(3)
  })

  test('granted by a quota that is used up before its topic is made waits after all', async () => {
    const { world, requests, ask, topicNames } = await start({ quotas: { topicsMax: 1 } })
    const { a } = world.clusters
    const createTopic = a!.createTopic.bind(a)
    const held = Promise.withResolvers<void>()
    a!.createTopic = async (wanted) => {
      if (wanted.topic.includes('slow')) await held.promise
      return createTopic(wanted)
    }
    const slow = ask('slow')
    await expect.poll(async () => (await world.plane.store.requests.inState('granted')).length).toBe(1)
    // An operator is not bound by it.
    await world.createTopic({ name: 'quick', partitions: 1 })
    held.resolve()
    expect(await slow).toMatchObject({
      state: 'waiting',
      waitsFor: ['1 more topic: 1 of at most 1 are used'],
    })
    expect(topicNames()).toEqual(['quick'])
    expect((await requests.list(ann, { limit: 10 })).map(({ state }) => state)).toEqual(['waiting'])
  })

  test('is approved by an approver of the tenant or an operator, not by who asks; then it is made beyond quota', async () => {
    const { requests, ask, topicNames } = await start({ quotas: { topicsMax: 0 } })
    const { id } = await ask('orders')
    for (const [who, code] of [
      [ann, 'FORBIDDEN'],
      [eve, 'UNKNOWN_REQUEST'],
      [caller('user:carl', 'viewer'), 'FORBIDDEN'],
    ] as const) {
      await expect(requests.approve(who, id, null, record)).rejects.toMatchObject({ code })
    }
    expect(await requests.approve(bob, id, 'it is needed', record)).toMatchObject({
      state: 'fulfilled',
      decision: { by: 'user:bob', reason: 'it is needed' },
    })
    expect(topicNames()).toEqual(['orders'])
    const own = await ask('of-bob', 1, bob.principal)
    await expect(requests.approve(bob, own.id, null, record)).rejects.toMatchObject({ code: 'FORBIDDEN' })
    expect((await requests.approve(operator, own.id, null, record)).state).toBe('fulfilled')
    const operators = await ask('of-olga', 1, operator.principal)
    expect((await requests.approve(operator, operators.id, null, record)).state).toBe('fulfilled')
  })

  test('can be denied or withdrawn, once', async () => {
    const { requests, ask } = await start({ quotas: { topicsMax: 0 } })
    const first = await ask('first')
    expect(await requests.deny(bob, first.id, 'no', record)).toMatchObject({
      state: 'denied',
      decision: { by: 'user:bob', reason: 'no' },
    })
    const second = await ask('second')
    await expect(requests.withdraw(bob, second.id, record)).rejects.toMatchObject({ code: 'FORBIDDEN' })
    expect((await requests.withdraw(ann, second.id, record)).state).toBe('withdrawn')
    for (const id of [first.id, second.id]) {
      for (const again of [
        requests.approve(operator, id, null, record),
        requests.deny(operator, id, null, record),
        requests.withdraw(operator, id, record),
      ]) {
        await expect(again).rejects.toMatchObject({ code: 'REQUEST_DECIDED' })
      }
    }
  })

  test('whose topic cannot be made fails with the problem; approved again it is tried again', async () => {
    const { world, requests, ask, topicNames } = await start({ quotas: { topicsMax: 0 } })
    const { id } = await ask('orders')
    world.cluster('a').away = true
    expect(await requests.approve(bob, id, null, record)).toMatchObject({
      state: 'failed',
      error: { code: 'CLUSTER_UNREACHABLE' },
    })
    world.cluster('a').away = false
    expect(await requests.approve(bob, id, null, record)).toMatchObject({ state: 'fulfilled', error: null })
    expect(topicNames()).toEqual(['orders'])
  })

  test('that was granted when the process died is fulfilled by the next', async () => {
    const { world, requests, ask } = await start({ quotas: { topicsMax: 0 } })
    const { id } = await ask('orders')
    const decision = { by: 'user:bob', at: 0, reason: null }
    await world.plane.store.requests.decide(id, 'granted', decision)
    await world.restart()
    const next = new TopicRequests(world.plane, world.topics)
    await next.resume()
    await next.close()
    expect(await next.get(id)).toMatchObject({ state: 'fulfilled' })
    void requests
  })

  test('is seen by everyone of the tenant, and by nobody of another', async () => {
    const { requests, ask } = await start({ quotas: { topicsMax: 0 } })
    const { id } = await ask('orders')
    for (const who of [ann, bob, operator]) {
      expect((await requests.seenBy(who, id)).state).toBe('waiting')
      expect(await requests.list(who, { limit: 10 })).toHaveLength(1)
    }
    await expect(requests.seenBy(eve, id)).rejects.toMatchObject({ code: 'UNKNOWN_REQUEST' })
    expect(await requests.list(eve, { limit: 10 })).toEqual([])
    await expect(requests.list(eve, { tenant: 'default', limit: 10 })).rejects.toMatchObject({
      code: 'UNKNOWN_TENANT',
    })
  })

  test('for a name that is taken, or of a class that is not there, is refused', async () => {
    const { world, requests, ask } = await start()
    await ask('orders')
    await expect(ask('orders')).rejects.toMatchObject({ code: 'TOPIC_EXISTS' })
    const topic = topicSpec.omit({ cluster: true }).parse({ name: 'x', partitions: 1, sla: 'gold' })
    const wish = { tenant: 'default', topic, why: 'why not' }
    await expect(requests.create(wish, 'user:ann', record)).rejects.toMatchObject({ code: 'UNKNOWN_SLA' })
    await expect(requests.create({ ...wish, tenant: 'nobody' }, 'user:ann', record)).rejects.toMatchObject({
      code: 'UNKNOWN_TENANT',
    })
    expect(await world.plane.store.requests.inState('waiting')).toEqual([])
  })
})

test('over the API: asked for, shown, decided, and in the audit trail; a dry run leaves nothing', async () => {
  const { client } = await startTestPlane(fakeClusters())
  await client.tenants.put({ name: 'default', home: 'a', quotas: { topicsMax: 1 } })
  const wish = (name: string) => ({ topic: { name, partitions: 1 }, why: 'new shop' })
  expect(await client.requests.create(wish('dry'), { dryRun: true })).toMatchObject({ state: 'granted' })
  expect(await client.requests.list()).toEqual([])
  expect(await client.requests.create(wish('orders'))).toMatchObject({ state: 'fulfilled' })
  const waiting = await client.requests.create(wish('payments'))
  expect(waiting.state).toBe('waiting')
  expect((await client.requests.list({ tenant: 'default' })).map(({ state }) => state)).toEqual([
    'waiting',
    'fulfilled',
  ])
  expect(await client.requests.approve(waiting.id, { reason: 'fine' })).toMatchObject({ state: 'fulfilled' })
  expect((await client.topics.list()).map(({ name }) => name)).toEqual(['orders', 'payments'])
  await expect(client.requests.get('nobodys')).rejects.toMatchObject({ code: 'UNKNOWN_REQUEST' })
})
