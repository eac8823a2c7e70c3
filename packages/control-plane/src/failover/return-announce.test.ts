import { expect, test } from 'vitest'
import { awaitReturn } from './return-announce.ts'
import type { ReturnContext } from './returning.ts'

/** How long it waits after the leases, ms. */
async function napsFor(ranOut: readonly string[]): Promise<number[]> {
  const context = {
    id: 'r-1',
    plane: {
      store: { failovers: { get: async () => ({ routeVersion: 3, cluster: 'a' }) } },
      leases: { awaitVersion: async () => ({ waitedMs: 1, waitedFor: ranOut, ranOut, forUnknown: false }) },
      log: () => {},
      timings: { strandedMaxMs: 7 },
    },
  } as unknown as ReturnContext
  const naps: number[] = []
  await awaitReturn(context, new AbortController().signal, async (ms) => void naps.push(ms))
  return naps
}

test('what a process that was heard of no more had sent is waited for', async () => {
  expect(await napsFor(['proxy-1.5f'])).toEqual([7])
})

test('when all have said that what they sent has arrived, nothing is waited for', async () => {
  expect(await napsFor([])).toEqual([])
})
