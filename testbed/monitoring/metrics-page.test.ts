import { expect, test } from 'vitest'
import { metricsPage, metricTables } from './metric-tables.ts'

test('docs/reference/metrics.md has every metric of every program', async () => {
  await expect(metricsPage()).toMatchFileSnapshot('../../docs/reference/metrics.md')
})

test('names are of Braid, or of the process, and no two programs mean something else by one', () => {
  const rows = metricTables.flatMap(({ metrics }) => metrics)
  for (const { name, type, help, labels } of rows) {
    expect(name).toMatch(/^(braid|process)_[a-z0-9_]+$/)
    expect(name.endsWith('_total'), name).toBe(type === 'counter')
    expect(help, name).toMatch(/^[A-Z1].*[^.]$/)
    for (const label of labels) expect(label).toMatch(/^[a-z_]+$/)
  }
  expect(new Set(rows.map(({ name }) => name)).size).toBe(rows.length)
})
