import { expect, it } from 'vitest'
import {
  failedOver,
  fencing,
  proxyLease,
  recovering,
  returned,
  returnTopics,
} from '../testing/failover-resources.ts'
import { failoverProgress, recoveredText, waitedForText } from './failover-progress.ts'

const nobody = { leases: async () => [], topics: async () => [] }

function shownOn(
  ...states: [atMs: number, state: Parameters<ReturnType<typeof failoverProgress>['show']>[0]][]
): string {
  let out = ''
  let nowMs = 0
  const output = { isTTY: false, write: (text: string) => (out += text) }
  const progress = failoverProgress(output, nobody, () => nowMs)
  for (const [atMs, state] of states) {
    nowMs = atMs
    progress.show(state)
  }
  progress.close()
  return out
}

it('a line for each step: its name when it begins, its time when it is over', () => {
  const checking = { ...fencing, step: 'CHECK' as const }
  const switching = { ...fencing, step: 'SWITCH' as const, fenceMs: 380 }
  const ending = { ...switching, step: 'END' as const }
  expect(shownOn([0, checking], [40, fencing], [430, switching], [437, ending], [487, failedOver])).toBe(`\
failover f-7 of a: two vantage points saw it down for 1 s
CHECK    doing                asks who can be reached, and what is known of the ends
CHECK    done         40 ms
FENCE    doing                waits until every lease is told, or has run out
FENCE    done        380 ms
SWITCH   doing                stores where each topic goes on, and publishes it
SWITCH   done          7 ms
END      doing                clients go on already; chooses new standbys
END      done         50 ms
`)
})

it('what was under way when it was first looked at has no time, and what comes later has', () => {
  const out = shownOn([0, recovering], [2_000, { ...recovering, step: 'END' }], [2_500, returned])
  expect(out).toMatch(/^RECOVER {2}done$/m)
  expect(out).toMatch(/^END +done +500 ms$/m)
})

it('one that is undone says so at its step', () => {
  const out = shownOn(
    [0, fencing],
    [9, { ...fencing, state: 'undoing' }],
    [20, { ...fencing, state: 'cancelled' }],
  )
  expect(out).toContain('FENCE    undoing')
  expect(out).toContain('FENCE    cancelled')
})

it('names the leases that it waits for: those that are behind, or not settled', () => {
  const told = { ...proxyLease, id: 'told', routeVersion: 12, settledVersion: 11 }
  const known = { ...fencing, routeVersion: 12 }
  expect(waitedForText(known, [proxyLease, told])).toEqual([
    'waits for 1 lease: proxy proxy-1 (until 2026-11-23T10:00:03.000Z)',
  ])
  const awaiting = { ...recovering, step: 'AWAIT' as const, routeVersion: 12 }
  expect(waitedForText(awaiting, [proxyLease, told])[0]).toContain('2 leases')
  // What is to be followed is not in the record yet.
  expect(waitedForText(fencing, [proxyLease, told])[0]).toContain('1 lease: proxy proxy-1')
  expect(waitedForText(fencing, [proxyLease])).toEqual([])
  const many = Array.from({ length: 8 }, (_, i) => ({ ...proxyLease, accessPoint: `p${i}` }))
  expect(waitedForText(known, many)[0]).toMatch(/^waits for 8 leases: .* and 3 more$/)
})

it('sums what was recovered, and is silent before anything was found', () => {
  expect(recoveredText([...returnTopics, ...returnTopics])).toEqual([
    'tail of 240 records in 2 topics: 6 left out because they stand twice, 80 of 90 records copied on so far',
  ])
  expect(recoveredText([{ ...returnTopics[0]!, recovered: null }])).toEqual([])
})
