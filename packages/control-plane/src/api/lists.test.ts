import { expect, test } from 'vitest'
import { startSecuredPlane } from '../testing/secured-plane.ts'

test('lists have pages; rows that come or go meanwhile move none, and a cursor is of its list', async () => {
  const plane = await startSecuredPlane()
  const names = ['b', 'd', 'f', 'h', 'j']
  for (const name of names) await plane.admin.slas.put({ name })
  const page = async (after?: string) =>
    (await plane.ask('GET', `/v1/slas?limit=2${after === undefined ? '' : `&after=${after}`}`)).body
  const first = await page()
  await plane.admin.slas.put({ name: 'a' })
  await plane.admin.slas.put({ name: 'e' })
  await plane.admin.slas.remove('d')
  const second = await page(first.next)
  const third = await page(second.next)
  expect([first, second, third].map(({ slas }) => slas.map(({ name }: { name: string }) => name))).toEqual([
    ['b', 'd'],
    ['e', 'f'],
    ['h', 'j'],
  ])
  expect(third.next).toBeNull()
  for (const [path, cursor] of [
    ['/v1/tenants', first.next],
    ['/v1/audit', Buffer.from('["audit","x"]').toString('base64url')],
    ['/v1/slas', 'nonsense'],
    ['/v1/operations', Buffer.from('["operations","-1"]').toString('base64url')],
  ]) {
    const { status, problem } = await plane.ask('GET', `${path}?after=${cursor}`)
    expect([path, status, problem.fields?.[0]?.path]).toEqual([path, 400, 'after'])
  }
  expect((await plane.admin.slas.list()).map(({ name }) => name)).toEqual(['a', 'b', 'e', 'f', 'h', 'j'])
})

test('of two writers at once one wins, and the other is told', async () => {
  const plane = await startSecuredPlane()
  const both = async (...asked: [string, string, unknown][]) => {
    const answers = await Promise.all(asked.map(([method, path, body]) => plane.ask(method, path, { body })))
    return answers.map(({ status, problem }) => [status, problem.code]).sort()
  }
  const topic = ['POST', '/v1/tenants/shop/topics', { name: 'payments', partitions: 1 }] as [
    string,
    string,
    unknown,
  ]
  expect(await both(topic, topic)).toEqual([
    [201, undefined],
    [409, 'TOPIC_EXISTS'],
  ])
  const cluster = ['POST', '/v1/clusters', { name: 'c', bootstrap: 'a:9092' }] as [string, string, unknown]
  expect((await both(cluster, cluster)).map(([status]) => status)).toEqual([409, 409])
  const move = ['POST', '/v1/migrations', { tenant: 'shop', topics: ['orders'], to: 'b' }] as [
    string,
    string,
    unknown,
  ]
  expect(await both(move, move)).toEqual([
    [202, undefined],
    [409, 'MIGRATION_IN_PROGRESS'],
  ])
  // A topic comes while its tenant goes: never a topic without a tenant.
  const race = await both(
    ['DELETE', '/v1/tenants/bank', undefined],
    ['POST', '/v1/tenants/bank/topics', { name: 'ledger', partitions: 1 }],
  )
  const tenant = await plane.ask('GET', '/v1/tenants/bank')
  const topicThere = await plane.ask('GET', '/v1/tenants/bank/topics/ledger')
  expect([race.length, tenant.status]).toEqual([2, topicThere.status])
})

test('metrics say how it is, by labels of few values', async () => {
  const plane = await startSecuredPlane()
  await plane.ask('GET', '/v1/tenants/nowhere')
  await plane.ask('GET', `/v1/${'x'.repeat(100)}`)
  const { body, headers } = await plane.ask('GET', '/metrics', { token: null })
  expect(headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/)
  expect(body).toMatch(/^braid_leader 1$/m)
  expect(body).toMatch(/^braid_topics 1$/m)
  expect(body).toMatch(/^braid_api_requests_total\{endpoint="tenants.get",status="404"\} 1$/m)
  expect(body).toMatch(/^braid_api_requests_total\{endpoint="other",status="404"\} 1$/m)
  expect(body).not.toContain('nowhere')
  expect(body).not.toContain('xxxx')
})

test('another method is not allowed, and it is said what is', async () => {
  const plane = await startSecuredPlane()
  const answer = await plane.ask('POST', '/v1/tenants/shop')
  expect([answer.status, answer.problem.code, answer.headers.get('allow')]).toEqual([
    405,
    'METHOD_NOT_ALLOWED',
    'GET, HEAD, PUT, DELETE, OPTIONS',
  ])
  expect((await plane.ask('OPTIONS', '/v1/clusters')).headers.get('allow')).toBe('GET, HEAD, POST, OPTIONS')
  expect((await plane.ask('HEAD', '/v1/clusters')).status).toBe(200)
  // A topic may be called as an action is.
  await plane.admin.topics.create({ name: 'adopt', partitions: 1 }, { tenant: 'shop' })
  expect((await plane.ask('GET', '/v1/tenants/shop/topics/adopt')).body.name).toBe('adopt')
})
