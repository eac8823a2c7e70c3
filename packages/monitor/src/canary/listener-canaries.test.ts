import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Finding } from '../findings.ts'
import { FakeCluster } from '../testing/fake-cluster.ts'
import { tableOf } from '../testing/routes.ts'
import { ListenerCanaries } from './listener-canaries.ts'

let a: FakeCluster
let found: Finding[]
let canaries: ListenerCanaries
beforeEach(async () => {
  a = await FakeCluster.start()
  found = []
  canaries = new ListenerCanaries({
    onCheck: () => {},
    find: (finding) => found.push(finding),
    topic: undefined,
    timeoutMs: 500,
    now: () => performance.now(),
  })
})
afterEach(() => a.stop())

const tableWith = (...ids: string[]) => {
  const bootstrap = a.bootstrap[0]!
  const accessPoints = ids.map((id, number) => ({ id, number, bootstrap, listeners: { a: bootstrap } }))
  return tableOf({ a }, [], { accessPoints })
}
const states = () =>
  Array.from(canaries.states, ({ accessPoint, listener, up }) => `${accessPoint} ${listener} ${up}`)

test('a listener that fails is told of at the third time, and when it works again', async () => {
  canaries.follow(tableWith('p1'))
  await a.stop()
  await canaries.round()
  await canaries.round()
  expect(found).toEqual([])
  await canaries.round()
  await canaries.round()
  await a.startAgain()
  await canaries.round()
  const [failing, works] = ['CANARY_FAILING', 'CANARY_WORKS']
  expect(found.map(({ kind }) => kind).toSorted()).toEqual([failing, failing, works, works])
})

test('listeners keep what is known of them while others come, and one that goes while it is tried is gone', async () => {
  canaries.follow(tableWith('p1'))
  await canaries.round()
  canaries.follow(tableWith('p2', 'p1'))
  const known = ['p1 bootstrap true', 'p1 a true']
  expect(states()).toEqual(['p2 bootstrap undefined', 'p2 a undefined', ...known])
  const round = canaries.round()
  canaries.follow(tableWith('p1'))
  await round
  expect(states()).toEqual(known)
})
