import { planeMetricSpecs } from '@braid/control-plane'
import { monitorMetrics } from '@braid/monitor'
import { proxyMetrics } from '@braid/proxy'

/** A metric as the program that has it says of it. */
export interface MetricRow {
  readonly name: string
  readonly type: 'gauge' | 'counter' | 'histogram'
  readonly help: string
  readonly labels: readonly string[]
}

export interface MetricTable {
  readonly title: string
  readonly where: string
  readonly metrics: readonly MetricRow[]
}

/** All metrics of all programs. */
export const metricTables: readonly MetricTable[] = [
  {
    title: 'Control plane',
    where: '`/metrics` of its API, `--listen` of `braid control-plane`',
    metrics: planeMetricSpecs,
  },
  { title: 'Proxy', where: '`/metrics` at `--metrics` of `braid proxy`', metrics: proxyMetrics },
  { title: 'Monitor', where: '`/metrics` at `--listen` of `braid monitor`', metrics: monitorMetrics },
]

/** As series are called in a query: a histogram is three of them. */
export function seriesOf({ name, type }: MetricRow): string[] {
  return type === 'histogram' ? ['bucket', 'sum', 'count'].map((suffix) => `${name}_${suffix}`) : [name]
}

/** The reference of all metrics as Markdown, made of the programs themselves. */
export function metricsPage(): string {
  const sections = metricTables.map(({ title, where, metrics }) => {
    const rows = metrics.map(({ name, type, help, labels }) => {
      const shown = labels.map((label) => `\`${label}\``).join(', ')
      return `| \`${name}\` | ${type} | ${shown} | ${help} |`
    })
    return `## ${title}\n\n${where}\n\n| name | type | labels | meaning |\n| --- | --- | --- | --- |\n${rows.join('\n')}\n`
  })
  return `# Metrics

Made of the programs: \`cd testbed && npx vitest run monitoring/metrics-page.test.ts -u\` writes it anew. The names are stable: rules
and dashboards may stand on them. What they are good for: [Monitor](../monitor.md).

${sections.join('\n')}`
}
