import { describe, expect, it } from 'vitest'
import { exitCodes } from './exit-codes.ts'
import { run } from './run.ts'
import { type Answers, fakeControlPlane, Refusal } from './testing/fake-control-plane.ts'
import { fakeIo } from './testing/fake-io.ts'
import { clusterA, goodAnswers, sealing, switched } from './testing/resources.ts'
import { runBraid } from './testing/run-braid.ts'

describe('migrate', () => {
  const start = { 'migrations.start': { migrations: [sealing] } }

  it('waits for the switch, shows the steps and the pause', async () => {
    const { status, io, plane } = await runBraid('migrate orders --to b', {
      ...start,
      'migrations.get': switched,
    })
    expect(plane.received[0]!.body).toEqual({ tenant: 'default', topics: ['orders'], to: 'b' })
    expect(io.out).toContain('SEAL     done        36 ms   sealed and cut in 34 ms')
    expect(io.out).toContain('topic orders is on b now: sealed in 34 ms, switched in 2.6 ms')
    expect(status).toBe(exitCodes.ok)
  })

  it('of several topics is one group: they are sealed and switched together', async () => {
    const both = [sealing, { ...sealing, id: 'm-8', topic: 'payments' }]
    const { io, plane } = await runBraid('migrate orders payments --to b --tenant shop', {
      'migrations.start': { migrations: both },
      'migrations.get': ({ params }: { params: Record<string, string> }) => ({
        ...switched,
        id: params.id,
        topic: params.id === 'm-8' ? 'payments' : 'orders',
      }),
    })
    expect(plane.received[0]!.body).toEqual({ tenant: 'shop', topics: ['orders', 'payments'], to: 'b' })
    expect(io.out).toContain('2 topics from a to b, together\n')
    expect(io.out).toContain('topic orders is on b now')
    expect(io.out).toContain('topic payments is on b now')
  })

  it('keeps stdout for the result when a program reads it', async () => {
    const { io } = await runBraid('migrate orders --to b -o json', { ...start, 'migrations.get': switched })
    expect(JSON.parse(io.out)).toEqual(switched)
    expect(io.err).toContain('SWITCH')
  })

  it('--detach does not wait', async () => {
    const { status, io, asked } = await runBraid('migrate orders --to b --detach', start)
    expect(asked).toEqual(['migrations.start'])
    expect(io.out).toContain('braid migration show m-7')
    expect(status).toBe(exitCodes.ok)
  })

  it('that fails says why', async () => {
    const error = {
      code: 'CLUSTER_UNREACHABLE',
      detail: 'cluster b does not answer; topic orders stays on a',
    }
    const failed = { ...sealing, state: 'failed', error, revision: 6 }
    const { status, io } = await runBraid('migrate orders --to b', { ...start, 'migrations.get': failed })
    expect(status).toBe(exitCodes.failed)
    expect(io.err).toContain('braid: cluster b does not answer; topic orders stays on a')
  })

  it('stopped by a signal leaves the migration alone and says how to go on', async () => {
    const { status, io } = await runBraid(
      'migrate orders --to b --timeout 5',
      { ...start, 'migrations.get': () => new Promise((resolve) => setTimeout(() => resolve(sealing), 200)) },
      { stopAfterMs: 50 },
    )
    expect(status).toBe(exitCodes.interrupted)
    expect(io.err).toContain('migration m-7 of topic orders goes on')
    expect(io.err).toContain('braid migration cancel m-7')
  })

  it('gives up after --timeout', async () => {
    const { status, io } = await runBraid('migrate orders --to b --timeout 1', {
      ...start,
      'migrations.get': () => new Promise((resolve) => setTimeout(() => resolve(sealing), 100)),
    })
    expect(status).toBe(exitCodes.timedOut)
    expect(io.err).toContain('braid migration show m-7')
  })
})

describe('migration', () => {
  it('list and show', async () => {
    const { io } = await runBraid('migration list', {
      'migrations.list': { migrations: [switched], next: null },
    })
    expect(io.out).toMatch(/m-7 +orders +a +b +switched +DRAIN +34 ms/)
    const shown = await runBraid('migration show m-7', { 'migrations.get': switched })
    expect(shown.io.out).toContain('migration m-7: topic orders from a to b, switched')
  })

  it('pause says that it is held, and how to go on', async () => {
    const { io } = await runBraid('migration pause m-7', {
      'migrations.pause': { ...sealing, pauseRequested: true, operation: 'o-7' },
    })
    expect(io.out).toContain('it is held before its next step: braid migration resume m-7')
    expect(io.out).toContain('part of operation o-7')
  })

  it('cancel waits until it is undone', async () => {
    const cancelled = { ...sealing, state: 'cancelled', revision: 6 }
    const { status, io } = await runBraid('migration cancel m-7', {
      'migrations.cancel': { ...sealing, cancelRequested: true },
      'migrations.get': cancelled,
    })
    expect(io.out).toBe('migration m-7 is cancelled: topic orders stays on a\n')
    expect(status).toBe(exitCodes.ok)
  })

  it('cancel that came too late is a failure and says the way back', async () => {
    const { status, io } = await runBraid('migration cancel m-7', {
      'migrations.cancel': sealing,
      'migrations.get': switched,
    })
    expect(status).toBe(exitCodes.failed)
    expect(io.err).toContain('braid migrate orders --to a')
  })
})

