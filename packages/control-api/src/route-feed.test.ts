import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { constants, deflateRawSync } from 'node:zlib'
import type { RouteDelta, RouteSnapshot, RouteTable } from '@braid/routing-model'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { RouteFeed, type RouteFeedOptions, type RouteFeedState } from './route-feed.ts'
import { event, ScriptedServer } from './testing/scripted-server.ts'

const snapshotAt = (version: number, home = 'a'): RouteSnapshot => ({
  version,
  clusters: [{ name: home, number: 1, bootstrap: ['127.0.0.1:9092'] }],
  tenants: [{ name: 'default', home }],
  accessPoints: [],
  topics: [],
})
const snapshot = (version: number, home?: string) =>
  event('snapshot', `s:${version}`, snapshotAt(version, home))
const delta = (from: number) =>
  event('delta', `s:${from + 1}`, {
    from,
    to: from + 1,
    clusters: [{ name: `c${from}`, number: from + 100, bootstrap: ['127.0.0.1:9092'] }],
  } satisfies RouteDelta)

const quick = { retryBaseMs: 5, retryMaxMs: 20, fileDebounceMs: 5, fileAfterMs: 200, startMaxMs: 1_000 }

function feedOf(url: string, options: Partial<RouteFeedOptions> = {}) {
  const changes: { version: number; delta: RouteDelta | null }[] = []
  const states: RouteFeedState[] = []
  const feed = new RouteFeed({
    url,
    onChange: (table: RouteTable, change) => void changes.push({ version: table.version, delta: change }),
    onState: (state) => void states.push(state),
    ...options,
    limits: { ...quick, ...options.limits },
  })
  onTestFinished(() => feed.close())
  return { feed, changes, states }
}

