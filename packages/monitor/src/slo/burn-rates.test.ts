import { describe, expect, test } from 'vitest'
import type { Finding } from '../findings.ts'
import { BurnRates } from './burn-rates.ts'

const minuteMs = 60_000

function burning(target = 99.9) {
  const found: Finding[] = []
  const rates = new BurnRates(target, (finding) => found.push(finding))
  let nowMs = 100 * 24 * 60 * minuteMs
  const minutes = (count: number, good: number, bad: number) => {
    for (let i = 0; i < count; i++) {
      nowMs += minuteMs
      rates.add('shop', nowMs, good, bad)
      rates.judge(nowMs)
    }
  }
  const rate = (window: string) => [...rates.rates(nowMs)].find((one) => one.window === window)?.rate
  return { rates, found, minutes, rate, pass: (ms: number) => (nowMs += ms) }
}

describe('burn rates', () => {
  test('one check of a thousand uses exactly what 99.9 % allow', () => {
    const { minutes, rate } = burning()
    minutes(360, 999, 1)
    for (const window of ['5m', '30m', '1h', '6h']) expect(rate(window)).toBeCloseTo(1)
  })

  test('each window has its own minutes, and forgets what is older', () => {
    const { minutes, rate } = burning(99)
    minutes(30, 100, 0)
    minutes(5, 0, 100)
    expect(rate('5m')).toBeCloseTo(100)
    expect(rate('30m')).toBeCloseTo((100 * 5) / 30)
    expect(rate('1h')).toBeCloseTo((100 * 5) / 60)
    minutes(360, 100, 0)
    expect(rate('6h')).toBe(0)
  })

  test('time without checks is no failure, and does not last', () => {
    const { minutes, rate, pass } = burning()
    minutes(5, 0, 10)
    pass(7 * 60 * minuteMs)
    expect(rate('5m')).toBeUndefined()
    expect(rate('6h')).toBeUndefined()
  })

  test('a monitor that was just started is not alarmed by one slow check, and is by an outage', () => {
    const { minutes, found } = burning()
    minutes(1, 59, 1)
    expect(found).toEqual([])
    minutes(2, 0, 60)
    expect(found.map(({ severity }) => severity)).toContain('error')
  })

  test('a short outage is told of when both windows burn, once, and again after it has ended', () => {
    const { minutes, found } = burning()
    minutes(60, 60, 0)
    expect(found).toEqual([])
    minutes(2, 0, 60)
    expect(found.map(({ severity }) => severity)).toEqual(['error'])
    expect(found[0]).toMatchObject({
      kind: 'SLO_BURNS',
      tenant: 'shop',
      evidence: { long: '1h', short: '5m' },
    })
    minutes(3, 0, 60)
    expect(found.filter(({ severity }) => severity === 'error')).toHaveLength(1)
    minutes(400, 60, 0)
    minutes(2, 0, 60)
    expect(found.filter(({ severity }) => severity === 'error')).toHaveLength(2)
  })

  test('what ended before is not told of any more', () => {
    const { minutes, found } = burning()
    minutes(60, 100, 0)
    // 2 % of an hour fail, then it is over: the short window has seen nothing since.
    minutes(1, 0, 100)
    const told = found.length
    minutes(10, 100, 0)
    expect(found).toHaveLength(told)
  })

  test('tenants that are gone are forgotten', () => {
    const { rates, minutes, rate } = burning()
    minutes(1, 1, 0)
    rates.forgetAllBut(new Set(['others']))
    expect(rate('5m')).toBeUndefined()
  })

  test('one that was burning when it went is told of anew when it is back and burns', () => {
    const { rates, minutes, found } = burning()
    const errors = () => found.filter(({ severity }) => severity === 'error')
    minutes(3, 0, 60)
    rates.forgetAllBut(new Set(['shop']))
    minutes(3, 0, 60)
    expect(errors()).toHaveLength(1)
    rates.forgetAllBut(new Set(['others']))
    minutes(3, 0, 60)
    expect(errors()).toHaveLength(2)
  })
})
