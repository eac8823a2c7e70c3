import { expect, test } from 'vitest'
import type { HistoryEvent } from './event.ts'
import { pausesOf, summarizePauses } from './pauses.ts'
import { quantile } from './quantile.ts'
import { type Verdict, verdictLine, verdictOfAll } from './verdict.ts'

let call = 0
function produced(at: number, waitMs: number): HistoryEvent[] {
  call++
  return [
    { type: 'sent', at, producer: 'p', call, topic: 't', keys: [], ids: [] },
    { type: 'acknowledged', at: at + waitMs, producer: 'p', call, partitions: [], offsets: [] },
  ]
}

function moved(startedAt: number, at: number, from = 'a', to = 'b'): HistoryEvent {
  return { type: 'moved', at, topic: 't', from, to, startedAt, sealMs: 5 }
}

test('a pause is the longest wait during the move, less the median wait before it', () => {
  const events = [
    ...produced(0, 3),
    ...produced(10, 5),
    ...produced(20, 4),
    ...produced(95, 44),
    ...produced(110, 20),
    moved(100, 130),
  ]
  expect(pausesOf(events)).toEqual([{ topic: 't', from: 'a', to: 'b', sealMs: 5, pauseMs: 40 }])
})

test('each move is measured against the calls since the one before', () => {
  const events = [
    ...produced(0, 4),
    ...produced(105, 50),
    moved(100, 160),
    ...produced(1000, 10),
    ...produced(1100, 10),
    ...produced(2000, 70),
    moved(2000, 2050, 'b', 'c'),
  ]
  expect(pausesOf(events).map(({ pauseMs }) => pauseMs)).toEqual([46, 60])
})

test('a call that never was answered waits to the end of the history', () => {
  const open: HistoryEvent = { type: 'sent', at: 100, producer: 'p', call: -1, topic: 't', keys: [], ids: [] }
  const events = [...produced(0, 4), open, moved(90, 120), ...produced(5_000, 1)]
  expect(pausesOf(events)[0]!.pauseMs).toBe(5_001 - 100 - 4)
})

test('other topics do not count', () => {
  const events = produced(100, 50).map((event) => ('topic' in event ? { ...event, topic: 'other' } : event))
  expect(pausesOf([...events, moved(90, 120)])[0]!.pauseMs).toBe(0)
})

test('quantiles are values that were measured', () => {
  const values = [5, 1, 4, 2, 3]
  expect([0, 0.5, 0.95, 0.99, 1].map((share) => quantile(values, share))).toEqual([1, 3, 5, 5, 5])
  expect(summarizePauses([])).toEqual({ p50: 0, p95: 0, p99: 0, max: 0 })
})

const clean: Verdict = {
  verdict: 'clean',
  acknowledged: 120_000,
  lost: 0,
  duplicated: 0,
  reordered: 0,
  offsetsBack: 0,
  offsetsReused: 0,
  commitsLost: 0,
  unseen: 0,
  foreign: 0,
  errors: 0,
  readTwice: 0,
  evidence: [],
}

test('the verdict line says what everybody asks for', () => {
  const pauses = [12.4, 30, 25.2].map((pauseMs) => ({ topic: 't', from: 'a', to: 'b', sealMs: 1, pauseMs }))
  expect(verdictLine(clean, pauses)).toBe(
    'verdict: clean · acknowledged 120000 · lost 0 · duplicated 0 · reordered 0 · errors 0 · moves 3 · pause p50 25 ms p99 30 ms max 30 ms',
  )
})

test('a rarer defect appears on the line when it is there', () => {
  const line = verdictLine({ ...clean, verdict: 'broken', offsetsBack: 2 }, [])
  expect(line).toContain('verdict: broken · acknowledged 120000')
  expect(line).toContain('reordered 0 · offsets back 2 · errors 0 · moves 0')
})

test('the verdict over several topics is as bad as the worst of them, and counts all', () => {
  const broken: Verdict = { ...clean, verdict: 'broken', lost: 2, evidence: ['lost: two'] }
  expect(verdictOfAll([clean, broken, clean])).toEqual({
    ...broken,
    acknowledged: 3 * clean.acknowledged,
  })
  expect(verdictOfAll([broken, broken])).toMatchObject({ lost: 4, evidence: ['lost: two', 'lost: two'] })
})