function fileIn(): string {
  const folder = mkdtempSync(join(tmpdir(), 'braid-routes-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return join(folder, 'deep', 'routes.json')
}

test('a snapshot, then deltas, each announced as it comes', async () => {
  const server = await ScriptedServer.start()
  server.feed(snapshot(5))
  const { feed, changes } = feedOf(server.url)
  expect(() => feed.table).toThrow('await start() first')
  await feed.start()
  expect([feed.connected, feed.table.version]).toEqual([true, 5])
  server.send(delta(5) + delta(6))
  await expect.poll(() => feed.table.version).toBe(7)
  expect(changes.map((change) => [change.version, change.delta?.to ?? null])).toEqual([
    [5, null],
    [6, 6],
    [7, 7],
  ])
  expect([...feed.table.clusters.keys()]).toEqual(['a', 'c5', 'c6'])
})

test('an event that arrives byte by byte, with characters of several bytes', async () => {
  const server = await ScriptedServer.start()
  server.feed()
  const { feed } = feedOf(server.url)
  const started = feed.start()
  await expect.poll(() => server.feeds.size).toBe(1)
  const bytes = Buffer.from(snapshot(1, 'zürich'))
  for (const byte of bytes) {
    for (const response of server.feeds) response.write(Buffer.of(byte))
    await new Promise((resolve) => setImmediate(resolve))
  }
  await started
  expect(feed.table.tenants.get('default')?.home).toBe('zürich')
})

test('resumes after a break with the token of the last event, and nothing is announced twice', async () => {
  const server = await ScriptedServer.start()
  server.feed(snapshot(5), delta(5))
  const { feed, changes, states } = feedOf(server.url)
  await feed.start()
  server.feed(event('resumed', 's:6', { version: 6 }), delta(6))
  for (const response of server.feeds) response.destroy()
  await expect.poll(() => feed.table.version).toBe(7)
  expect(server.requests.map((request) => request.url.searchParams.get('since'))).toEqual([null, 's:6'])
  expect(changes.map((change) => change.version)).toEqual([5, 6, 7])
  expect(states.map((state) => state.state)).toEqual([
    'connecting',
    'connected',
    'waiting',
    'connecting',
    'connected',
  ])
})

describe('what does not fit is not applied, and a snapshot is asked for', () => {
  const hostile: Record<string, string> = {
    'a delta from another version': delta(3),
    'a delta that leads back': event('delta', 's:5', { from: 5, to: 4 }),
    'no JSON': event('delta', 's:6', '{"from":5,'),
    'a delta of another shape': event('delta', 's:6', { from: 5, to: 6, topics: [{ name: 1 }] }),
    'a list that is none': event('delta', 's:6', { from: 5, to: 6, clusters: 7 }),
    null: event('delta', 's:6', 'null'),
    'an event without an id': 'event: delta\ndata: {"from":5,"to":6}\n\n',
    'resumed at a version that we do not have': event('resumed', 's:9', { version: 9 }),
    'a snapshot of garbage': event('snapshot', 's:9', { version: -1 }),
  }
  for (const [name, text] of Object.entries(hostile)) {
    test(name, async () => {
      const server = await ScriptedServer.start()
      server.feed(snapshot(5))
      const { feed, changes } = feedOf(server.url)
      await feed.start()
      server.answer = (_, response) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' })
        response.write(snapshot(20))
      }
      server.send(text + delta(5))
      await expect.poll(() => feed.table.version).toBe(20)
      expect(server.requests.at(-1)?.url.searchParams.get('since')).toBeNull()
      expect(changes.map((change) => change.version)).toEqual([5, 20])
    })
  }

  test('an event larger than the bound', async () => {
    const server = await ScriptedServer.start()
    server.feed(snapshot(5))
    const { feed } = feedOf(server.url, { limits: { eventMaxCharacters: 10_000 } })
    await feed.start()
    server.feed(snapshot(6))
    server.send(`event: delta\nid: s:6\ndata: ${'x'.repeat(20_000)}`)
    await expect.poll(() => feed.table.version).toBe(6)
  })
})

test('a table of another store replaces ours, also one of an earlier version', async () => {
  const server = await ScriptedServer.start()
  server.feed(snapshot(50))
  const { feed } = feedOf(server.url)
  await feed.start()
  server.feed(event('snapshot', 'other:3', snapshotAt(3)))
  for (const response of server.feeds) response.destroy()
  await expect.poll(() => feed.table.version).toBe(3)
})

test('silence is a break: the feed connects again', async () => {
  const server = await ScriptedServer.start()
  server.feed(snapshot(5))
  const { feed, states } = feedOf(server.url, { limits: { silenceMaxMs: 60 } })
  await feed.start()
  server.send(':\n\n')
  await expect.poll(() => server.requests.length).toBeGreaterThan(1)
  expect(states.find((state) => state.state === 'waiting')).toMatchObject({
    reason: 'nothing came for 60 ms',
  })
})

test('retries with growing waits and jitter, up to a bound', async () => {
  const server = await ScriptedServer.start()
  server.answer = (_, response) => response.writeHead(500).end()
  const { feed, states } = feedOf(server.url, {
    random: () => 0.5,
    limits: { retryBaseMs: 4, retryMaxMs: 16, startMaxMs: 300 },
  })
  await expect(feed.start()).rejects.toMatchObject({
    code: 'UNAVAILABLE',
    message: expect.stringMatching(/no route table from http.*within 300 ms.*running there/),
  })
  const waits = states.flatMap((state) => (state.state === 'waiting' ? [state.retryInMs] : []))
  expect(waits.slice(0, 4)).toEqual([3, 6, 12, 12])
  // A request that was under way at the end may arrive behind it; another is not begun.
  await new Promise((resolve) => setTimeout(resolve, 50))
  expect(states.at(-1)).toEqual({ state: 'closed' })
  const begun = states.filter(({ state }) => state === 'connecting').length
  expect(server.requests.length).toBeLessThanOrEqual(begun)
})

describe('several control planes', () => {
  test('the next one is read from, with the same token, when one is away', async () => {
    const [first, second] = await Promise.all([ScriptedServer.start(), ScriptedServer.start()])
    first.feed(snapshot(5))
    const { feed, changes } = feedOf(`${first.url},${second.url}`)
    await feed.start()
    second.feed(event('resumed', 's:5', { version: 5 }), delta(5))
    await first.stop()
    await expect.poll(() => feed.table.version).toBe(6)
    expect(second.requests[0]?.url.searchParams.get('since')).toBe('s:5')
    expect(changes.map(({ version }) => version)).toEqual([5, 6])
  })

  test('each is tried soon, and all of them again after waits that grow', async () => {
    const servers = await Promise.all([ScriptedServer.start(), ScriptedServer.start()])
    for (const server of servers) server.answer = (_, response) => response.writeHead(503).end()
    const { feed, states } = feedOf('', {
      url: servers.map(({ url }) => url),
      random: () => 0.5,
      limits: { retryBaseMs: 4, retryMaxMs: 16, startMaxMs: 200 },
    })
    await expect(feed.start()).rejects.toThrow(`from ${servers[0].url}, ${servers[1].url} within 200 ms`)
    const waits = states.flatMap((state) => (state.state === 'waiting' ? [state.retryInMs] : []))
    expect(waits.slice(0, 6)).toEqual([3, 3, 6, 6, 12, 12])
    expect(Math.abs(servers[0].requests.length - servers[1].requests.length)).toBeLessThan(2)
  })
})

test('start waits for what the control plane knew when it answered', async () => {
  const server = await ScriptedServer.start()
  server.answer = (_, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream', 'braid-route-version': '7' })
    server.feeds.add(response)
    response.write(snapshot(5) + delta(5))
  }
  const { feed } = feedOf(server.url)
  let started = false
  const starting = feed.start().then(() => {
    started = true
  })
  await expect.poll(() => feed.connected && feed.table.version).toBe(6)
  expect(started).toBe(false)
  server.send(delta(6))
  await starting
  expect(feed.table.version).toBe(7)
})

test('a compressed feed comes out as it comes in, however it is cut', async () => {
  const server = await ScriptedServer.start()
  const flushed = (text: string) => deflateRawSync(text, { finishFlush: constants.Z_SYNC_FLUSH })
  const gzip = Buffer.concat([
    Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff]),
    flushed(snapshot(1, 'zürich')),
    flushed(delta(1)),
    flushed(delta(2)),
  ])
  server.answer = (_, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream', 'content-encoding': 'gzip' })
    response.flushHeaders()
    server.feeds.add(response)
  }
  const { feed, changes } = feedOf(server.url, { compression: true })
  const started = feed.start()
  await expect.poll(() => server.feeds.size).toBe(1)
  for (const byte of gzip) {
    for (const response of server.feeds) response.write(Buffer.of(byte))
    await new Promise((resolve) => setImmediate(resolve))
  }
  await started
  await expect.poll(() => feed.table.version).toBe(3)
  expect(changes.map(({ version }) => version)).toEqual([1, 2, 3])
  expect(server.requests[0]?.headers['accept-encoding']).toBe('gzip')
  for (const response of server.feeds) response.write('no deflate at all')
  await expect.poll(() => server.requests.length).toBeGreaterThan(1)
})