describe('an error', () => {
  it.each([
    ['topic show orders', 'topics.get', 'UNKNOWN_TOPIC', exitCodes.notFound],
    ['migrate orders --to x', 'migrations.start', 'UNKNOWN_CLUSTER', exitCodes.notFound],
    ['migrate orders --to b', 'migrations.start', 'MIGRATION_IN_PROGRESS', exitCodes.conflict],
    ['migrate orders --to b', 'migrations.start', 'NO_ROOM', exitCodes.conflict],
    ['migrate orders --to b', 'migrations.start', 'TOPIC_COMPACTED', exitCodes.failed],
    ['migrate orders --to b', 'migrations.start', 'CLUSTER_UNREACHABLE', exitCodes.failed],
    ['migration show m-9', 'migrations.get', 'UNKNOWN_MIGRATION', exitCodes.notFound],
    ['cluster remove a', 'clusters.remove', 'CLUSTER_IN_USE', exitCodes.conflict],
    ['cluster list', 'clusters.list', 'UNAUTHENTICATED', exitCodes.failed],
    ['cluster cordon a', 'clusters.cordon', 'FORBIDDEN', exitCodes.failed],
    ['topic create orders', 'topics.create', 'NO_PLACE', exitCodes.conflict],
    ['topic create orders', 'topics.create', 'QUOTA_EXCEEDED', exitCodes.conflict],
    ['topic create orders', 'topics.create', 'BAD_REQUEST', exitCodes.usage],
    ['topic list', 'topics.list', 'SHUTTING_DOWN', exitCodes.unreachable],
    ['topic list', 'topics.list', 'INTERNAL', exitCodes.failed],
  ] as const)('%s refused by %s with %s: status %d', async (line, request, code, wanted) => {
    const { status, io } = await runBraid(line, {
      [request]: new Refusal(code, 'what, where and what to do'),
    })
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
    expect(io.err).toContain('check BRAID_API, or start one there: `braid dev` or `braid control-plane`')
    expect(io.err).not.toContain('    at ')
  })

  it('shows where it comes from only with BRAID_DEBUG', async () => {
    const refused = { 'topics.list': new Refusal('INTERNAL', 'broken') }
    const { io } = await runBraid('topic list', refused, { env: { BRAID_DEBUG: '1' } })
    expect(io.err).toContain('    at ')
    expect(io.err).toContain('caused by ControlPlaneError')
  })
})

describe('what a control plane says', () => {
  const hostile = 'eu\u001b[2J\u009b31m\u202e\r\nx'
  const list: Answers = {
    'clusters.list': {
      clusters: [{ ...clusterA, bootstrap: [hostile], labels: { [hostile]: hostile } }],
      next: null,
    },
  }

  it.each(['table', 'json', 'yaml'])('never reaches a terminal raw: -o %s', async (format) => {
    const { io } = await runBraid(`cluster list -o ${format}`, list, { isTTY: true, columns: 200 })
    for (const character of ['\u001b', '\u009b', '\u202e', '\r']) expect(io.out).not.toContain(character)
    expect(io.out).toContain('\\u')
    if (format === 'json') expect(JSON.parse(io.out)[0].bootstrap).toEqual([hostile])
  })

  it('nor by its errors', async () => {
    const { io } = await runBraid('cluster list', { 'clusters.list': new Refusal('INTERNAL', hostile) })
    expect(io.err).toContain('\\u001b')
    expect(io.err).not.toContain('\u001b')
  })

  it('fits the width of a terminal, and is whole on a pipe', async () => {
    const wide: Answers = {
      'clusters.list': {
        clusters: [{ ...clusterA, bootstrap: Array(20).fill('kafka.example.org:9092') }],
        next: null,
      },
    }
    const terminal = await runBraid('cluster list', wide, { isTTY: true, columns: 100 })
    expect(Math.max(...terminal.io.out.split('\n').map((line) => line.length))).toBeLessThanOrEqual(100)
    expect(terminal.io.out).toContain('…')
    const pipe = await runBraid('cluster list', wide)
    expect(pipe.io.out).not.toContain('…')
  })
})

