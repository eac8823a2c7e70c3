import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'

/** What people are given: rules for Prometheus, dashboards for Grafana. */
export const monitoringFolder = fileURLToPath(new URL('../../monitoring/', import.meta.url))

export interface Query {
  /** The file, and which rule or panel of it. */
  readonly from: string
  readonly expr: string
}

interface RuleFile {
  readonly groups: readonly {
    readonly rules: readonly {
      readonly alert?: string
      readonly record?: string
      readonly expr: string
      readonly labels?: { readonly severity?: string }
      readonly annotations?: { readonly summary?: string; readonly action?: string }
    }[]
  }[]
}

interface Dashboard {
  readonly title: string
  readonly panels: readonly {
    readonly title: string
    readonly targets: readonly { readonly expr: string }[]
  }[]
  readonly templating: { readonly list: readonly { readonly type: string; readonly query: unknown }[] }
}

const filesIn = (folder: string): string[] =>
  readdirSync(`${monitoringFolder}${folder}`).map((name) => `${monitoringFolder}${folder}/${name}`)

export const ruleFiles = (): string[] => filesIn('prometheus/rules')
export const ruleTests = (): string[] => filesIn('prometheus/tests')
export const dashboardFiles = (): string[] => filesIn('grafana')

export function rules() {
  return ruleFiles().flatMap((file) =>
    (parse(readFileSync(file, 'utf8')) as RuleFile).groups.flatMap((group) => group.rules),
  )
}

export function dashboards(): Dashboard[] {
  return dashboardFiles().map((file) => JSON.parse(readFileSync(file, 'utf8')) as Dashboard)
}

export function queries(): Query[] {
  const ofRules = rules().map(({ alert, record, expr }) => ({ from: alert ?? record ?? '', expr }))
  const ofDashboards = dashboards().flatMap(({ title, panels, templating }) => [
    ...panels.flatMap((panel) =>
      panel.targets.map(({ expr }) => ({ from: `${title}, ${panel.title}`, expr })),
    ),
    ...templating.list
      .filter(({ type }) => type === 'query')
      .map(({ query }) => ({ from: `${title}, a variable`, expr: (query as { query: string }).query })),
  ])
  return [...ofRules, ...ofDashboards]
}

/** The series that a query asks for, and the labels that it selects, groups or shows by. */
export function seriesIn(expr: string): string[] {
  return [...expr.matchAll(/\b(?:braid:[a-z0-9_:]+|(?:braid|process)_[a-z0-9_]+)/g)].map(([name]) => name)
}

/** By series: the labels of its selectors. */
export function selectorsIn(expr: string): { series: string; labels: string[] }[] {
  return [...expr.matchAll(/\b((?:braid|process)_[a-z0-9_]+)\{([^}]*)\}/g)].map(
    ([, series = '', matchers = '']) => ({
      series,
      labels: Array.from(matchers.matchAll(/(\w+)\s*(?:=~|!~|!=|=)/g), ([, label = '']) => label),
    }),
  )
}
