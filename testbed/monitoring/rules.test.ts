import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { metricTables, seriesOf } from './metric-tables.ts'
import {
  dashboards,
  monitoringFolder,
  queries,
  ruleFiles,
  rules,
  ruleTests,
  selectorsIn,
  seriesIn,
} from './queries.ts'

const run = promisify(execFile)

async function promtool(...args: string[]): Promise<string> {
  try {
    const { stdout, stderr } = await run('promtool', args)
    return stdout + stderr
  } catch (error) {
    const { code, stdout = '', stderr = '' } = error as { code?: unknown; stdout?: string; stderr?: string }
    if (code === 'ENOENT') throw new Error('there is no promtool: apt-get install prometheus')
    throw new Error(`${stdout}${stderr}`)
  }
}

const series = new Map(
  metricTables.flatMap(({ metrics }) =>
    metrics.flatMap((metric) => seriesOf(metric).map((name) => [name, metric] as const)),
  ),
)
const recorded = new Set(rules().flatMap(({ record }) => (record === undefined ? [] : [record])))
const alerts = rules().filter(({ alert }) => alert !== undefined)

describe("Prometheus' rules", () => {
  test('are ones, and so is the example that loads them', async () => {
    expect(await promtool('check', 'rules', ...ruleFiles())).toContain('SUCCESS')
    expect(await promtool('check', 'config', `${monitoringFolder}prometheus/prometheus.yml`)).toContain(
      'SUCCESS',
    )
  })

  test('fire when they should, and only then', async () => {
    expect(await promtool('test', 'rules', ...ruleTests())).toContain('SUCCESS')
  })

  test('every alert is tested, says what to do, and stands in the docs', () => {
    const tests = ruleTests()
      .map((file) => readFileSync(file, 'utf8'))
      .join('\n')
    const page = readFileSync(new URL('../../docs/monitor.md', import.meta.url), 'utf8')
    for (const { alert, labels, annotations } of alerts) {
      expect(tests, alert).toContain(`alertname: ${alert}\n`)
      expect(page, alert).toContain(`\`${alert}\``)
      expect(['critical', 'warning']).toContain(labels?.severity)
      expect(annotations?.summary, alert).toBeTruthy()
      expect(annotations?.action, alert).toBeTruthy()
    }
  })
})

describe('rules and dashboards', () => {
  test('ask for what the programs have', () => {
    expect(queries().length).toBeGreaterThan(50)
    const unknown = queries().flatMap(({ from, expr }) =>
      seriesIn(expr)
        .filter((name) => !series.has(name) && !recorded.has(name))
        .map((name) => `${from}: ${name}`),
    )
    expect(unknown).toEqual([])
  })

  test('select by labels that the metrics have', () => {
    const ofPrometheus = ['instance', 'job', 'le']
    const unknown = queries().flatMap(({ from, expr }) =>
      selectorsIn(expr).flatMap(({ series: name, labels }) =>
        labels
          .filter((label) => !ofPrometheus.includes(label) && !series.get(name)?.labels.includes(label))
          .map((label) => `${from}: ${name}{${label}}`),
      ),
    )
    expect(unknown).toEqual([])
  })

  test('dashboards of a fleet, of failover, of groups and of tenants, each with an id of its own', () => {
    const all = dashboards() as unknown as { uid: string; panels: { gridPos: { x: number; w: number } }[] }[]
    expect(all.map(({ uid }) => uid).toSorted()).toEqual([
      'braid-failover',
      'braid-fleet',
      'braid-groups',
      'braid-tenants',
    ])
    for (const { panels } of all)
      for (const { gridPos } of panels) expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24)
  })
})