describe('--watch', () => {
  const changing = (): Answers => {
    let looks = 0
    return {
      'clusters.list': () => ({
        clusters: looks++ === 0 ? [clusterA] : [clusterA, { ...clusterA, name: 'b', state: 'cordoned' }],
        next: null,
      }),
    }
  }

  it('prints on a pipe what is new and what is gone, and nothing else', async () => {
    const { io, status } = await runBraid('cluster list --watch --interval 1', changing(), {
      stopAfterMs: 2_500,
    })
    expect(status).toBe(exitCodes.ok)
    expect(io.out.match(/^a /gm)).toHaveLength(1)
    expect(io.out.match(/^b +cordoned/gm)).toHaveLength(1)
  })

  it('redraws in place on a terminal', async () => {
    const { io } = await runBraid('cluster list --watch --interval 1', changing(), {
      isTTY: true,
      columns: 150,
      stopAfterMs: 1_500,
    })
    expect(io.out).toContain('\x1b[2A\r')
  })
})

describe('other commands', () => {
  it('access-point list', async () => {
    const { io } = await runBraid('access-point list', goodAnswers)
    expect(io.out).toMatch(/dev +127\.0\.0\.1:9092 +7 +a=127\.0\.0\.1:9093/)
  })

  it('token create shows the secret once; --tenant of a context binds nothing', async () => {
    const { io, body } = await runBraid('token create user:ann --role viewer', goodAnswers, {
      env: { BRAID_TENANT: 'shop' },
    })
    expect(body).toEqual({ principal: 'user:ann', role: 'viewer', tenant: null, expiresInDays: null })
    expect(io.out).toContain('brd_t7_secret\nkeep it: it is not shown again\n')
    const bound = await runBraid('token create user:ann --role owner --tenant shop', goodAnswers)
    expect(bound.body).toMatchObject({ tenant: 'shop' })
  })

  it('request topic says what it waits for and who decides', async () => {
    const { io, plane } = await runBraid(
      'request topic clicks --why "a shop" --bytes-in 2MB/s --tenant shop',
      goodAnswers,
    )
    expect(plane.received[0]).toMatchObject({ params: { tenant: 'shop' }, body: { why: 'a shop' } })
    expect(io.out).toContain('request r-7: topic clicks of tenant shop, waiting')
    expect(io.out).toContain('above the quota of 20 MB/s')
    expect(io.out).toContain('who can decide: user:bo')
  })

  it('audit list follows pages up to its limit', async () => {
    const [entry] = (goodAnswers['audit.list'] as { entries: unknown[] }).entries
    const { plane, io } = await runBraid('audit list --limit 3 --since 12h -o json', {
      'audit.list': ({ query }: { query: Record<string, string> }) => ({
        entries: Array(query.after === undefined ? 2 : 1).fill(entry),
        next: 'more',
      }),
    })
    expect(JSON.parse(io.out)).toHaveLength(3)
    expect(plane.received.map(({ query }) => [query.limit, query.after])).toEqual([
      ['3', undefined],
      ['1', 'more'],
    ])
    const since = Date.parse(plane.received[0]!.query.since!)
    expect(Math.abs(Date.now() - 43_200_000 - since)).toBeLessThan(60_000)
  })

  it('doctor hides what is well, and fails when there are errors', async () => {
    const fine = await runBraid('doctor', goodAnswers)
    expect(fine.status).toBe(exitCodes.ok)
    expect(fine.io.out).toBe(
      'warning   cluster b: its clock is 4 s behind (CLOCK_SKEW)\n          let it follow a time server\n\n0 errors, 1 warning, 1 well\n',
    )
    const finding = { code: 'X', severity: 'error', subject: 'cluster a', detail: 'd', fix: 'f' }
    const bad = await runBraid('doctor', {
      'doctor.run': {
        at: '2026-11-23T10:00:00.000Z',
        findings: [finding],
        counts: { ok: 0, warning: 0, error: 1 },
      },
    })
    expect(bad.status).toBe(exitCodes.failed)
  })

  it('top shows load and what moves, the fullest first', async () => {
    const { io } = await runBraid('top', goodAnswers)
    expect(io.out).toMatch(/a +active +9 % +4 MB\/s of 50 MB\/s +12 MB\/s +36 of 400/)
    expect(io.out).toContain('drain of eu-1: running, 20 of 200 moved')
    expect(io.out).toContain('nothing moves')
  })
})
