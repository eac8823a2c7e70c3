// What a schema finds wrong with a file, in words for whoever wrote the file.
import { z } from 'zod'
import { didYouMean, nearest } from './nearest.ts'
import type { Path, YamlText } from './yaml-text.ts'

/** What the value at a path is part of, `topic "orders"`; empty at the top. */
export type Subject = (path: Path) => string

/** Adds a problem for everything in which `value`, as the text says it, differs from the schema. */
export function addSchemaProblems(
  text: YamlText,
  schema: z.ZodType,
  value: unknown,
  issues: readonly z.core.$ZodIssue[],
  subjectOf: Subject,
): void {
  // A key that is misspelt is also missing under its right name; once is enough.
  const meantKeys = new Set<string>()
  for (const issue of issues) {
    if (issue.code === 'unrecognized_keys') {
      const known = keysAt(schema, issue.path)
      for (const key of issue.keys) {
        const meant = nearest(key, known, 3)
        if (meant !== undefined) meantKeys.add(JSON.stringify([...issue.path, meant]))
        const place = inWhat(subjectOf(issue.path))
        const hint = meant === undefined ? `: it takes ${known.join(', ')}` : didYouMean(meant)
        text.addAt(text.offsetOfKey(issue.path, key), `unknown key ${JSON.stringify(key)}${place}${hint}`)
      }
    }
  }
  for (const issue of issues) {
    if (issue.code === 'unrecognized_keys' || meantKeys.has(JSON.stringify(issue.path))) continue
    text.addAt(text.offsetOf(issue.path), wordsOf(issue, value, subjectOf))
  }
}

function wordsOf(issue: z.core.$ZodIssue, value: unknown, subjectOf: Subject): string {
  const key = issue.path.at(-1)
  const around = issue.path.slice(0, -1)
  if (typeof key !== 'string') {
    const subject = subjectOf(issue.path)
    return `${subject === '' ? '' : `${subject}: `}${reasonOf(issue, valueAt(value, issue.path))}`
  }
  const found = valueAt(value, issue.path)
  if (found === undefined && issue.code !== 'custom') {
    return `${subjectOf(around) || 'the file'} has no ${JSON.stringify(key)}`
  }
  return `${JSON.stringify(key)}${inWhat(subjectOf(around))}: ${reasonOf(issue, found)}`
}

const inWhat = (subject: string): string => (subject === '' ? '' : ` in ${subject}`)

const kinds: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a map of keys',
  record: 'a map of keys',
}

function reasonOf(issue: z.core.$ZodIssue, found: unknown): string {
  switch (issue.code) {
    case 'invalid_type': {
      const quote = issue.expected === 'string' && typeof found === 'number' ? ': put it in quotes' : ''
      return `it takes ${kinds[issue.expected] ?? issue.expected}, not ${shown(found)}${quote}`
    }
    case 'invalid_value': {
      const values = issue.values.map(String)
      const meant = typeof found === 'string' ? nearest(found, values) : undefined
      return `it takes ${values.join(', ')}, not ${shown(found)}${didYouMean(meant)}`
    }
    case 'too_big':
      return `it is at most ${issue.maximum}${unitOf(issue.origin)}, not ${shown(found)}`
    case 'too_small':
      return `it is at least ${issue.minimum}${unitOf(issue.origin)}, not ${shown(found)}`
    case 'invalid_union':
      return `it takes text or a list of texts, not ${shown(found)}`
    case 'invalid_key':
      return issue.issues[0]?.message ?? issue.message
    default:
      return issue.message
  }
}

const unitOf = (origin: string): string =>
  origin === 'string' ? ' characters' : origin === 'array' ? ' entries' : ''

function shown(value: unknown): string {
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object' && value !== null) return 'a map of keys'
  const text = JSON.stringify(value) ?? String(value)
  return text.length > 60 ? `${text.slice(0, 60)}...` : text
}

export function valueAt(value: unknown, path: Path): unknown {
  let at = value
  for (const step of path) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, step)) return undefined
    at = (at as Record<PropertyKey, unknown>)[step]
  }
  return at
}

interface JsonSchema {
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly additionalProperties?: JsonSchema | boolean
  readonly items?: JsonSchema
  readonly anyOf?: readonly JsonSchema[]
  readonly allOf?: readonly JsonSchema[]
}

const othersOf = ({ additionalProperties }: JsonSchema): JsonSchema | undefined =>
  typeof additionalProperties === 'object' ? additionalProperties : undefined

function keysAt(schema: z.ZodType, path: Path): string[] {
  let at = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as JsonSchema | undefined
  for (const step of path) {
    const parts: JsonSchema[] = at === undefined ? [] : [at, ...(at.anyOf ?? []), ...(at.allOf ?? [])]
    at = parts
      .map((part) =>
        typeof step === 'number' ? part.items : (part.properties?.[String(step)] ?? othersOf(part)),
      )
      .find((found) => found !== undefined)
  }
  const parts: JsonSchema[] = at === undefined ? [] : [at, ...(at.anyOf ?? []), ...(at.allOf ?? [])]
  return Object.keys(parts.find(({ properties }) => properties !== undefined)?.properties ?? {})
}
