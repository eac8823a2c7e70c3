import { type RouteDelta, type RouteSnapshot, RouteTable } from '@braid/routing-model'
import { expect, onTestFinished, test } from 'vitest'
import { openSqlite } from '../store/sqlite.ts'
import { Store } from '../store/store.ts'
import { plainCluster } from '../testing/plain-cluster.ts'
import { readRoutes } from '../testing/route-reading.ts'
import { PublishedRoutes, type RouteLimits } from './published-routes.ts'
import { RouteBoard } from './route-board.ts'

async function boardOf(limits?: Partial<RouteLimits>) {
  const store = await Store.open(openSqlite(':memory:'))
  onTestFinished(() => store.close())
  const published = new PublishedRoutes(limits)
  const board = await RouteBoard.open(store, published)
  const add = async (name: string) => {
    const number = await store.nextClusterNumber()
    return board.change({ clusters: [{ name, number, bootstrap: ['h:1'] }] }, () =>
      store.addCluster({
        name,
        number,
        bootstrap: ['h:1'],
        clusterId: name,
        ...plainCluster,
        registeredAt: 1,
      }),
    )
  }
  return { store, board, published, add }
}

interface Sent {
  readonly event: string
  readonly id: string
  readonly data: unknown
}

function events(text: string): Sent[] {
  return text
    .split('\n\n')
    .filter((block) => block !== '')
    .map((block) => {
      const [event, id, data] = block.split('\n').map((line) => line.slice(line.indexOf(': ') + 2))
      return { event: event!, id: id!, data: JSON.parse(data!) as unknown }
    })
}

/** What a reader has after these events, as it would apply them. */
function tableFrom(sent: readonly Sent[], start = RouteTable.empty()): RouteTable {
  let table = start
  for (const { event, data } of sent) {
    if (event === 'snapshot') table = RouteTable.fromJSON(data as RouteSnapshot)
    if (event === 'delta') table.apply(data as RouteDelta)
  }
  return table
}

test('a new reader gets a snapshot, then each change', async () => {
  const { board, published, add, store } = await boardOf()
  await add('a')
  const sent: Sent[] = []
  const { first, stop } = readRoutes(published, undefined, (text) => sent.push(...events(text)))
  expect(events(first).map((e) => [e.event, e.id])).toEqual([['snapshot', `${store.id}:1`]])
  await add('b')
  expect(sent.map((e) => [e.event, e.id])).toEqual([['delta', `${store.id}:2`]])
  expect(JSON.stringify(tableFrom([...events(first), ...sent]))).toBe(JSON.stringify(board.table))
  stop()
  await add('c')
  expect(sent).toHaveLength(1)
})

test('a reader that comes back gets what it missed, from any version that is kept', async () => {
  const { published, add, store } = await boardOf({ keptDeltasMax: 3 })
  for (const name of ['a', 'b', 'c', 'd', 'e']) await add(name)
  const names = (version: number) => {
    const { first, stop } = readRoutes(published, `${store.id}:${version}`)
    stop()
    return events(first).map((e) => e.event)
  }
  expect(names(5)).toEqual(['resumed'])
  expect(names(4)).toEqual(['resumed', 'delta'])
  expect(names(2)).toEqual(['resumed', 'delta', 'delta', 'delta'])
  expect(names(1)).toEqual(['snapshot'])
})

test('a token of another store, of the future, or of nothing gets a snapshot', async () => {
  const { published, add, store } = await boardOf()
  await add('a')
  for (const since of [
    `other:1`,
    `${store.id}:2`,
    `${store.id}:-1`,
    `${store.id}:x`,
    `${store.id}:`,
    'x'.repeat(100),
    '',
  ]) {
    const { first, stop } = readRoutes(published, since)
    stop()
    expect([since, events(first)[0]?.event]).toEqual([since, 'snapshot'])
  }
})

test('kept deltas are bounded in characters too', async () => {
  const { published, add, store } = await boardOf({ keptCharactersMax: 10 })
  await add('a')
  await add('b')
  const { first } = readRoutes(published, `${store.id}:1`)
  expect(events(first)[0]?.event).toBe('snapshot')
})

