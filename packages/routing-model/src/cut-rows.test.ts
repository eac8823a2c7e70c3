import fc from 'fast-check'
import { expect, it } from 'vitest'
import { locateLoglet } from './chain.ts'
import { RouteTable } from './route-table.ts'
import { edges, history, live } from './testing/random-routes.ts'

it('in a table large enough to share memory, every lookup answers as the plain chains do', () => {
  const told = fc.sample(history, 1_200).map((story, i) => live(story, `topic-${i}`))
  const table = RouteTable.fromJSON({
    version: 1,
    clusters: ['kafka-a', 'kafka-b', 'kafka-c'].map((name, i) => ({
      name,
      number: i + 1,
      bootstrap: ['h:1'],
    })),
    tenants: [{ name: 'default', home: 'kafka-a' }],
    accessPoints: [],
    topics: told.map(({ route }) => route.toJSON()),
  })
  for (const { route, chains } of told) {
    const shared = table.topic('default', route.name)!
    for (const [partition, chain] of chains.entries()) {
      for (const offset of edges(chains)) {
        if (offset < 0n) continue
        const expected = locateLoglet(chain, offset)
        if (shared.locate(partition, offset) !== expected) {
          expect([route.name, partition, offset, shared.locate(partition, offset)]).toEqual([
            route.name,
            partition,
            offset,
            expected,
          ])
        }
      }
    }
  }
})
