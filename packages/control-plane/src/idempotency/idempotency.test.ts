import { expect, test } from 'vitest'
import { startSecuredPlane } from '../testing/secured-plane.ts'

const topics = '/v1/tenants/shop/topics'

test('the same request under the same key is done once, and answered again, also after a restart', async () => {
  const plane = await startSecuredPlane()
  const asked = { body: { name: 'payments', partitions: 1 }, key: 'k-1' }
  const first = await plane.ask('POST', topics, asked)
  expect([first.status, first.headers.get('idempotency-replayed')]).toEqual([201, null])
  const again = await plane.ask('POST', topics, asked)
  expect([again.status, again.headers.get('idempotency-replayed')]).toEqual([201, 'true'])
  expect(again.body).toEqual(first.body)
  const restarted = await plane.restart()
  expect((await restarted.ask('POST', topics, asked)).body).toEqual(first.body)
  const { entries } = await restarted.admin.audit.list({ limit: 1_000 })
  expect(entries.filter(({ what }) => what === 'topic payments')).toHaveLength(1)
  // Under another key it is another request.
  const other = await restarted.ask('POST', topics, { ...asked, key: 'k-2' })
  expect([other.status, other.problem.code]).toEqual([409, 'TOPIC_EXISTS'])
})

test('what has no answer is answered as it was: deletions, PUTs, moves', async () => {
  const plane = await startSecuredPlane()
  const moved = { body: { tenant: 'shop', topics: ['orders'], to: 'b' }, key: 'move' }
  const start = await plane.ask('POST', '/v1/migrations', moved)
  expect(start.status).toBe(202)
  const id = start.body.migrations[0].id as string
  expect((await plane.ask('POST', '/v1/migrations', moved)).body.migrations[0].id).toBe(id)
  await plane.admin.migrations.wait(id, { until: 'switched', timeoutMs: 5_000 })
  const gone = await plane.ask('DELETE', `${topics}/orders`, { key: 'gone' })
  expect([gone.status, (await plane.ask('DELETE', `${topics}/orders`, { key: 'gone' })).status]).toEqual([
    204, 204,
  ])
  expect((await plane.ask('DELETE', `${topics}/orders`, { key: 'gone-2' })).status).toBe(404)
})

test('a key is of one request, and of one principal', async () => {
  const plane = await startSecuredPlane()
  const put = (name: string, key: string, token?: string) =>
    plane.ask('PUT', `/v1/slas/${name}`, { body: { name }, key, token })
  expect((await put('gold', 'k')).status).toBe(200)
  const reused = await put('silver', 'k')
  expect([reused.status, reused.problem.code]).toEqual([422, 'IDEMPOTENCY_KEY_REUSED'])
  expect((await plane.ask('GET', '/v1/slas/silver')).status).toBe(404)
  const { token } = await plane.as({ principal: 'user:ann', role: 'admin' })
  expect((await put('silver', 'k', token)).headers.get('idempotency-replayed')).toBeNull()
  for (const key of ['', 'ü', 'x'.repeat(256)]) {
    const status = await put('gold', key).then(
      (answer) => answer.status,
      // What is no header at all cannot be sent.
      () => 400,
    )
    expect([key, status === 400 || (key === '' && status === 400)]).toEqual([key, true])
  }
})

test('of two at once one is done, and the other is told so', async () => {
  const plane = await startSecuredPlane()
  const asked = { body: { name: 'payments', partitions: 1 }, key: 'twice' }
  const asOne = Promise.withResolvers<void>()
  const { a } = plane.clusters
  const create = a!.createTopic.bind(a)
  a!.createTopic = async (topic) => {
    await asOne.promise
    return create(topic)
  }
  const first = plane.ask('POST', topics, asked)
  const second = await plane.ask('POST', topics, asked)
  asOne.resolve()
  const both = [await first, second]
  expect(both.map(({ status }) => status).sort()).toEqual([201, 409])
  expect(both.find(({ status }) => status === 409)!.problem.code).toBe('REQUEST_IN_PROGRESS')
})

test('what was refused may be asked again under its key: nothing was done', async () => {
  const plane = await startSecuredPlane()
  const asked = { body: { name: 'payments', partitions: 1, sla: 'gold' }, key: 'again' }
  expect((await plane.ask('POST', topics, asked)).status).toBe(404)
  await plane.admin.slas.put({ name: 'gold', durability: { replicationFactor: 1 } })
  expect((await plane.ask('POST', topics, asked)).status).toBe(201)
})

test('a dry run does nothing, and uses no key up', async () => {
  const plane = await startSecuredPlane()
  const before = (await plane.admin.audit.list({ limit: 1_000 })).entries.length
  const dry = (method: string, path: string, body?: unknown) =>
    plane.ask(method, `${path}?dryRun=true`, { body, key: 'dry' })
  const asked: [string, string, unknown?][] = [
    ['POST', topics, { name: 'payments', partitions: 1 }],
    ['PATCH', `${topics}/orders`, { owner: 'ann' }],
    ['DELETE', `${topics}/orders`],
    ['PUT', '/v1/slas/gold', { name: 'gold' }],
    ['PUT', '/v1/tenants/new', { name: 'new', home: 'a' }],
    ['DELETE', '/v1/tenants/bank'],
    ['POST', '/v1/clusters/b/cordon'],
    ['PATCH', '/v1/clusters/b', { labels: { region: 'eu' } }],
    ['DELETE', '/v1/clusters/b'],
  ]
  const world = async () => [
    await plane.admin.clusters.list(),
    await plane.admin.tenants.list(),
    await plane.admin.slas.list(),
    await plane.admin.topics.list({ tenant: 'shop' }),
    await plane.ask('GET', '/healthz').then(({ body }) => body),
  ]
  const then = await world()
  for (const [method, path, body] of asked) {
    const { status } = await dry(method, path, body)
    expect([method, path, status]).toEqual([method, path, method === 'DELETE' ? 204 : 200])
  }
  expect(await world()).toEqual(then)
  expect((await plane.admin.audit.list({ limit: 1_000 })).entries).toHaveLength(before)
  const real = await plane.ask('PUT', '/v1/slas/gold', { body: { name: 'gold' }, key: 'dry' })
  expect(real.headers.get('idempotency-replayed')).toBeNull()
})

test('the secret of a token is not kept to be shown again', async () => {
  const plane = await startSecuredPlane()
  const asked = { body: { principal: 'user:ann', role: 'viewer' }, key: 'token' }
  const { secret } = (await plane.ask('POST', '/v1/tokens', asked)).body
  const again = await plane.ask('POST', '/v1/tokens', asked)
  expect([again.status, again.problem.code]).toEqual([409, 'ANSWER_NOT_KEPT'])
  expect(again.status === 409 && JSON.stringify(again.body)).not.toContain(secret)
  expect((await plane.admin.tokens.list()).filter(({ principal }) => principal === 'user:ann')).toHaveLength(
    1,
  )
})