test('a change that the table refuses changes nothing and is not announced', async () => {
  const { board, published, add, store } = await boardOf()
  await add('a')
  const sent: string[] = []
  readRoutes(published, undefined, (text) => sent.push(text))
  const change = board.change({ tenants: [{ name: 't', home: 'nowhere' }] }, async () => {})
  await expect(change).rejects.toThrow(/nowhere/)
  expect([board.table.version, await store.routeVersion(), sent.length]).toEqual([1, 1, 0])
  await add('b')
  expect(board.table.version).toBe(2)
})

test('a change in a transaction that is rolled back never was', async () => {
  const { board, published, add, store } = await boardOf()
  await add('a')
  const sent: string[] = []
  readRoutes(published, undefined, (text) => sent.push(text))
  const change = store.transaction(async () => {
    await add('b')
    expect([board.table.version, sent.length]).toEqual([1, 0])
    throw new Error('the power fails')
  })
  await expect(change).rejects.toThrow('the power fails')
  expect([board.table.version, board.table.clusters.size, sent.length]).toEqual([1, 1, 0])
})

test('a rehearsal leaves no trace', async () => {
  const { board, published, add, store } = await boardOf()
  await add('a')
  const before = JSON.stringify(await store.routes())
  const sent: string[] = []
  readRoutes(published, undefined, (text) => sent.push(text))
  await board.rehearse({ removedClusters: ['a'] }, () => store.removeCluster('a'))
  expect([JSON.stringify(await store.routes()), JSON.stringify(board.table), sent.length]).toEqual([
    before,
    before,
    0,
  ])
})

test('changes at once come one after the other; readers hear of each when it is committed', async () => {
  const { board, published, add, store } = await boardOf()
  const heard: [number, number][] = []
  readRoutes(published, undefined, (text) => {
    heard.push([Number(events(text)[0]!.id.split(':')[1]), board.table.version])
  })
  const names = ['a', 'b', 'c', 'd', 'e']
  expect(await Promise.all(names.map(add))).toEqual([1, 2, 3, 4, 5])
  expect(heard).toEqual([1, 2, 3, 4, 5].map((version) => [version, version]))
  expect(JSON.stringify(await store.routes())).toBe(JSON.stringify(board.table))
})

test('two changes in one transaction: both or neither, the second upon the first', async () => {
  const { board, published, add, store } = await boardOf()
  await add('a')
  const sent: Sent[] = []
  readRoutes(published, undefined, (text) => sent.push(...events(text)))
  const twice = async () => {
    await add('b')
    await board.change({ tenants: [{ name: 't', home: 'b' }] }, () => store.addTenant('t', 'b'))
  }
  const failing = store.transaction(async () => {
    await twice()
    await board.change({ removedClusters: ['nowhere'] }, async () => {})
  })
  await expect(failing).rejects.toThrow(/nowhere/)
  expect([board.table.version, sent.length]).toEqual([1, 0])
  await store.transaction(twice)
  expect(sent.map(({ id }) => id)).toEqual([`${store.id}:2`, `${store.id}:3`])
  expect(JSON.stringify(await store.routes())).toBe(JSON.stringify(board.table))
})

test('what was published before a restart is resumed after it', async () => {
  const { add, store } = await boardOf()
  for (const name of ['a', 'b', 'c']) await add(name)
  const published = new PublishedRoutes()
  await RouteBoard.open(store, published)
  const { first } = readRoutes(published, `${store.id}:1`)
  expect(events(first).map((e) => [e.event, e.id.split(':')[1]])).toEqual([
    ['resumed', '1'],
    ['delta', '2'],
    ['delta', '3'],
  ])
})

test('the store keeps as many deltas as are kept in memory', async () => {
  const { add, store } = await boardOf({ keptDeltasMax: 3 })
  for (const name of ['a', 'b', 'c', 'd', 'e', 'f']) await add(name)
  expect((await store.deltasAfter(0)).map(({ version }) => version)).toEqual([3, 4, 5, 6])
})
