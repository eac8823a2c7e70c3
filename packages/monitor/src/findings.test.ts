import { expect, test } from 'vitest'
import { Findings } from './findings.ts'

const finding = (detail: string) => ({ kind: 'LAG_OK', severity: 'info', detail, evidence: {} }) as const

test('what was found stays until it has arrived', () => {
  const findings = new Findings(() => 0)
  findings.add(finding('one'))
  const first = findings.next()
  findings.add(finding('two'))
  expect(first).toMatchObject([{ detail: 'one', at: '1970-01-01T00:00:00.000Z', cluster: null }])
  expect(findings.next()).toHaveLength(2)
  findings.arrived(first)
  expect(findings.next().map(({ detail }) => detail)).toEqual(['two'])
  expect(findings.counts.get('LAG_OK')).toBe(2)
})

test('a report has a bound, and so has what waits: the oldest goes', () => {
  const findings = new Findings(() => 0)
  for (let i = 0; i < 1_010; i++) findings.add(finding(String(i)))
  expect(findings.next()).toHaveLength(100)
  expect(findings.next()[0]).toMatchObject({ detail: '10' })
  expect(findings.droppedTotal).toBe(10)
})

test('what is longer than the control plane takes is cut', () => {
  const findings = new Findings(() => 0)
  const long = 'x'.repeat(2_000)
  findings.add({ ...finding(long), group: long, evidence: { long, count: 1 } })
  const [event] = findings.next()
  expect([event?.detail.length, event?.group?.length, event?.evidence.long]).toEqual([
    1_000,
    255,
    'x'.repeat(500),
  ])
})
