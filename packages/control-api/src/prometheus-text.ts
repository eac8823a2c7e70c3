// What Prometheus reads: text format 0.0.4 (https://prometheus.io/docs/instrumenting/exposition_formats/). Everything
// that serves /metrics writes it with this.

export type Labels = Readonly<Record<string, string>>

/** A metric with its values. Labels have few values: what is unbounded belongs into a log line. */
export interface Gauge {
  readonly name: string
  readonly help: string
  readonly type: 'gauge' | 'counter'
  readonly values: readonly (readonly [labels: Labels, value: number])[]
}

/** How many observations there were up to each bound, and in all. */
export interface Distribution {
  /** Cumulative, by upper bound, ascending; the last one is below infinity. */
  readonly buckets: readonly (readonly [upTo: number, count: number])[]
  readonly sum: number
  readonly count: number
}

export interface Histogram {
  readonly name: string
  readonly help: string
  readonly type: 'histogram'
  readonly values: readonly (readonly [labels: Labels, value: Distribution])[]
}

export const prometheusContentType = 'text/plain; version=0.0.4; charset=utf-8'

/** A metric without values is left out. */
export function prometheusText(metrics: readonly (Gauge | Histogram)[]): string {
  return metrics
    .filter(({ values }) => values.length > 0)
    .map((metric) => {
      const { name, help, type } = metric
      const lines = metric.type === 'histogram' ? histogramLines(metric) : gaugeLines(metric)
      return `# HELP ${name} ${escaped(help)}\n# TYPE ${name} ${type}\n${lines.join('\n')}\n`
    })
    .join('')
}

const gaugeLines = ({ name, values }: Gauge): string[] =>
  values.map(([labels, value]) => `${name}${labelText(labels)} ${numberText(value)}`)

const histogramLines = ({ name, values }: Histogram): string[] =>
  values.flatMap(([labels, { buckets, sum, count }]) => [
    ...[...buckets, [Number.POSITIVE_INFINITY, count] as const].map(
      ([upTo, below]) => `${name}_bucket${labelText({ ...labels, le: numberText(upTo) })} ${below}`,
    ),
    `${name}_sum${labelText(labels)} ${numberText(sum)}`,
    `${name}_count${labelText(labels)} ${count}`,
  ])

function labelText(labels: Labels): string {
  const pairs = Object.entries(labels).map(
    ([key, value]) => `${key}="${escaped(value).replaceAll('"', '\\"')}"`,
  )
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`
}

const escaped = (text: string): string => text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')

function numberText(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return '+Inf'
  if (value === Number.NEGATIVE_INFINITY) return '-Inf'
  return String(value)
}
