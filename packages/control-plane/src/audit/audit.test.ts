import { expect, test } from 'vitest'
import { openSqlite } from '../store/sqlite.ts'
import { startSecuredPlane } from '../testing/secured-plane.ts'
import { diffOf } from './diff.ts'

test('a difference is said by path; lists are compared as wholes', () => {
  expect(
    diffOf({ a: 1, b: { c: [1], d: 'x' }, e: null }, { a: 1, b: { c: [1, 2], d: 'x' }, f: true }),
  ).toEqual([
    { path: 'b.c', before: [1], after: [1, 2] },
    { path: 'f', before: null, after: true },
  ])
  expect(diffOf(undefined, { name: 'x', of: { a: 1 } })).toEqual([
    { path: 'name', before: null, after: 'x' },
    { path: 'of.a', before: null, after: 1 },
  ])
  const many = Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`k${i}`, i]))
  expect(diffOf({}, many)).toHaveLength(201)
})

test('every write is in it: who, what, from where, and what came of it', async () => {
  const plane = await startSecuredPlane()
  const { token } = await plane.as({ principal: 'user:ann', role: 'owner', tenant: 'shop' })
  await plane.ask('PATCH', '/v1/tenants/shop/topics/orders', { token, body: { owner: 'ann' } })
  await plane.ask('DELETE', '/v1/tenants/shop', { token })
  await plane.ask('POST', '/v1/tenants/shop/topics', { token, body: { name: 'orders', partitions: 1 } })
  await plane.ask('POST', '/v1/tenants/shop/topics', { token, body: { name: '' } })
  await plane.ask('POST', '/v1/tenants/shop/topics', { token: 'nobody', body: { name: 'x', partitions: 1 } })
  await plane.ask('GET', '/v1/tenants/nowhere', { token })
  const { entries } = await plane.admin.audit.list({ principal: 'user:ann' })
  const said = entries.map(({ action, what, outcome, code, role, tenant, from }) => [
    ...[action, what, outcome, code, role, tenant, from],
  ])
  expect(said).toEqual([
    ['topics.create', 'orders', 'refused', 'TOPIC_EXISTS', 'owner', 'shop', '127.0.0.1'],
    ['tenants.remove', 'tenant shop', 'refused', 'FORBIDDEN', 'owner', 'shop', '127.0.0.1'],
    ['topics.update', 'topic orders', 'done', null, 'owner', 'shop', '127.0.0.1'],
  ])
  expect(entries.at(-1)!.diff).toEqual([{ path: 'owner', before: null, after: 'ann' }])
})

test('is read in pages, the latest first, and what comes meanwhile moves no page', async () => {
  const plane = await startSecuredPlane()
  const write = (name: string) => plane.admin.slas.put({ name })
  for (const name of ['a', 'b', 'c', 'd', 'e']) await write(name)
  const since = new Date(Date.now() - 60_000).toISOString()
  const first = await plane.admin.audit.list({ limit: 2, principal: 'admin', since })
  await write('f')
  const second = await plane.admin.audit.list({ limit: 2, principal: 'admin', since, after: first.next! })
  expect([...first.entries, ...second.entries].map(({ what }) => what)).toEqual([
    'sla e',
    'sla d',
    'sla c',
    'sla b',
  ])
  const numbers = (await plane.admin.audit.list({ limit: 1_000 })).entries.map(({ number }) => number)
  expect(numbers).toEqual(numbers.toSorted((a, b) => b - a))
  expect(
    (await plane.admin.audit.list({ since: new Date(Date.now() + 60_000).toISOString() })).entries,
  ).toEqual([])
})

test('is never changed: the database refuses', async () => {
  const db = openSqlite(':memory:')
  await db.run(
    `INSERT INTO audit (number, at, principal, role, source, action, what, outcome, diff)
     VALUES (1, 1, 'p', 'admin', 'h', 'x', 'y', 'done', '[]')`,
  )
  await expect(db.run("UPDATE audit SET principal = 'q'")).rejects.toThrow(/append-only/)
  await expect(db.run('DELETE FROM audit')).rejects.toThrow(/append-only/)
  await db.close()
})
