import { expect, onTestFinished, test } from 'vitest'
import type { LeaderRow } from '../store/rows.ts'
import { LeadSure } from './lead-sure.ts'

const ours: LeaderRow = { id: 'p1', url: 'http://one', term: 4, since: 1 }

function leading(leader: () => Promise<LeaderRow | undefined>): LeadSure {
  const sure = new LeadSure({ store: { leader }, id: 'p1', term: 4, timings: { leadCheckMs: 5 } }, 10)
  onTestFinished(() => sure.close())
  return sure
}

test('we lead at the moment in which we asked, when the store says so', async () => {
  const before = performance.now()
  const sure = leading(async () => ours)
  expect(sure.at).toBe(10)
  await expect.poll(() => sure.at).toBeGreaterThan(before)
})

test('not when another term has begun, and not while the store does not answer', async () => {
  const after = leading(async () => ({ ...ours, id: 'p2', term: 5 }))
  const again = leading(async () => ({ ...ours, term: 5 }))
  const silent = leading(async () => {
    throw new Error('the connection is gone')
  })
  await new Promise((resolve) => setTimeout(resolve, 50))
  expect([after.at, again.at, silent.at]).toEqual([10, 10, 10])
})
