import { expect, test } from 'vitest'
import { ControlPlaneClient } from './client.ts'
import { type ControlPlaneError, problemOf } from './problems.ts'
import type { Migration } from './resources/migration.ts'
import { ScriptedServer } from './testing/scripted-server.ts'

const json = (status: number, body: unknown) => (_: unknown, response: import('node:http').ServerResponse) =>
  void response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))

const migration = (change: Partial<Migration>): Migration => ({
  id: 'm1',
  group: 'g1',
  operation: null,
  tenant: 'default',
  topic: 'orders',
  from: { cluster: 'a', topic: 'orders.1' },
  to: { cluster: 'b', topic: 'orders.2' },
  state: 'running',
  step: 'CHECK',
  attempts: [],
  sealMs: null,
  switchMs: null,
  cuts: null,
  routeVersion: null,
  strays: [],
  cancelRequested: false,
  pauseRequested: false,
  error: null,
  createdAt: '2026-01-01T00:00:00.000Z',
  revision: 1,
  ...change,
})

test('a problem becomes a typed error with its code, status and detail', async () => {
  const server = await ScriptedServer.start()
  server.answer = json(409, problemOf('MIGRATION_IN_PROGRESS', 'topic orders is being moved to b'))
  const client = new ControlPlaneClient({ url: server.url })
  await expect(client.migrations.start({ topics: ['orders'], to: 'b' })).rejects.toMatchObject({
    name: 'ControlPlaneError',
    code: 'MIGRATION_IN_PROGRESS',
    status: 409,
    message: 'topic orders is being moved to b',
  })
})

test('nobody there: says where it looked', async () => {
  const server = await ScriptedServer.start()
  await server.stop()
  const client = new ControlPlaneClient({ url: server.url })
  await expect(client.topics.list()).rejects.toMatchObject({
    code: 'UNAVAILABLE',
    status: 0,
    message: expect.stringContaining(`no control plane answers at ${server.url} (ECONNREFUSED)`),
  })
})

test('no answer in time, no control plane at all, an answer of another shape', async () => {
  const server = await ScriptedServer.start()
  const client = new ControlPlaneClient({ url: server.url, timeoutMs: 50 })
  server.answer = () => {}
  await expect(client.topics.list()).rejects.toMatchObject({ code: 'TIMED_OUT' })
  server.answer = (_, response) => void response.writeHead(404).end('<html>')
  await expect(client.topics.list()).rejects.toMatchObject({ code: 'BAD_ANSWER', status: 404 })
  server.answer = json(200, { topics: [{ name: 7 }] })
  await expect(client.topics.list()).rejects.toMatchObject({
    code: 'BAD_ANSWER',
    message: expect.stringMatching(/not understood/),
  })
  for (const url of ['not a url', 'ftp://here']) {
    expect(() => new ControlPlaneClient({ url })).toThrow(/control plane/)
  }
})

test('names cannot leave their place in the path', async () => {
  const server = await ScriptedServer.start()
  server.answer = json(404, problemOf('UNKNOWN_TOPIC', 'none'))
  const client = new ControlPlaneClient({ url: `${server.url}/braid`, token: 'secret' })
  await expect(client.topics.get('../clusters/a?x=1#y')).rejects.toMatchObject({ code: 'UNKNOWN_TOPIC' })
  expect(server.requests[0]?.url.pathname).toBe(
    '/braid/v1/tenants/default/topics/..%2Fclusters%2Fa%3Fx%3D1%23y',
  )
  expect(server.requests[0]?.headers.authorization).toBe('Bearer secret')
  for (const name of ['.', '..', '']) {
    await expect(client.topics.get(name)).rejects.toMatchObject({ code: 'BAD_REQUEST' })
  }
  expect(server.requests).toHaveLength(1)
})

test('wait follows a migration by its revisions, and rides out a control plane that is away', async () => {
  const server = await ScriptedServer.start()
  const script = [
    json(200, migration({})),
    json(200, migration({ step: 'SEAL', revision: 4 })),
    json(503, problemOf('SHUTTING_DOWN', 'stopping')),
    (_: unknown, response: import('node:http').ServerResponse) => void response.destroy(),
    json(200, migration({ step: 'SEAL', revision: 4 })),
    json(200, migration({ step: 'DRAIN', state: 'switched', revision: 7, cuts: ['1'] })),
  ]
  server.answer = (request, response) => script.shift()!(request, response)
  const steps: string[] = []
  const client = new ControlPlaneClient({ url: server.url })
  const moved = await client.migrations.wait('m1', {
    until: 'switched',
    timeoutMs: 5_000,
    onStep: (now) => steps.push(now.step),
  })
  expect(moved.cuts).toEqual(['1'])
  expect(steps).toEqual(['CHECK', 'SEAL', 'DRAIN'])
  expect(server.requests.map((request) => request.url.searchParams.get('afterRevision'))).toEqual([
    '0',
    '1',
    '4',
    '4',
    '4',
    '4',
  ])
})

test('wait throws what the migration failed with, or when its own time is over', async () => {
  const server = await ScriptedServer.start()
  const client = new ControlPlaneClient({ url: server.url })
  const wait = (timeoutMs: number) => client.migrations.wait('m1', { until: 'done', timeoutMs })
  server.answer = json(
    200,
    migration({ state: 'failed', error: { code: 'NO_ROOM', detail: 'b has no room' } }),
  )
  await expect(wait(1_000)).rejects.toMatchObject({ code: 'NO_ROOM', message: 'b has no room' })
  server.answer = json(200, migration({ state: 'switched', step: 'DRAIN', revision: 9 }))
  const error = await wait(40).catch((thrown: ControlPlaneError) => thrown)
  expect(error).toMatchObject({
    code: 'TIMED_OUT',
    message: /is switched in step DRAIN after 40 ms, and goes on/,
  })
})

test('wait says at once when it is asked for nothing', async () => {
  const server = await ScriptedServer.start()
  const client = new ControlPlaneClient({ url: server.url })
  const waiting = client.migrations.wait('', { until: 'switched', timeoutMs: 5_000 })
  await expect(waiting).rejects.toMatchObject({ code: 'BAD_REQUEST' })
  expect(server.requests).toEqual([])
})
