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

export const prometheusContentType = 'text/plain; version=0.0.4; charset=utf-8'

/** A metric without values is left out. */
export function prometheusText(gauges: readonly Gauge[]): string {
  return gauges
    .filter(({ values }) => values.length > 0)
    .map(({ name, help, type, values }) => {
      const lines = values.map(([labels, value]) => `${name}${labelText(labels)} ${numberText(value)}`)
      return `# HELP ${name} ${escaped(help)}\n# TYPE ${name} ${type}\n${lines.join('\n')}\n`
    })
    .join('')
}

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
