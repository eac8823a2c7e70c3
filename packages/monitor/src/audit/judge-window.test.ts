import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { judgeWindow } from './judge-window.ts'

const grown = (records: number) => ({ records: BigInt(records), vanished: 0n, certain: true })

describe('acknowledged against what came to the log', () => {
  test('nothing is said of what is on its way at the ends of the window', () => {
    // 100 acknowledged; 90 to 120 can have been appended for that.
    expect(
      judgeWindow({
        acknowledged: 100,
        mostAppended: grown(120),
        leastAppended: grown(90),
        heard: true,
        vanished: 0n,
      }),
    ).toEqual({ kind: 'even' })
  })

  test('more acknowledged than was appended is loss', () => {
    expect(
      judgeWindow({
        acknowledged: 125,
        mostAppended: grown(120),
        leastAppended: grown(90),
        heard: true,
        vanished: 0n,
      }),
    ).toEqual({ kind: 'loss', records: 5 })
  })

  test('more appended than was acknowledged is surplus', () => {
    expect(
      judgeWindow({
        acknowledged: 80,
        mostAppended: grown(120),
        leastAppended: grown(90),
        heard: true,
        vanished: 0n,
      }),
    ).toEqual({ kind: 'surplus', records: 10 })
  })

  test('a log that got shorter has lost records, whatever was counted', () => {
    expect(
      judgeWindow({
        acknowledged: 0,
        mostAppended: grown(50),
        leastAppended: grown(0),
        vanished: 3n,
        heard: false,
      }),
    ).toEqual({ kind: 'loss', records: 3 })
  })

  test('without all proxies or with a loglet of unknown end nothing is said', () => {
    const unknown = { records: 0n, vanished: 0n, certain: false }
    const counts = {
      acknowledged: 500,
      mostAppended: grown(1),
      leastAppended: grown(1),
      vanished: 0n,
      heard: true,
    }
    expect(judgeWindow({ ...counts, heard: false }).kind).toBe('unjudged')
    expect(judgeWindow({ ...counts, mostAppended: unknown }).kind).toBe('unjudged')
    expect(judgeWindow({ ...counts, leastAppended: unknown }).kind).toBe('unjudged')
  })

  test('records that are answered within the lead are never loss nor surplus', () => {
    const lead = 10
    const record = fc.record({ appendedAt: fc.integer({ min: 0, max: 200 }), takes: fc.nat(lead) })
    const window = fc.record({
      begin: fc.integer({ min: 20, max: 100 }),
      length: fc.integer({ min: 20, max: 80 }),
    })
    fc.assert(
      fc.property(fc.array(record, { maxLength: 60 }), window, (records, { begin, length }) => {
        const end = begin + length
        const appended = (from: number, to: number) =>
          grown(records.filter(({ appendedAt }) => appendedAt > from && appendedAt <= to).length)
        const acknowledged = records.filter(({ appendedAt, takes }) => {
          const answeredAt = appendedAt + takes
          return answeredAt > begin && answeredAt <= end
        }).length
        const judgement = judgeWindow({
          acknowledged,
          mostAppended: appended(begin - lead, end),
          leastAppended: appended(begin, end - lead),
          vanished: 0n,
          heard: true,
        })
        // A record appended at exactly begin - lead may be answered at begin: in the window of before.
        expect(judgement.kind).toBe('even')
      }),
    )
  })
})
