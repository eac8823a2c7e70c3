import { get, type IncomingMessage } from 'node:http'
import { RouteFeed } from '@braid/control-api'
import { type RouteDelta, type RouteSnapshot, RouteTable, type TopicRouteJson } from '@braid/routing-model'
import fc from 'fast-check'
import { describe, expect, onTestFinished, test } from 'vitest'
import { createFront } from '../api/front.ts'
import { PublishedRoutes, type RouteLimits } from './published-routes.ts'
import { RouteAudience } from './route-audience.ts'
import { type RouteFeedLimits, RouteReaders } from './route-readers.ts'

const topic = (tenant: string, name: string, partitions = 1): TopicRouteJson => ({
  tenant,
  name,
  id: `id-of-${name}`,
  partitions,
  maxMessageBytes: 1_048_588,
  homeTopic: name,
  loglets: [{ cluster: 'a', topic: name, start: '0', base: '0' }],
})

const tableOf = (topics: readonly TopicRouteJson[], tenants = ['default', 'acme']) =>
  RouteTable.fromJSON({
    version: 1,
    clusters: [{ name: 'a', number: 1, bootstrap: ['h:1'] }],
    tenants: tenants.map((name) => ({ name, home: 'a' })),
    accessPoints: [],
    topics,
  })

const narrow = (n: number) => ({ id: 'proxy', number: 0, bootstrap: `h:${n}`, listeners: {} })
/** An event of about 200 kB. */
const wide = (n: number) => ({
  ...narrow(n),
  listeners: Object.fromEntries(Array.from({ length: 4_000 }, (_, i) => [`c${i}-${'x'.repeat(40)}`, 'h:9'])),
})

async function feedOf(options: {
  table?: RouteTable
  feed?: Partial<RouteFeedLimits>
  routes?: Partial<RouteLimits>
  heartbeatMs?: number
}) {
  const published = new PublishedRoutes(options.routes)
  published.replace('s', options.table ?? tableOf([]), [])
  const logged: { event: string; fields: Readonly<Record<string, unknown>> }[] = []
  const readers = new RouteReaders({
    published,
    log: (_, event, fields) => void logged.push({ event, fields }),
    heartbeatMs: options.heartbeatMs ?? 2_000,
    limits: options.feed,
  })
  const front = createFront({
    published,
    readers,
    log: () => {},
    role: () => ({ role: 'leader', term: 1 }),
    rest: () => (_, response) => void response.writeHead(404).end(),
  })
  const url = await front.listen({ host: '127.0.0.1', port: 0 })
  onTestFinished(async () => {
    readers.close()
    await front.close()
  })
  const change = (changes: Omit<RouteDelta, 'from' | 'to'>) => {
    const from = published.table.version
    published.follow({ version: from + 1, json: JSON.stringify({ from, to: from + 1, ...changes }) })
  }
  const feed = async (feedOptions: Partial<ConstructorParameters<typeof RouteFeed>[0]> = {}) => {
    const changes: (RouteDelta | null)[] = []
    const made = new RouteFeed({ url, onChange: (_, delta) => void changes.push(delta), ...feedOptions })
    onTestFinished(() => made.close())
    await made.start()
    return { feed: made, changes }
  }
  return { published, readers, url, change, feed, logged }
}

/** The answer as it comes, unread until `read` is called. */
async function open(url: string, path = '/v1/routes', headers: Record<string, string> = {}) {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const request = get(new URL(path, url), { agent: false, headers }, resolve)
    request.on('error', reject)
    onTestFinished(() => void request.destroy())
  })
  response.on('error', () => {})
  let text = ''
  return {
    response,
    get text() {
      return text
    },
    read: () =>
      response
        .setEncoding('utf8')
        .on('data', (chunk: string) => (text += chunk))
        .resume(),
  }
}

interface Event {
  readonly event: string
  readonly id: string
  readonly data: unknown
}

/** Only whole ones. */
function events(text: string): Event[] {
  return text
    .split('\n\n')
    .slice(0, -1)
    .map((block) => {
      const lines = block.split('\n').filter((line) => !line.startsWith(':'))
      const [event, id, ...data] = lines.map((line) => line.slice(line.indexOf(': ') + 2))
      return { event: event!, id: id!, data: JSON.parse(data.join('\n')) as unknown }
    })
}

const textAfter = (audience: RouteAudience, version: number) =>
  audience.after(version)!.bytes.plain.toString()

