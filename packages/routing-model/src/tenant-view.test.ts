import fc from 'fast-check'
import { expect, it } from 'vitest'
import { diffRoutes } from './delta.ts'
import { RouteTable } from './route-table.ts'
import { deltaFor, snapshotFor } from './tenant-view.ts'
import { tableAt } from './testing/random-routes.ts'

const names = ['default', 'acme', 'nobody']
const some = fc.subarray(names).map((chosen) => new Set(chosen))

/** Topics of two tenants may be called alike, so what is secret here is made to be told apart. */
function named(table: RouteTable): RouteTable {
  const snapshot = table.toJSON()
  const topics = snapshot.topics.map((topic) => ({ ...topic, name: `of-${topic.tenant}-${topic.name}` }))
  return RouteTable.fromJSON({ ...snapshot, topics })
}

it('a view follows the whole, change by change, and never holds what is of another tenant', () => {
  fc.assert(
    fc.property(tableAt(3), tableAt(8), some, (earlier, later, tenants) => {
      const from = named(earlier)
      const to = named(later)
      const delta = deltaFor(diffRoutes(from, to), tenants)
      const seen = JSON.stringify([snapshotFor(from.toJSON(), tenants), delta])
      for (const name of names) {
        if (!tenants.has(name)) {
          expect(seen).not.toContain(`of-${name}-`)
          expect(seen).not.toContain(`"${name}"`)
        }
      }
      const view = RouteTable.fromJSON(snapshotFor(from.toJSON(), tenants))
      view.apply(delta)
      const expected = RouteTable.fromJSON(snapshotFor(to.toJSON(), tenants))
      expect(view.version).toBe(8)
      // Equal in all but the order of maps: no delta leads from one to the other.
      expected.version = 9
      expect(diffRoutes(view, expected)).toEqual({ from: 8, to: 9 })
    }),
  )
})

it('a change that is none of their business leads on nevertheless', () => {
  const delta = { from: 4, to: 5, removedTopics: [{ tenant: 'acme', name: 'orders' }] }
  expect(deltaFor(delta, new Set(['default']))).toEqual({ from: 4, to: 5 })
})
