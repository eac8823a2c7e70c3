import type { z } from 'zod'
import { addSchemaProblems } from './schema-problems.ts'
import { type TextProblem, type YamlLimits, YamlText } from './yaml-text.ts'

/** Any other YAML file of a known shape, with the same care: a value, or what is wrong with it by line. */
export function parseCheckedYaml<T>(
  source: string,
  schema: z.ZodType<T>,
  limits: Partial<YamlLimits> = {},
): { readonly value: T } | { readonly problems: readonly TextProblem[] } {
  const text = new YamlText(source, limits)
  const value = text.value()
  if (text.problems.length > 0) return { problems: text.problems }
  const parsed = schema.safeParse(value)
  if (parsed.success) return { value: parsed.data }
  addSchemaProblems(text, schema, value, parsed.error.issues, (path) => path.map(String).join('.'))
  return { problems: text.problems.toSorted((a, b) => a.line - b.line || a.column - b.column) }
}