test('on the same machine nothing is compressed unless it is asked for', async () => {
  const server = await ScriptedServer.start()
  server.feed(snapshot(5))
  await feedOf(server.url).feed.start()
  expect(server.requests[0]?.headers['accept-encoding']).toBeUndefined()
})

describe('the file', () => {
  const routesOf = (tenants: readonly string[]) => ({
    ...snapshotAt(5),
    tenants: tenants.map((name) => ({ name, home: 'a' })),
  })

  test('keeps which tenants it holds, and serves those, and no others', async () => {
    const server = await ScriptedServer.start()
    const file = fileIn()
    server.feed(event('snapshot', 's:5:x', routesOf(['acme', 'beta'])))
    const first = feedOf(server.url, { file, tenants: ['acme', 'beta'] })
    await first.feed.start()
    await first.feed.close()
    expect(server.requests[0]?.url.searchParams.get('tenants')).toBe('acme,beta')
    server.answer = () => {}
    const start = async (tenants: readonly string[]) => {
      const onFileError = vi.fn()
      const { feed } = feedOf(server.url, { file, tenants, onFileError, limits: { startMaxMs: 400 } })
      const table = await feed.start().then(
        () => [...feed.table.tenants.keys()],
        () => 'none',
      )
      return [table, server.requests.at(-1)?.url.searchParams.get('since'), onFileError.mock.calls.length]
    }
    // The order is nothing, and fewer tenants need another token.
    expect(await start(['beta', 'acme'])).toEqual([['acme', 'beta'], 's:5:x', 0])
    expect(await start(['beta'])).toEqual([['beta'], null, 0])
    expect(await start(['beta', 'default'])).toEqual(['none', null, 1])
  })

  test('is written behind, whole, and starts an access point while the control plane is away', async () => {
    const server = await ScriptedServer.start()
    const file = fileIn()
    server.feed(snapshot(5), delta(5))
    const first = feedOf(server.url, { file })
    await first.feed.start()
    expect(existsSync(file)).toBe(false)
    await expect.poll(() => existsSync(file)).toBe(true)
    await first.feed.close()
    expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({ token: 's:6', routes: { version: 6 } })
    expect(readdirSync(join(file, '..'))).toEqual(['routes.json'])
    await server.stop()

    const second = feedOf(server.url, { file })
    await second.feed.start()
    expect([second.feed.connected, second.feed.table.version]).toEqual([false, 6])
    expect(second.changes).toEqual([{ version: 6, delta: null }])

    // It is back: what changed meanwhile follows.
    server.feed(event('resumed', 's:6', { version: 6 }), delta(6))
    await server.listen()
    await expect.poll(() => second.feed.table.version).toBe(7)
    expect(server.requests.at(-1)?.url.searchParams.get('since')).toBe('s:6')
    expect(second.changes.map((change) => change.version)).toEqual([6, 7])
  })

  test('a control plane that is there is asked first, and says whether the file is still right', async () => {
    const server = await ScriptedServer.start()
    const file = fileIn()
    server.feed(snapshot(5))
    const first = feedOf(server.url, { file })
    await first.feed.start()
    await first.feed.close()
    server.feed(event('resumed', 's:5', { version: 5 }))
    const second = feedOf(server.url, { file })
    await second.feed.start()
    expect([second.feed.connected, second.feed.table.version]).toEqual([true, 5])
    expect(second.changes).toEqual([{ version: 5, delta: null }])
  })

  test('one that does not answer is away', async () => {
    const server = await ScriptedServer.start()
    const file = fileIn()
    server.feed(snapshot(5))
    const first = feedOf(server.url, { file })
    await first.feed.start()
    await first.feed.close()
    server.answer = () => {}
    const second = feedOf(server.url, { file, limits: { fileAfterMs: 30 } })
    await second.feed.start()
    expect(second.feed.table.version).toBe(5)
  })

  for (const [name, text] of Object.entries({
    empty: '',
    'half written': '{"format":1,"token":"s:5","routes":{"version":5,"clu',
    'of another format': '{"format":99}',
    'with a broken table': '{"format":1,"token":"s:5","routes":{"version":5,"clusters":[{}]}}',
  })) {
    test(`that is ${name} is as good as none, and is named`, async () => {
      const server = await ScriptedServer.start()
      const file = join(mkdtempSync(join(tmpdir(), 'braid-routes-')), 'routes.json')
      onTestFinished(() => rmSync(join(file, '..'), { recursive: true, force: true }))
      writeFileSync(file, text)
      server.feed(snapshot(8))
      const onFileError = vi.fn()
      const { feed } = feedOf(server.url, { file, onFileError })
      await feed.start()
      expect(feed.table.version).toBe(8)
      expect(server.requests[0]?.url.searchParams.get('since')).toBeNull()
      expect(onFileError).toHaveBeenCalledExactlyOnceWith(expect.stringContaining(file))
    })
  }

  test('that cannot be written is said, and the feed goes on', async () => {
    const server = await ScriptedServer.start()
    server.feed(snapshot(8))
    const onFileError = vi.fn()
    const { feed } = feedOf(server.url, { file: '/dev/null/routes.json', onFileError })
    await feed.start()
    await expect.poll(() => onFileError.mock.calls.length).toBeGreaterThan(0)
    server.send(delta(8))
    await expect.poll(() => feed.table.version).toBe(9)
  })
})

test('close ends everything, also while it waits', async () => {
  const server = await ScriptedServer.start()
  server.feed(snapshot(5))
  const { feed, changes, states } = feedOf(server.url)
  await feed.start()
  await feed.close()
  await feed.close()
  await expect.poll(() => server.feeds.size).toBe(0)
  expect([feed.connected, changes.length, states.at(-1)?.state]).toEqual([false, 1, 'closed'])

  const never = feedOf('http://127.0.0.1:1')
  const started = never.feed.start()
  await never.feed.close()
  await expect(started).rejects.toMatchObject({ code: 'UNAVAILABLE' })
})
