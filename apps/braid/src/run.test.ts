import { afterEach, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { exitCodes } from './exit-codes.ts'
import { run } from './run.ts'
import {
  type Answer,
  type FakeControlPlane,
  fakeControlPlane,
  Refusal,
} from './testing/fake-control-plane.ts'
import { type FakeIo, fakeIo } from './testing/fake-io.ts'
import { movedTopic, placement, plainCluster, sealing, switched } from './testing/resources.ts'

let plane: FakeControlPlane | undefined
afterEach(async () => {
  await plane?.[Symbol.asyncDispose]()
  plane = undefined
})

async function braid(
  line: string,
  answers: Record<string, Answer>,
  options: { answer?: string; env?: Record<string, string> } = {},
): Promise<{ status: number; io: FakeIo }> {
  plane = await fakeControlPlane(answers)
  const io = fakeIo({ ...options, env: { BRAID_API: plane.url, ...options.env } })
  return { status: await run(line.split(' '), io), io }
}

const asked = (): string[] => plane!.received.map(({ method, path }) => `${method} ${path}`)

describe('topic', () => {
  it('create sends what was asked for and says where it is', async () => {
    const { status, io } = await braid(
      'topic create orders --partitions 2 --cluster b --replication-factor 3 --config retention.ms=1000 --config a=b=c',
      { 'POST /v1/tenants/default/topics': { topic: movedTopic, placement } },
    )
    expect(plane!.received[0]!.body).toEqual({
      name: 'orders',
      partitions: 2,
      cluster: 'b',
      replicationFactor: 3,
      configs: { 'retention.ms': '1000', a: 'b=c' },
    })
    expect(io.out).toBe('topic orders is created: 2 partitions on b, as orders.k2\n')
    expect(status).toBe(exitCodes.ok)
  })

  it('adopt warns of clients that go past Braid', async () => {
    const { io } = await braid('topic adopt orders --cluster b', {
      'POST /v1/tenants/default/topics/adopt': movedTopic,
    })
    expect(plane!.received[0]!.body).toEqual({ name: 'orders', cluster: 'b' })
    expect(io.out).toContain('topic orders is adopted: 2 partitions on b')
    expect(io.out).toContain('point its clients at a listener')
  })

  it('list is a table for people, and the same data for programs', async () => {
    const {
      chain: _,
      logEnds: __,
      configs: _1,
      replicationFactor: _2,
      placement: _3,
      ...summary
    } = movedTopic
    const answers = { 'GET /v1/tenants/default/topics': { topics: [summary], next: null } }
    const people = await braid('topic list', answers)
    expect(people.io.out).toBe(
      'TOPIC    PARTITIONS   CLUSTER   LOGLETS   MIGRATION\norders            2   b               2   -\n',
    )
    await plane?.[Symbol.asyncDispose]()
    const json = await braid('topic list -o json', answers)
    expect(JSON.parse(json.io.out)).toEqual([summary])
    await plane?.[Symbol.asyncDispose]()
    const yaml = await braid('topic list -o yaml', answers)
    expect(parse(yaml.io.out)).toEqual([summary])
  })

  it('list of none says how to begin', async () => {
    const { io } = await braid('topic list', { 'GET /v1/tenants/default/topics': { topics: [], next: null } })
    expect(io.out).toContain('braid topic create')
  })

  it('show prints the chains', async () => {
    const { io } = await braid('topic show orders', { 'GET /v1/tenants/default/topics/orders': movedTopic })
    expect(io.out).toContain('0   0..1199   1200..1529 >')
  })

  const deletion = {
    'GET /v1/tenants/default/topics/orders': movedTopic,
    'DELETE /v1/tenants/default/topics/orders': {},
  }

  it.each([
    ['topic delete orders --yes', undefined, exitCodes.ok, true],
    ['topic delete orders', 'y', exitCodes.ok, true],
    ['topic delete orders', 'n', exitCodes.failed, false],
    ['topic delete orders', '', exitCodes.failed, false],
    ['topic delete orders', undefined, exitCodes.usage, false],
  ])('%s, answered %j: status %d, deleted %s', async (line, answer, wanted, deleted) => {
    const { status } = await braid(line, deletion, answer === undefined ? {} : { answer })
    expect(status).toBe(wanted)
    expect(asked().includes('DELETE /v1/tenants/default/topics/orders')).toBe(deleted)
  })
})

describe('migrate', () => {
  const start = { 'POST /v1/migrations': { migrations: [sealing] } }

  it('waits for the switch, shows the steps and the pause', async () => {
    const { status, io } = await braid('migrate orders --to b', {
      ...start,
      'GET /v1/migrations/m-7': switched,
    })
    expect(plane!.received[0]!.body).toEqual({ topics: ['orders'], to: 'b' })
    expect(io.out).toContain('SEAL     done        36 ms   sealed and cut in 34 ms')
    expect(io.out).toContain('topic orders is on b now: sealed in 34 ms, switched in 2.6 ms')
    expect(status).toBe(exitCodes.ok)
  })

  it('keeps stdout for the result when a program reads it', async () => {
    const { io } = await braid('migrate orders --to b -o json', {
      ...start,
      'GET /v1/migrations/m-7': switched,
    })
    expect(JSON.parse(io.out)).toEqual(switched)
    expect(io.err).toContain('SWITCH')
  })

  it('--detach does not wait', async () => {
    const { status, io } = await braid('migrate orders --to b --detach', start)
    expect(asked()).toEqual(['POST /v1/migrations'])
    expect(io.out).toContain('braid migration show m-7')
    expect(status).toBe(exitCodes.ok)
  })

  it('that fails says why', async () => {
    const error = {
      code: 'CLUSTER_UNREACHABLE',
      detail: 'cluster b does not answer; topic orders stays on a',
    }
    const failed = { ...sealing, state: 'failed', error, revision: 6 }
    const { status, io } = await braid('migrate orders --to b', {
      ...start,
      'GET /v1/migrations/m-7': failed,
    })
    expect(status).toBe(exitCodes.failed)
    expect(io.err).toContain('braid: cluster b does not answer; topic orders stays on a')
  })

  it('stopped by a signal leaves the migration alone and says how to go on', async () => {
    const io: FakeIo = fakeIo()
    plane = await fakeControlPlane({
      ...start,
      'GET /v1/migrations/m-7': () => {
        io.stop()
        return sealing
      },
    })
    Object.assign(io.env, { BRAID_API: plane.url })
    expect(await run(['migrate', 'orders', '--to', 'b', '--timeout', '1'], io)).toBe(exitCodes.interrupted)
    expect(io.err).toContain('migration m-7 of topic orders goes on')
    expect(io.err).toContain('braid migration cancel m-7')
  })

  it('gives up after --timeout', async () => {
    const { status, io } = await braid('migrate orders --to b --timeout 1', {
      ...start,
      'GET /v1/migrations/m-7': () => new Promise((resolve) => setTimeout(() => resolve(sealing), 100)),
    })
    expect(status).toBe(exitCodes.timedOut)
    expect(io.err).toContain('braid migration show m-7')
  })
})

describe('migration', () => {
  it('list and show', async () => {
    const { io } = await braid('migration list', {
      'GET /v1/migrations': { migrations: [switched], next: null },
    })
    expect(io.out).toMatch(/m-7 +orders +a +b +switched +DRAIN +34 ms/)
    await plane?.[Symbol.asyncDispose]()
    const shown = await braid('migration show m-7', { 'GET /v1/migrations/m-7': switched })
    expect(shown.io.out).toContain('migration m-7: topic orders from a to b, switched')
  })

  it('cancel waits until it is undone', async () => {
    const cancelled = { ...sealing, state: 'cancelled', revision: 6 }
    const { status, io } = await braid('migration cancel m-7', {
      'POST /v1/migrations/m-7/cancel': { ...sealing, cancelRequested: true },
      'GET /v1/migrations/m-7': cancelled,
    })
    expect(io.out).toBe('migration m-7 is cancelled: topic orders stays on a\n')
    expect(status).toBe(exitCodes.ok)
  })

  it('cancel that came too late is a failure and says the way back', async () => {
    const { status, io } = await braid('migration cancel m-7', {
      'POST /v1/migrations/m-7/cancel': sealing,
      'GET /v1/migrations/m-7': switched,
    })
    expect(status).toBe(exitCodes.failed)
    expect(io.err).toContain('braid migrate orders --to a')
  })
})

describe('an error', () => {
  it.each([
    ['topic show orders', 'GET /v1/tenants/default/topics/orders', 'UNKNOWN_TOPIC', exitCodes.notFound],
    ['migrate orders --to x', 'POST /v1/migrations', 'UNKNOWN_CLUSTER', exitCodes.notFound],
    ['migrate orders --to b', 'POST /v1/migrations', 'MIGRATION_IN_PROGRESS', exitCodes.conflict],
    ['migrate orders --to b', 'POST /v1/migrations', 'NO_ROOM', exitCodes.conflict],
    ['migrate orders --to b', 'POST /v1/migrations', 'TOPIC_COMPACTED', exitCodes.failed],
    ['migrate orders --to b', 'POST /v1/migrations', 'CLUSTER_UNREACHABLE', exitCodes.failed],
    ['migration show m-9', 'GET /v1/migrations/m-9', 'UNKNOWN_MIGRATION', exitCodes.notFound],
    ['cluster remove a', 'DELETE /v1/clusters/a', 'CLUSTER_IN_USE', exitCodes.conflict],
    ['topic create orders --partitions 1', 'POST /v1/tenants/default/topics', 'BAD_REQUEST', exitCodes.usage],
    ['topic list', 'GET /v1/tenants/default/topics', 'SHUTTING_DOWN', exitCodes.unreachable],
    ['topic list', 'GET /v1/tenants/default/topics', 'INTERNAL', exitCodes.failed],
  ] as const)('%s refused by %s with %s: status %d', async (line, request, code, wanted) => {
    const { status, io } = await braid(line, { [request]: new Refusal(code, 'what, where and what to do') })
    expect(status).toBe(wanted)
    expect(io.err).toContain('braid: what, where and what to do\n')
    expect(io.out).toBe('')
  })

  it('of a control plane that is not there says how to start or name one', async () => {
    const gone = await fakeControlPlane({})
    await gone[Symbol.asyncDispose]()
    const io = fakeIo({ env: { BRAID_API: gone.url } })
    expect(await run(['topic', 'list'], io)).toBe(exitCodes.unreachable)
    expect(io.err).toContain(gone.url)
    expect(io.err).toContain('braid control-plane')
    expect(io.err).not.toContain('    at ')
  })

  it('shows where it comes from only with BRAID_DEBUG', async () => {
    const refused = { 'GET /v1/tenants/default/topics': new Refusal('INTERNAL', 'broken') }
    const { io } = await braid('topic list', refused, { env: { BRAID_DEBUG: '1' } })
    expect(io.err).toContain('    at ')
    expect(io.err).toContain('caused by ControlPlaneError')
  })
})

describe('cluster, access-point', () => {
  const cluster = {
    name: 'a',
    number: 1,
    bootstrap: ['k1:9092', 'k2:9092'],
    clusterId: 'x',
    ...plainCluster,
    capacity: { ...plainCluster.capacity, partitions: 400 },
    homeOf: ['default'],
    loglets: 3,
    registeredAt: '2026-11-23T10:00:00.000Z',
  }

  it('list', async () => {
    const { io } = await braid('cluster list', { 'GET /v1/clusters': { clusters: [cluster], next: null } })
    expect(io.out).toMatch(/a +yes +3 +400 +k1:9092,k2:9092/)
  })

  it('add sends the brokers, and says when it is home', async () => {
    const { io } = await braid('cluster add a k1:9092,k2:9092 --partitions-max 400', {
      'POST /v1/clusters': cluster,
    })
    expect(plane!.received[0]!.body).toEqual({
      name: 'a',
      bootstrap: ['k1:9092', 'k2:9092'],
      capacity: { partitions: 400 },
    })
    expect(io.out).toContain('cluster a is registered, and is home')
  })

  it('access-point list', async () => {
    const { io } = await braid('access-point list', {
      'GET /v1/access-points': {
        accessPoints: [
          {
            id: 'dev',
            number: 1,
            bootstrap: '127.0.0.1:9092',
            listeners: { a: '127.0.0.1:9093' },
            routeVersion: 7,
            leaseEndsAt: '2026-11-23T10:00:00.000Z',
          },
        ],
        next: null,
      },
    })
    expect(io.out).toMatch(/dev +127\.0\.0\.1:9092 +7 +a=127\.0\.0\.1:9093/)
  })
})