const contents = (table: RouteTable) => {
  const { topics, ...rest } = table.toJSON()
  return { ...rest, topics: Object.fromEntries(topics.map((one) => [`${one.tenant} ${one.name}`, one])) }
}

describe('a reader that does not read', () => {
  test('is cut off at its bound, the others are not, and it goes on without a gap', async () => {
    const { readers, published, url, change, feed, logged } = await feedOf({
      feed: { queuedMaxBytes: 256 * 1024 },
    })
    const good = await feed()
    const slow = await open(url)
    slow.response.pause()
    await expect.poll(() => readers.count).toBe(2)
    for (let n = 0; readers.counters.cutOff.queue === 0 && n < 300; n++) {
      change({ accessPoints: [wide(n)] })
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect(readers.counters.cutOff).toEqual({ queue: 1, stalled: 0, forgotten: 0 })
    expect(logged[0]).toMatchObject({ event: 'route-feed.reader-too-slow', fields: { reason: 'queue' } })
    await expect.poll(() => readers.count).toBe(1)
    await expect.poll(() => good.feed.table.version).toBe(published.table.version)

    // What had left reaches it still.
    slow.read()
    await expect.poll(() => slow.response.closed).toBe(true)
    const got = events(slow.text)
    expect(got.length).toBeLessThan(published.table.version)
    const table = RouteTable.fromJSON(got[0]?.data as RouteSnapshot)
    for (const { data } of got.slice(1)) table.apply(data as RouteDelta)
    const again = await open(url, `/v1/routes?since=${got.at(-1)?.id}`)
    again.read()
    await expect.poll(() => events(again.text).at(-1)?.id).toBe(`s:${published.table.version}`)
    const missed = events(again.text)
    expect(missed[0]).toMatchObject({ event: 'resumed', data: { version: table.version } })
    for (const { data } of missed.slice(1)) table.apply(data as RouteDelta)
    expect(contents(table)).toEqual(contents(published.table))
  })

  test('is cut off when it has read nothing for too long, however little waits', async () => {
    const { readers, url, change } = await feedOf({ feed: { stalledMaxMs: 150 }, heartbeatMs: 40 })
    const slow = await open(url)
    slow.response.pause()
    // More than the system keeps for both ends of a connection on its way.
    for (let n = 0; n < 40; n++) change({ accessPoints: [wide(n)] })
    await expect.poll(() => readers.counters.cutOff.stalled).toBe(1)
    expect(readers.counters.cutOff.queue).toBe(0)
  })

  test('and one that reads is shown that we are there, also while nothing changes', async () => {
    const { readers, url } = await feedOf({ feed: { stalledMaxMs: 100 }, heartbeatMs: 20 })
    const quiet = await open(url)
    quiet.read()
    await expect.poll(() => quiet.text.match(/^:$/gm)?.length ?? 0).toBeGreaterThan(5)
    expect(readers.count).toBe(1)
  })
})

test('changes of one tick are one write, and a late reader is told of each', async () => {
  const { readers, url, change } = await feedOf({})
  const reader = await open(url)
  reader.read()
  await expect.poll(() => events(reader.text).length).toBe(1)
  const before = readers.counters.writtenBytes
  for (let n = 0; n < 250; n++) change({ accessPoints: [narrow(n)] })
  expect(readers.counters.writtenBytes).toBe(before)
  await expect.poll(() => events(reader.text).length).toBe(251)
  expect(events(reader.text).map(({ id }) => Number(id.split(':')[1]))).toEqual(
    Array.from({ length: 251 }, (_, i) => i + 1),
  )
})

test('readers beyond the bound are refused with a problem, and come in when one has gone', async () => {
  const { readers, url } = await feedOf({ feed: { readersMax: 2 } })
  const [first] = [await open(url), await open(url)]
  await expect.poll(() => readers.count).toBe(2)
  const refused = await fetch(new URL('/v1/routes', url))
  expect([refused.status, await refused.json()]).toMatchObject([
    503,
    { code: 'TOO_MANY_READERS', detail: expect.stringContaining('2 may') },
  ])
  expect(readers.counters.refused).toBe(1)
  first.response.destroy()
  await expect.poll(() => readers.count).toBe(1)
  expect((await open(url)).response.statusCode).toBe(200)
})

describe('compressed', () => {
  const many = () => tableOf(Array.from({ length: 3_000 }, (_, i) => topic('default', `topic-${i}`)))

  test('a feed is one gzip stream that fetch and our own client decode as it comes', async () => {
    const { published, url, change, feed, readers } = await feedOf({ table: many() })
    const ours = await feed({ compression: true })
    const response = await fetch(new URL('/v1/routes', url), { headers: { 'accept-encoding': 'gzip' } })
    expect(response.headers.get('content-encoding')).toBe('gzip')
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader()
    let text = ''
    const until = async (count: number) => {
      while (events(text).length < count) text += (await reader.read()).value ?? ''
    }
    await until(1)
    // A small event is stored, a large one is compressed.
    change({ topics: [topic('acme', 'small')] })
    await until(2)
    change({ accessPoints: [wide(1)] })
    await until(3)
    const table = RouteTable.fromJSON(events(text)[0]?.data as RouteSnapshot)
    for (const { data } of events(text).slice(1)) table.apply(data as RouteDelta)
    expect(contents(table)).toEqual(contents(published.table))
    await expect.poll(() => ours.feed.table.version).toBe(3)
    expect(contents(ours.feed.table)).toEqual(contents(published.table))
    await reader.cancel()
    expect(readers.counters.snapshotsMade).toBe(1)
  })

  test('only for those who accept it', async () => {
    const { url } = await feedOf({})
    const asked = {
      gzip: true,
      'br, GZIP;q=0.5': true,
      '*': true,
      'gzip;q=0': false,
      br: false,
      gzipped: false,
    }
    for (const [accepted, expected] of Object.entries(asked)) {
      const { response } = await open(url, '/v1/routes', { 'accept-encoding': accepted })
      expect([accepted, response.headers['content-encoding'] === 'gzip']).toEqual([accepted, expected])
    }
  })
})

describe('a snapshot', () => {
  const many = () => tableOf(Array.from({ length: 6_000 }, (_, i) => topic('default', `topic-${i}`, 10)))

  test('that is made while routes change is of one version, and what follows fits it', async () => {
    const { published, change, feed, readers } = await feedOf({ table: many() })
    let going = true
    const changing = (async () => {
      for (let n = 0; going; n++) {
        change({ topics: [topic('acme', `new-${n}`), topic('default', `topic-${n}`, 20)] })
        await new Promise((resolve) => setImmediate(resolve))
      }
    })()
    const feeds = await Promise.all([
      ...Array.from({ length: 10 }, () => feed()),
      ...Array.from({ length: 10 }, () => feed({ compression: true })),
    ])
    going = false
    await changing
    await expect
      .poll(() => feeds.map((one) => one.feed.table.version))
      .toEqual(feeds.map(() => published.table.version))
    for (const one of feeds) expect(contents(one.feed.table)).toEqual(contents(published.table))
    // One for each encoding, and none of them for every reader or every version.
    expect(readers.counters.snapshotsMade).toBeLessThan(5)
  })

  test('lets other things happen while it is made', async () => {
    const { url, readers } = await feedOf({ table: many() })
    const reader = await open(url)
    reader.read()
    let turns = 0
    while (events(reader.text).length === 0) {
      turns++
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect(turns).toBeGreaterThan(5)
    expect(readers.counters.snapshotsMade).toBe(1)
  })

  test('comes again when the table was replaced by another', async () => {
    const { published, feed } = await feedOf({})
    const one = await feed()
    published.replace('other', tableOf([topic('default', 'orders')]), [])
    await expect.poll(() => one.feed.table.topicCount).toBe(1)
    expect(one.changes).toEqual([null, null])
  })
})

describe('resuming', () => {
  test('from any version that is kept; else with a snapshot', async () => {
    const { url, change } = await feedOf({ routes: { keptDeltasMax: 150 } })
    for (let n = 0; n < 300; n++) change({ accessPoints: [narrow(n)] })
    const first = async (since: string, tenants = '') => {
      const reader = await open(url, `/v1/routes?since=${since}${tenants}`)
      reader.read()
      await expect.poll(() => events(reader.text).at(-1)?.id.split(':')[1]).toBe('301')
      reader.response.destroy()
      return [events(reader.text)[0]?.event, events(reader.text).length]
    }
    expect(await first('s:301')).toEqual(['resumed', 1])
    expect(await first('s:199')).toEqual(['resumed', 103])
    expect(await first('s:151')).toEqual(['resumed', 151])
    expect(await first('s:150')).toEqual(['snapshot', 1])
    expect(await first('other:301')).toEqual(['snapshot', 1])
    // What one was told of all is no beginning for one of some.
    expect(await first('s:301', '&tenants=acme')).toEqual(['snapshot', 1])
  })

  test('at a version that has not come here yet waits for it', async () => {
    const { url, change } = await feedOf({})
    const coming = open(url, '/v1/routes?since=s:2')
    setTimeout(() => change({ topics: [topic('acme', 'orders')] }), 50)
    const reader = await coming
    reader.read()
    await expect
      .poll(() => events(reader.text))
      .toEqual([{ event: 'resumed', id: 's:2', data: { version: 2 } }])
  })
})

describe('a feed of some tenants', () => {
  test('holds their topics only, and is at every version', async () => {
    const { change, feed } = await feedOf({
      table: tableOf([topic('default', 'orders'), topic('acme', 'secret')]),
    })
    const [ours, all] = [await feed({ tenants: ['default'] }), await feed()]
    change({ topics: [topic('acme', 'secret-too')] })
    change({ topics: [topic('default', 'clicks')] })
    await expect.poll(() => [ours.feed.table.version, all.feed.table.version]).toEqual([3, 3])
    expect([...ours.feed.table.topics('default')].map(({ name }) => name)).toEqual(['orders', 'clicks'])
    expect([ours.feed.table.topicCount, all.feed.table.topicCount]).toEqual([2, 4])
    expect(ours.changes.slice(1)[0]).toEqual({ from: 1, to: 2 })
  })

  test('of a list that is none is refused', async () => {
    const { url } = await feedOf({})
    for (const tenants of ['', 'a,,b', '../x', 'x'.repeat(65)]) {
      const response = await fetch(new URL(`/v1/routes?tenants=${tenants}`, url))
      expect([tenants, response.status]).toEqual([tenants, 400])
    }
  })

  test('never says the name of a topic of another, in no snapshot, delta or resumption', () => {
    const tenants = ['acme', 'beta', 'default']
    const aTopic = fc.record({ tenant: fc.constantFrom(...tenants), n: fc.nat(5) })
    const step = fc.record({
      put: fc.array(aTopic, { maxLength: 3 }),
      remove: fc.array(aTopic, { maxLength: 2 }),
    })
    const named = ({ tenant, n }: { tenant: string; n: number }) => ({ tenant, name: `of-${tenant}-${n}` })
    fc.assert(
      fc.property(
        fc.uniqueArray(aTopic, { selector: (one) => JSON.stringify(one) }),
        fc.array(step, { maxLength: 6 }),
        fc.subarray(tenants),
        (start, steps, mine) => {
          const published = new PublishedRoutes()
          const topics = start.map((one) => topic(one.tenant, named(one).name))
          published.replace('s', tableOf(topics, tenants), [])
          const audience = new RouteAudience(published, new Set(mine))
          const said: string[] = []
          const snapshot = () => {
            const text = Buffer.concat(audience.snapshot('identity', 0).text.chunks).toString()
            said.push(text)
            return RouteTable.fromJSON(events(text)[0]?.data as RouteSnapshot)
          }
          const live = snapshot()
          for (const { put, remove } of steps) {
            const puts = new Map(put.map((one) => [named(one).name, topic(one.tenant, named(one).name)]))
            const gone = new Map(remove.map((one) => [named(one).name, named(one)]))
            const removedTopics = [...gone.values()].filter(
              ({ tenant, name }) => published.table.topic(tenant, name) !== undefined && !puts.has(name),
            )
            const before = published.table.version
            const delta = { from: before, to: before + 1, topics: [...puts.values()], removedTopics }
            published.follow({ version: before + 1, json: JSON.stringify(delta) })
            for (const { data } of events(textAfter(audience, before))) live.apply(data as RouteDelta)
          }
          for (let since = 1; since < live.version; since++) said.push(textAfter(audience, since))
          for (const tenant of mine) {
            const names = (of: RouteTable) => [...of.topics(tenant)].map(({ name }) => name).sort()
            expect(names(live)).toEqual(names(published.table))
            expect(names(snapshot())).toEqual(names(published.table))
          }
          const text = said.join('')
          for (const tenant of tenants)
            if (!mine.includes(tenant)) expect(text).not.toContain(`of-${tenant}-`)
        },
      ),
    )
  })
})
