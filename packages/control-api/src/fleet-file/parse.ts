// A fleet file, read: the fleet, or everything that is wrong with it in one go, by line.
import { type Fleet, fleet as fleetSchema } from '../resources/fleet.ts'
import { defaultTenant } from '../resources/tenant.ts'
import { didYouMean, nearest } from './nearest.ts'
import {
  itemsOf,
  type KnownNames,
  kindTitles,
  namesIn,
  quoted,
  type Reference,
  referencesIn,
  textOf,
} from './references.ts'
import { readScalars } from './scalars.ts'
import { addSchemaProblems, valueAt } from './schema-problems.ts'
import { type Path, type TextProblem, type YamlLimits, YamlText } from './yaml-text.ts'

export interface ParsedFleetFile {
  /** Undefined when there are problems. */
  readonly fleet: Fleet | undefined
  /** By line and column. */
  readonly problems: readonly TextProblem[]
  /** Whether the file names clusters, SLA classes or tenants that it does not define: give `known` to have them checked. */
  readonly refersOutside: boolean
}

export interface ParseOptions {
  /** What is there already, which the file may refer to. Absent: references out of the file are not judged. */
  readonly known?: KnownNames
  readonly limits?: Partial<YamlLimits>
}

/** Reads a fleet file (YAML, so JSON too). Never throws: what is wrong is in `problems`. */
export function parseFleetFile(source: string, { known, limits }: ParseOptions = {}): ParsedFleetFile {
  const text = new YamlText(source, limits)
  readScalars(text)
  const wrongScalars = [...text.problems]
  text.problems.length = text.root === null ? text.problems.length : 0
  const value = text.value()
  if (text.problems.length > 0) return answer(text, undefined, false)
  if (value === null || value === undefined) {
    text.addAt(0, 'the file is empty: it begins with `version: 1`')
    return answer(text, undefined, false)
  }
  const outside = checkReferences(text, value, known)
  checkTwice(text, value)
  const parsed = fleetSchema.safeParse(value)
  if (!parsed.success) {
    // What is there twice is said with both places; a scalar that has a unit of its own is said by its unit.
    const issues = parsed.error.issues.filter(
      ({ code, path }) =>
        !(code === 'custom' && path.length === 1) &&
        !wrongScalars.some(({ line, column }) => sameplace(text, path, line, column)),
    )
    addSchemaProblems(text, fleetSchema, value, issues, (path) => subjectOf(value, path))
  }
  text.problems.push(...wrongScalars)
  return answer(text, parsed.success ? parsed.data : undefined, outside)
}

function answer(text: YamlText, fleet: Fleet | undefined, refersOutside: boolean): ParsedFleetFile {
  const problems = text.problems.toSorted((a, b) => a.line - b.line || a.column - b.column)
  return { fleet: problems.length === 0 ? fleet : undefined, problems, refersOutside }
}

function sameplace(text: YamlText, path: Path, line: number, column: number): boolean {
  const offset = text.offsetOf(path)
  return text.lineOf(offset) === line && text.columnOf(offset) === column
}

/** Adds a problem for every name that nothing has, if it is known what there is. */
function checkReferences(text: YamlText, value: unknown, known: KnownNames | undefined): boolean {
  const inFile = namesIn(value)
  let outside = false
  for (const reference of referencesIn(value)) {
    const { kind, name } = reference
    if (inFile[kind].has(name) || (kind === 'tenant' && name === defaultTenant)) continue
    outside = true
    if (known !== undefined && !known[kind].has(name)) {
      const meant = nearest(name, [...inFile[kind], ...known[kind]])
      text.addAt(text.offsetOf(reference.path), unknownName(reference, meant))
    }
  }
  return outside
}

const unknownName = ({ kind, name, where }: Reference, meant: string | undefined): string =>
  `${where}: there is no ${kindTitles[kind]} ${JSON.stringify(name)}${didYouMean(meant)}`

const sections = { clusters: 'cluster', slas: 'SLA class', tenants: 'tenant', topics: 'topic' } as const

function checkTwice(text: YamlText, value: unknown): void {
  for (const [section, title] of Object.entries(sections)) {
    const first = new Map<string, Path>()
    for (const { item, path } of itemsOf(value, section)) {
      const tenant = section === 'topics' ? textOf(item, 'tenant') || defaultTenant : ''
      const name = textOf(item, 'name')
      if (name === '') continue
      const before = first.get(`${tenant}/${name}`)
      if (before === undefined) first.set(`${tenant}/${name}`, [...path, 'name'])
      else {
        const line = text.lineOf(text.offsetOf(before))
        const message = `${title} ${quoted(item)} is there twice, first in line ${line}`
        text.addAt(text.offsetOf([...path, 'name']), message)
      }
    }
  }
}

/** `topic "orders"`, `expected of topic "orders"`; empty for the file as a whole. */
function subjectOf(value: unknown, path: Path): string {
  const [section, index, ...rest] = path
  const title = Object.entries(sections).find(([name]) => name === section)?.[1]
  if (title === undefined || index === undefined)
    return rest.length === 0 && section !== undefined ? String(section) : ''
  const name = valueAt(value, [section!, index, 'name'])
  const item = typeof name === 'string' ? `${title} ${JSON.stringify(name)}` : `${title} ${Number(index) + 1}`
  return rest.length === 0 ? item : `${rest.map(String).join('.')} of ${item}`
}
