import { expect, test } from 'vitest'
import { ControlPlaneClient } from './client.ts'
import { problemOf } from './problems.ts'
import { type Answer, ScriptedServer } from './testing/scripted-server.ts'

const quick = { retryBaseMs: 1, retryMaxMs: 5, awayMaxMs: 50, leaderMaxMs: 2_000, readMaxMs: 100 }
const json =
  (status: number, body: unknown): Answer =>
  (_, response) =>
    void response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
const noLeader = json(503, problemOf('NO_LEADER', 'nobody leads'))
const lease = json(200, { id: 'p', number: 7, leaseMs: 10_000, routeVersion: 1 })
const renewal = { id: 'p', bootstrap: 'h:1', listeners: {}, routeVersion: 0 }

async function pair() {
  const [a, b] = await Promise.all([ScriptedServer.start(), ScriptedServer.start()])
  const client = new ControlPlaneClient({ url: `${a.url}, ${b.url}`, limits: quick, timeoutMs: 1_000 })
  return { a, b, client }
}

const keys = (server: ScriptedServer) => server.requests.map(({ headers }) => headers['idempotency-key'])

test('the next one is asked when one is away, and stays the one that is asked', async () => {
  const { a, b, client } = await pair()
  b.answer = lease
  await a.stop()
  expect((await client.accessPoints.renew(renewal)).number).toBe(7)
  await a.listen()
  a.answer = lease
  await client.accessPoints.renew(renewal)
  expect([a.requests.length, b.requests.length]).toEqual([0, 2])
})

test('all away: says where it looked, after trying for a while', async () => {
  const { a, b, client } = await pair()
  await Promise.all([a.stop(), b.stop()])
  await expect(client.accessPoints.renew(renewal)).rejects.toMatchObject({
    code: 'UNAVAILABLE',
    message: expect.stringContaining(`at ${a.url}, ${b.url} (ECONNREFUSED)`),
  })
})

test('nobody leads yet: a write is repeated under one key until somebody does', async () => {
  const { a, b, client } = await pair()
  let tries = 0
  a.answer = (request, response) => (++tries < 4 ? noLeader : lease)(request, response)
  b.answer = noLeader
  await client.accessPoints.renew(renewal)
  const used = new Set([...keys(a), ...keys(b)])
  expect([a.requests.length, b.requests.length, used.size]).toEqual([4, 3, 1])
  expect([...used][0]).toMatch(/^[0-9a-f-]{36}$/)
  await client.accessPoints.renew(renewal)
  expect(new Set(keys(a)).size).toBe(2)
})

test('nobody leads for too long: says so', async () => {
  const server = await ScriptedServer.start()
  const client = new ControlPlaneClient({ url: server.url, limits: { ...quick, leaderMaxMs: 30 } })
  server.answer = noLeader
  await expect(client.accessPoints.renew(renewal)).rejects.toMatchObject({ code: 'NO_LEADER', status: 503 })
  expect(server.requests.length).toBeGreaterThan(1)
})

test('a write that broke off is sent again under its key; reads have none', async () => {
  const { a, b, client } = await pair()
  a.answer = (_, response) => void response.destroy()
  b.answer = lease
  await client.accessPoints.renew(renewal)
  expect(keys(b)).toEqual([keys(a)[0]])
  b.answer = json(200, { accessPoints: [], next: null })
  await client.accessPoints.list()
  expect(keys(b)[1]).toBeUndefined()
})

test('a write without an answer may be at work, so it is not sent elsewhere; what comes next is', async () => {
  const { a, b, client } = await pair()
  a.answer = () => {}
  b.answer = lease
  await expect(client.accessPoints.renew(renewal)).rejects.toMatchObject({ code: 'TIMED_OUT' })
  expect(b.requests).toHaveLength(0)
  expect((await client.accessPoints.renew(renewal)).number).toBe(7)
  expect([a.requests.length, b.requests.length]).toEqual([1, 1])
})

test('a read without an answer is asked of the next', async () => {
  const { a, b, client } = await pair()
  a.answer = () => {}
  b.answer = json(200, { accessPoints: [], next: null })
  expect(await client.accessPoints.list()).toEqual([])
  expect([a.requests.length, b.requests.length]).toEqual([1, 1])
})
