import { describe, expect, test } from 'vitest'
import { acknowledgedMetric, deliveredMetric, ProxyCounts, parseCounts } from './proxy-counts.ts'

const counts = (value: number) => new Map([['default/orders', value]])

describe('what proxies counted', () => {
  test('is read out of what they tell Prometheus', () => {
    const text = [
      '# HELP braid_proxy_acknowledged_records_total Records',
      '# TYPE braid_proxy_acknowledged_records_total counter',
      'braid_proxy_acknowledged_records_total{tenant="default",topic="orders"} 12',
      'braid_proxy_acknowledged_records_total{topic="clicks",tenant="shop"} 1.5e3',
      'braid_proxy_delivered_records_total{tenant="shop",topic="clicks"} 7',
      'braid_proxy_connections 4',
    ].join('\n')
    expect([...parseCounts(text, acknowledgedMetric)]).toEqual([
      ['default/orders', 12],
      ['shop/clicks', 1_500],
    ])
    expect([...parseCounts(text, deliveredMetric)]).toEqual([['shop/clicks', 7]])
  })

  test('what a proxy had counted before it was first heard is not new', () => {
    const acknowledged = new ProxyCounts()
    acknowledged.heard('p1', counts(1_000))
    expect(acknowledged.totals.get('default/orders')).toBe(0)
    acknowledged.heard('p1', counts(1_010))
    expect(acknowledged.totals.get('default/orders')).toBe(10)
  })

  test('a proxy that is started again counts from zero', () => {
    const acknowledged = new ProxyCounts()
    acknowledged.heard('p1', counts(1_000))
    acknowledged.heard('p1', counts(7))
    acknowledged.heard('p1', counts(9))
    expect(acknowledged.totals.get('default/orders')).toBe(9)
  })

  test('several proxies are one sum, and a topic that came since counts from its beginning', () => {
    const acknowledged = new ProxyCounts()
    acknowledged.heard('p1', new Map())
    acknowledged.heard('p2', counts(50))
    acknowledged.heard('p1', counts(3))
    acknowledged.heard('p2', counts(54))
    expect(acknowledged.totals.get('default/orders')).toBe(7)
  })

  test('a proxy that leaves a topic out for a while does not count it twice', () => {
    const acknowledged = new ProxyCounts()
    acknowledged.heard('p1', counts(50))
    acknowledged.heard('p1', new Map())
    acknowledged.heard('p1', counts(52))
    expect(acknowledged.totals.get('default/orders')).toBe(2)
  })

  test('topics that nobody needs are forgotten, and what a proxy still says of them is not new when they are back', () => {
    const acknowledged = new ProxyCounts()
    acknowledged.heard('p1', counts(1_000))
    acknowledged.heard('p1', counts(1_010))
    acknowledged.forgetAllBut(() => false)
    expect([...acknowledged.totals]).toEqual([])
    acknowledged.heard('p1', counts(1_010))
    acknowledged.forgetAllBut(() => false)
    acknowledged.heard('p1', counts(1_013))
    expect(acknowledged.totals.get('default/orders')).toBe(3)
  })

  test('one that was forgotten and not said any more counts from its beginning', () => {
    const acknowledged = new ProxyCounts()
    acknowledged.heard('p1', counts(1_000))
    acknowledged.forgetAllBut(() => false)
    acknowledged.heard('p1', new Map())
    acknowledged.heard('p1', counts(1_200))
    expect(acknowledged.totals.get('default/orders')).toBe(1_200)
  })
})
