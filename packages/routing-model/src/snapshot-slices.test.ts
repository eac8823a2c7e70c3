import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { RouteTable } from './route-table.ts'
import { snapshotSlices } from './snapshot-slices.ts'
import { snapshotFor } from './tenant-view.ts'
import { tableAt } from './testing/random-routes.ts'

const contents = ({ topics, ...rest }: ReturnType<RouteTable['toJSON']>) => ({
  ...rest,
  topics: Object.fromEntries(topics.map((topic) => [`${topic.tenant} ${topic.name}`, topic])),
})

it('says what the table says, with white space between any two slices', () => {
  fc.assert(
    fc.property(
      tableAt(3),
      fc.option(fc.subarray(['default', 'acme']), { nil: undefined }),
      fc.integer({ min: 1, max: 2_000 }),
      (table, names, characters) => {
        const tenants = names === undefined ? undefined : new Set(names)
        const text = [...snapshotSlices(table, tenants, characters)].join('\n ')
        const whole = table.toJSON()
        const expected = tenants === undefined ? whole : snapshotFor(whole, tenants)
        expect(contents(JSON.parse(text))).toEqual(JSON.parse(JSON.stringify(contents(expected))))
      },
    ),
  )
})

it('is of the moment of the call, whatever changes between slices', () => {
  fc.assert(
    fc.property(tableAt(3), fc.nat(3), (table, after) => {
      const before = JSON.stringify(table)
      const slices = snapshotSlices(table, undefined, 1)
      const taken: string[] = []
      for (let i = 0; i < after; i++) {
        const next = slices.next()
        if (!next.done) taken.push(next.value)
      }
      const removedTopics = [...table.topics('default')].map(({ name }) => ({ tenant: 'default', name }))
      table.apply({ from: 3, to: 4, removedTopics, accessPoints: [] })
      taken.push(...slices)
      expect(contents(JSON.parse(taken.join('')))).toEqual(contents(JSON.parse(before)))
    }),
  )
})
